import Testing

@testable import SocketIO

@Suite("protocol.md §19: disconnecting", .timeLimit(.minutes(5)))
struct DisconnectTests {
    /// Notes what each socket goes through, with its number of rooms.
    private static func record(_ server: Namespace, in journal: Journal<String>) {
        server.onConnection { socket in
            socket.join("room")
            socket.onDisconnecting { reason in
                journal.add("disconnecting \(reason.rawValue) \(socket.rooms.count)")
            }
            socket.onDisconnect { reason in
                let isConnected = socket.isConnected
                journal.add("disconnect \(reason.rawValue) \(socket.rooms.count) \(isConnected)")
            }
            socket.on("bye") { socket.disconnect() }
            socket.on("close") { socket.disconnect(close: true) }
        }
    }

    struct Cause: Sendable, CustomTestStringConvertible {
        let send: String
        let reason: String
        let answers: [TestClient.Message]
        var testDescription: String { "\(send): \(reason)" }
    }

    @Test(
        "disconnecting with the rooms, then leaving them, then disconnect, with the reason",
        arguments: [
            Cause(send: "41", reason: "client namespace disconnect", answers: []),
            Cause(
                send: #"42["bye"]"#,
                reason: "server namespace disconnect",
                answers: [.text("41")]
            ),
            Cause(
                send: #"42["close"]"#,
                reason: "server namespace disconnect",
                answers: [.text("41"), .closed]
            ),
            Cause(send: "1", reason: "transport close", answers: [.closed]),
            Cause(send: "42[", reason: "forced close", answers: [.closed]),
            Cause(send: "40", reason: "forced close", answers: [.closed]),
            Cause(send: "x", reason: "parse error", answers: [.closed]),
        ]
    )
    func reasons(_ cause: Cause) async throws {
        let journal = Journal<String>()
        try await withServer(
            setUp: { Self.record($0.main, in: journal) },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(cause.send)
                for answer in cause.answers { #expect(try await client.next() == answer) }
                #expect(
                    await journal.first(2)
                        == [
                            "disconnecting \(cause.reason) 2", "disconnect \(cause.reason) 0 false",
                        ]
                )
                #expect(server.main.localCount(of: "room") == 0)
            }
        )
    }

    @Test("disconnect(close: true) ends all namespaces of the client")
    func closeAll() async throws {
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                Self.record(server.main, in: journal)
                Self.record(server.of("/a"), in: journal)
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join("/a")
                try await client.join()
                try client.send(#"42/a,["close"]"#)
                #expect(try await client.text() == "41")
                #expect(try await client.text() == "41/a,")
                #expect(try await client.next() == .closed)
                #expect(
                    await journal.first(4).filter { $0.hasPrefix("disconnect ") }
                        == Array(
                            repeating: "disconnect server namespace disconnect 0 false",
                            count: 2
                        )
                )
            }
        )
    }

    @Test("handlers that disconnect once more are heard once, and one DISCONNECT is sent")
    func recursion() async throws {
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                Self.record(server.main, in: journal)
                server.onConnection { socket in
                    socket.onDisconnecting { _ in
                        socket.disconnect()
                        server.disconnectSockets()
                        socket.join("late")
                    }
                    socket.onDisconnect { _ in
                        socket.disconnect(close: true)
                        socket.join("late")
                    }
                }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(#"42["bye"]"#)
                #expect(try await client.text() == "41")
                try await client.join()
                #expect(journal.entries.count == 2)
                #expect(server.main.localCount(of: "late") == 0)
            }
        )
    }

    @Test("after the disconnect calls do nothing and handlers are not kept")
    func afterwards() async throws {
        let sockets = Journal<Socket>()
        let gone = Journal<Bool>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    sockets.add(socket)
                    socket.onDisconnect { _ in gone.add(true) }
                }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                let id = try await client.join()
                try client.send("41")
                _ = await gone.first(1)
                let socket = sockets.entries[0]
                socket.on("x") { gone.add(false) }
                socket.onDisconnect { _ in gone.add(false) }
                socket.onDisconnecting { _ in gone.add(false) }
                socket.join("room")
                socket.disconnect()
                try socket.emit("x")
                await socket.flushed()
                #expect(socket.rooms == [])
                #expect(server.main.localCount(of: "room") == 0)
                #expect(try await server.to(Room(id)).fetchSockets().isEmpty)
                // A late event for the namespace is ignored, then the client may come again.
                try client.send(#"42["x"]"#)
                try await client.join()
                #expect(gone.entries == [true])
            }
        )
    }

    @Test("an async handler that ends after the disconnect answers nobody")
    func lateHandler() async throws {
        struct Odd: Error {}
        let gate = Gate()
        let errors = Journal<String>()
        let gone = Journal<Bool>()
        try await withServer(
            options: { $0.onError = { errors.add("\($0.event ?? "") \($0.socket.isConnected)") } },
            setUp: { server in
                server.onConnection { socket in
                    socket.on("x") { () async throws -> Int in
                        await gate.pass()
                        throw Odd()
                    }
                    socket.onDisconnect { _ in gone.add(true) }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(#"421["x"]"#, "41")
                _ = await gone.first(1)
                gate.open()
                #expect(await errors.first(1) == ["x false"])
                try await client.join()
            }
        )
    }

    @Test("a shutdown tells every socket, closes every connection and frees the port")
    func shutdown() async throws {
        let journal = Journal<String>()
        try await withServer(
            loops: 2,
            setUp: { Self.record($0.main, in: journal) },
            run: {
                server,
                port in
                let clients = try (0..<4).map { _ in try TestClient(port: port) }
                for client in clients { try await client.join() }
                async let first: Int = {
                    await server.shutdown()
                    return journal.entries.count
                }()
                async let second: Int = {
                    await server.shutdown()
                    return journal.entries.count
                }()
                for client in clients { #expect(try await client.next() == .closed) }
                // Neither returns before everybody has been told.
                #expect(await [first, second] == [8, 8])
                #expect(
                    Set(journal.entries) == [
                        "disconnecting server shutting down 2",
                        "disconnect server shutting down 0 false",
                    ]
                )
                #expect(journal.entries.count == 8)
                #expect(throws: TestClient.Failure.self) { try TestClient(port: port) }
                // Nobody waits for ever for loops that have ended.
                #expect(try await server.fetchSockets().isEmpty)
                #expect(
                    try await server.timeout(.seconds(50)).emitWithAck("x", as: Int.self).isEmpty
                )
                await #expect(throws: ServerError.alreadyStarted) { try await server.start() }
            }
        )
    }

    @Test("a handler may shut the server down, and goes on afterwards")
    func shutdownFromHandler() async throws {
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    socket.on("stop") { () async in
                        await server.shutdown()
                        journal.add("down")
                    }
                }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                async let running: Void = server.run()
                try client.send(#"42["stop"]"#)
                #expect(try await client.next() == .closed)
                #expect(await journal.first(1) == ["down"])
                try await running
            }
        )
    }

    @Test("a port in use is an error that says so")
    func portInUse() async throws {
        try await withServer { _, port in
            var options = ServerOptions(port: port)
            options.host = "127.0.0.1"
            options.loops = 1
            let other = try Server(options)
            // Ours shares its port among its own loops only.
            await #expect(throws: ServerError.portInUse(host: "127.0.0.1", port: port)) {
                try await other.start()
            }
        }
    }

    @Test("what is to run at the shutdown runs before sockets hear of it, once")
    func onShutdown() async throws {
        let seen = Journal<String>()
        try await withServer(
            setUp: { server in
                server.onShutdown {
                    await Task.yield()
                    seen.add("shutdown")
                }
                server.onConnection { socket in
                    seen.add("connected")
                    socket.onDisconnect { _ in seen.add("disconnected") }
                }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                _ = await seen.first(1)
                await server.shutdown()
                await server.shutdown()
                #expect(seen.entries == ["connected", "shutdown", "disconnected"])
            }
        )
    }
}
