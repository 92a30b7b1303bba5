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

    @Test("what was sent to a room before it was left is not lost, what came after is not sent")
    func leaves() async throws {
        let events = try await missed { server, socket in
            try server.to("a").emit("one")
            try server.except("a").emit("not")
            socket.leave("a")
            try server.to("a").emit("not")
            try server.except("a").emit("two")
            server.in(Room(socket.id)).socketsJoin("a")
            try server.to("a").emit("three")
            server.in(Room(socket.id)).socketsLeave("a")
            try server.to("a").emit("not")
        }
        #expect(events == ["one", "two", "three"])
    }

    @Test("the same for a handler that leaves")
    func leavesOnItsLoop() async throws {
        let events = try await missed { server, socket in
            socket.shared.run { _ in
                try? server.to("a").emit("one")
                socket.leave("a")
                try? server.to("a").emit("not")
                socket.join("a")
                try? server.to("a").emit("two")
            }
        }
        #expect(events == ["one", "two"])
    }

    @Test("who has left more rooms than are remembered does not recover from before")
    func leavesMany() async throws {
        let most = SocketRecovery.maxLeftRooms
        for count in [most, most + 1] {
            let events = try await missed { server, socket in
                for number in 0..<count {
                    let room = Room("r\(number)")
                    socket.join(room)
                    try server.emit("x")
                    socket.leave(room)
                }
            }
            #expect(events?.count == (count == most ? count : nil))
        }
    }
}
