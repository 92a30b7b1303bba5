import Testing

@testable import SocketIO

@Suite("protocol.md §16: connecting to namespaces", .timeLimit(.minutes(5)))
struct ConnectTests {
    private struct Level: Codable { let level: Int }
    private struct Odd: Error {}

    @Test("a middleware refuses with message and data; the client may try again")
    func middlewareRefuses() async throws {
        try await withServer(
            setUp: { server in
                server.of("/admin").use { _, auth in
                    guard auth["token"] == "x" else {
                        throw ConnectError("not authorized", data: Level(level: 3))
                    }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try client.send("40/admin,")
                #expect(
                    try await client.text()
                        == #"44/admin,{"message":"not authorized","data":{"level":3}}"#
                )
                try await client.join("/admin", auth: #"{"token":"x"}"#)
            }
        )
    }

    @Test("another error of a middleware is hidden from the client and reported")
    func middlewareFails() async throws {
        let errors = Journal<Failure>()
        try await withServer(
            options: { $0.onError = { errors.add(Failure($0)) } },
            setUp: { $0.use { _, _ in throw Odd() } },
            run: { _, port in
                let client = try TestClient(port: port)
                try client.send("40")
                #expect(try await client.text() == #"44{"message":"internal error"}"#)
                #expect(await errors.first(1)[0].error is Odd)
            }
        )
    }

    @Test("an unknown namespace is refused and the connection stays")
    func unknownNamespace() async throws {
        try await withServer { _, port in
            let client = try TestClient(port: port)
            try client.send("40/nowhere,")
            #expect(try await client.text() == #"44/nowhere,{"message":"Invalid namespace"}"#)
            try await client.join()
        }
    }

    @Test("a namespace made while the server runs can be joined at once")
    func namespaceMadeLate() async throws {
        try await withServer(loops: 2) { server, port in
            let client = try TestClient(port: port)
            try await client.join()
            let late = server.of("late")
            #expect(late === server.of("/late"))
            late.onConnection { try $0.emit("hello") }
            try await client.join("/late")
            #expect(try await client.text() == #"42/late,["hello"]"#)
        }
    }

    @Test("a client that leaves while a middleware is slow was never connected")
    func leavesDuringMiddleware() async throws {
        let gate = Gate()
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                server.use { socket, _ in
                    socket.join("early")
                    socket.onDisconnect { _ in journal.add("disconnect") }
                    journal.add("middleware")
                    await gate.pass()
                    journal.add("passed \(socket.isConnected)")
                }
                server.onConnection { _ in journal.add("connection") }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                try client.send("40")
                _ = await journal.first(1)
                #expect(server.main.localCount(of: "early") == 1)
                client.drop()
                let other = try TestClient(port: port, query: "EIO=4&transport=websocket")
                try other.send("40/x,")
                _ = try await other.text()
                gate.open()
                #expect(await journal.first(2) == ["middleware", "passed false"])
                try await other.join()
                #expect(server.main.localCount(of: "early") == 1)
                #expect(
                    await journal.first(5).suffix(3) == [
                        "middleware", "passed false", "connection",
                    ]
                )
            }
        )
    }

    @Test("a second CONNECT during the middleware is a violation")
    func secondConnect() async throws {
        let gate = Gate()
        try await withServer(
            setUp: { $0.use { _, _ in await gate.pass() } },
            run: { _, port in
                let client = try TestClient(port: port)
                try client.send("40", "40")
                #expect(try await client.next() == .closed)
                gate.open()
            }
        )
    }

    @Test("a middleware may disconnect its socket; nothing follows")
    func middlewareDisconnects() async throws {
        try await withServer(
            setUp: { server in
                server.use { socket, auth in
                    if auth["name"] == "bad" { socket.disconnect() }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try client.send(#"40{"name":"bad"}"#)
                #expect(try await client.text() == "41")
                try await client.join()
            }
        )
    }

    @Test("a client that joins no namespace in time is closed")
    func connectTimeout() async throws {
        try await withServer(
            options: { $0.connectTimeout = .milliseconds(50) },
            run: { _, port in
                let client = try TestClient(port: port)
                #expect(try await client.next() == .closed)
            }
        )
    }

    @Test("one namespace too many closes the connection")
    func tooManyNamespaces() async throws {
        try await withServer(
            options: { $0.maxNamespacesPerClient = 2 },
            setUp: { server in
                for name in ["/a", "/b", "/c"] { _ = server.of(name) }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join("/a")
                try await client.join("/b")
                try client.send("40/c,")
                #expect(try await client.next() == .closed)
            }
        )
    }

    @Test("§12: allowRequest refuses with its message")
    func allowRequest() async throws {
        try await withServer(
            options: { options in
                options.allowRequest = { request in
                    request.query["key"] == "1" ? .allow : .refuse("no key")
                }
            },
            run: { _, port in
                try await TestClient(port: port, query: "EIO=4&transport=websocket&key=1").join()
                let refused = try TestClient(port: port)
                await #expect {
                    try await refused.next()
                } throws: { error in
                    "\(error)".hasPrefix("HTTP/1.1 4") && "\(error)".contains("no key")
                }
            }
        )
    }

    @Test("the handshake shows request and auth")
    func handshake() async throws {
        let journal = Journal<Handshake>()
        try await withServer(
            setUp: { $0.onConnection { journal.add($0.handshake) } },
            run: { _, port in
                let client = try TestClient(
                    port: port,
                    query: "EIO=4&transport=websocket&a=%C3%A9",
                    headers: "X-One: 1\r\nx-one: 2\r\n"
                )
                try await client.join(auth: #"{"name":"\u00e9"}"#)
                let handshake = await journal.first(1)[0]
                #expect(handshake.auth["name"] == "é")
                #expect(handshake.query["a"] == "é")
                #expect(handshake.headers["x-one"] == "1, 2")
                #expect(handshake.address == "127.0.0.1")
            }
        )
    }
}
