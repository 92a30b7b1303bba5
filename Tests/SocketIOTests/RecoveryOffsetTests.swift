import Foundation
import Testing

@testable import SocketIO

@Suite("protocol.md §20: what a client names as its offset", .timeLimit(.minutes(5)))
struct RecoveryOffsetTests {
    @Test(
        "a client that was never sent an offset may name any word",
        arguments: ["bob", "0", "", "Q7y3bES", String(repeating: "z", count: 500)]
    )
    func word(offset: String) async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            { $0.maxPackets = 2 },
            setUp: { server in
                server.onConnection { socket in socket.onDisconnect { ends.add($0) } }
            },
            run: { server, port in
                try server.emit("before")
                var session = try await RecoveringClient.connect(port)
                for count in 0..<10 { try server.to("others").emit("x", count) }
                // Its answer shows that all loops are past that.
                _ = try await server.fetchSockets()
                for count in 1...2 {
                    session.client.drop()
                    _ = await ends.first(count)
                    let again = try await RecoveringClient.connect(
                        port,
                        auth: RecoveringClient.auth(session.pid, offset)
                    )
                    #expect(again.sid == session.sid)
                    #expect(again.missed.isEmpty)
                    session = again
                }
                session.client.drop()
                _ = await ends.first(3)
                try server.emit("after")
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid, offset)
                )
                #expect(again.sid == session.sid)
                #expect(again.missed.count == 1)
            }
        )
    }
}
