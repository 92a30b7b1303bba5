import Testing

@testable import SocketIO

@Suite("protocol.md §20: sockets at their end, and restored ones", .timeLimit(.minutes(5)))
struct RecoveryEndTests {
    /// How a socket ends for good.
    enum End: Sendable, CaseIterable {
        case left, disconnected, refused
    }

    @Test(
        "an event for a socket that is over for good is neither kept nor told to any loop",
        arguments: End.allCases
    )
    func over(end: End) async throws {
        let ends = Journal<Socket>()
        try await withRecovery(
            setUp: { server in
                server.use { socket, _ in
                    guard end == .refused else { return }
                    ends.add(socket)
                    throw ConnectError("no")
                }
                server.onConnection { socket in
                    socket.onDisconnecting { _ in try? socket.emit("late") }
                    socket.onDisconnect { _ in
                        try? socket.emit("late")
                        ends.add(socket)
                    }
                    socket.on("leave") { () in
                        socket.disconnect()
                        try socket.emit("late")
                    }
                }
            },
            run: { server, port in
                let position = try #require(server.main.position)
                let client = try TestClient(port: port)
                try client.send("40")
                switch end {
                case .left:
                    _ = try await client.text()
                    try client.send("41")
                case .disconnected:
                    _ = try await client.text()
                    try client.send(#"42["leave"]"#)
                    #expect(try await client.text() == "41")
                case .refused:
                    #expect(try await client.text() == #"44{"message":"no"}"#)
                }
                for socket in await ends.first(1) { try socket.emit("late") }
                #expect(server.main.position == position)
                try server.emit("kept")
                #expect(server.main.position != position)
            }
        )
    }

    @Test("an event for a socket whose client may come back is kept for it")
    func away() async throws {
        let ends = Journal<Socket>()
        try await withRecovery(
            setUp: { server in
                server.onConnection { socket in socket.onDisconnect { _ in ends.add(socket) } }
            },
            run: { _, port in
                let session = try await RecoveringClient.connect(port)
                session.client.drop()
                for socket in await ends.first(1) { try socket.emit("kept") }
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(again.sid == session.sid)
                #expect(again.missed.count == 1)
            }
        )
    }

    @Test("what was sent to a room that a middleware has joined for a restored socket comes again")
    func middlewareRooms() async throws {
        let ends = Journal<String>()
        try await withRecovery(
            { $0.skipsMiddlewares = false },
            setUp: { server in
                server.use { socket, _ in
                    guard socket.recovered else { return }
                    socket.join("late")
                    await socket.flushed()
                }
                server.onConnection { socket in
                    if !socket.recovered { try socket.emit("first") }
                    socket.onDisconnect { _ in ends.add(socket.id) }
                }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                let offset = RecoveringClient.offset(try await session.client.text())
                session.client.drop()
                _ = await ends.first(1)
                let auth = RecoveringClient.auth(session.pid, offset)
                let second = try await RecoveringClient.connect(port, auth: auth)
                #expect(second.sid == session.sid)
                try server.to("late").emit("lost")
                // The lines are dead, but nobody has noticed.
                for _ in 0..<2 {
                    let again = try await RecoveringClient.connect(port, auth: auth)
                    #expect(again.sid == session.sid)
                    #expect(again.missed.count == 1)
                }
            }
        )
    }
}
