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

    @Test("nor is it lost if the connection ends before the leave takes effect")
    func leavesAtTheEnd() async throws {
        let sockets = Journal<Socket>()
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            setUp: { server in
                server.onConnection { socket in
                    sockets.add(socket)
                    socket.join("a")
                    try socket.emit("first")
                    socket.onDisconnecting { _ in
                        socket.leave("a")
                        try? server.to("a").emit("not")
                    }
                    socket.onDisconnect { ends.add($0) }
                }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                let offset = RecoveringClient.offset(try await session.client.text())
                _ = await sockets.first(1)
                try server.to("a").emit("one")
                #expect(try await session.client.text().hasPrefix(#"42["one""#))
                session.client.drop()
                _ = await ends.first(1)
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid, offset)
                )
                #expect(again.sid == session.sid)
                #expect(again.missed.count == 1)
            }
        )
    }

    @Test("rooms that were left are remembered by a number and a length of names")
    func leftBytes() {
        let recovery = SocketRecovery(privateID: "x")
        for number in 0..<4 {
            let room = Room(String(repeating: "\(number)", count: SocketRecovery.maxLeftBytes / 3))
            recovery.joined[room] = "0"
            recovery.leave(room, at: "\(number + 1)")
        }
        #expect(recovery.left.map(\.until) == ["2", "3", "4"])
        #expect(recovery.forgotten == "1")
        let long = Room(String(repeating: "x", count: SocketRecovery.maxLeftBytes + 1))
        recovery.joined[long] = "0"
        recovery.leave(long, at: "5")
        #expect(recovery.left.isEmpty && recovery.forgotten == "5")
    }

    @Test("the names of an event's rooms count for what is kept")
    func names() async throws {
        for length in [10, 2000] {
            let ends = Journal<DisconnectReason>()
            try await withRecovery(
                { $0.maxPacketBytes = 10_000 },
                setUp: { server in
                    server.onConnection { socket in socket.onDisconnect { ends.add($0) } }
                },
                run: { server, port in
                    let session = try await RecoveringClient.connect(port)
                    session.client.drop()
                    _ = await ends.first(1)
                    try server.emit("mine")
                    for number in 0..<4 {
                        let room = Room("\(number)" + String(repeating: "x", count: length))
                        try server.to(room).except(Room("y\(room.name)")).emit("x")
                    }
                    let again = try await RecoveringClient.connect(
                        port,
                        auth: RecoveringClient.auth(session.pid)
                    )
                    #expect((again.sid == session.sid) == (length == 10))
                }
            )
        }
    }
}
