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

    @Test("one event lost on a dead connection comes back, though older ones are gone")
    func oneLost() async throws {
        try await withRecovery(
            { $0.maxPackets = 4 },
            run: { server, port in
                var session = try await RecoveringClient.connect(port)
                var offset: String?
                for count in 1...12 {
                    for number in 0..<10 { try server.to("others").emit("x", number) }
                    try server.to(Room(session.sid)).emit("lost", count)
                    try server.to("others").emit("x")
                    let again = try await RecoveringClient.connect(
                        port,
                        auth: RecoveringClient.auth(session.pid, offset)
                    )
                    #expect(again.sid == session.sid)
                    #expect(again.missed.count == 1)
                    guard case .text(let text)? = again.missed.first else { return }
                    #expect(text.hasPrefix(#"42["lost",\#(count),""#))
                    offset = RecoveringClient.offset(text)
                    session = again
                }
                // Both of the last two are lost: one of them for good.
                try server.to(Room(session.sid)).emit("lost")
                for number in 0..<10 { try server.to("others").emit("x", number) }
                try server.to(Room(session.sid)).emit("lost")
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid, offset)
                )
                #expect(again.sid != session.sid)
            }
        )
    }

    @Test("of what was sent the last eight offsets are known, up to the one that is named")
    func recent() {
        var recent = RecentOffsets()
        #expect(recent.list.isEmpty)
        for number in 0..<20 { recent.append("\(number)") }
        #expect(recent.list == (12..<20).map { "\($0)" })
        func list(_ sent: [String], _ offset: String?) -> [String] {
            let session = StoredSession(
                id: "i",
                privateID: "p",
                rooms: [:],
                data: nil,
                lastOffsets: sent
            )
            return RecentOffsets(of: session, upTo: offset).list
        }
        #expect(list(["1", "2", "3"], "2") == ["1", "2"])
        #expect(list(["1", "2", "3"], "0") == ["0"])
        #expect(list(["1", "2", "3"], nil).isEmpty)
        #expect(list([], "bob").isEmpty)
    }
}
