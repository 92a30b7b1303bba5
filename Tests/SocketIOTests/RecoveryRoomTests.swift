import Foundation
import Testing

@testable import SocketIO

@Suite("protocol.md §20: rooms that change before a loss is noticed", .timeLimit(.minutes(5)))
struct RecoveryRoomTests {
    /// What a client gets again that has named an offset from before `change`.
    ///
    /// It is in room `a` and its connection stands, but it has not received what came meanwhile.
    private func missed(
        _ change: @escaping @Sendable (Server, Socket) async throws -> Void
    ) async throws -> [String]? {
        let sockets = Journal<Socket>()
        let result = Journal<[String]?>()
        try await withRecovery(
            setUp: { server in
                server.onConnection { socket in
                    sockets.add(socket)
                    guard !socket.recovered else { return }
                    socket.join("a")
                    try socket.emit("first")
                }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                let offset = RecoveringClient.offset(try await session.client.text())
                let socket = await sockets.first(1)[0]
                await socket.flushed()
                try await change(server, socket)
                await socket.flushed()
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid, offset)
                )
                let events = again.missed.map { message in
                    guard case .text(let text) = message else { return "bytes" }
                    return String(text.split(separator: "\"")[1])
                }
                result.add(again.sid == session.sid ? events : nil)
            }
        )
        return try #require(result.entries.first)
    }

    @Test("who joins a room later was not excluded from what was sent before, but is from then on")
    func except() async throws {
        let events = try await missed { server, socket in
            try server.to("a").except("muted").emit("one")
            socket.join("muted")
            await socket.flushed()
            try server.to("a").except("muted").emit("two")
            try server.to("a").emit("three")
        }
        #expect(events == ["one", "three"])
    }
}
