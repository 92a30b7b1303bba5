import Testing

@testable import SocketIO

@Suite("protocol.md §16: namespaces made on demand", .timeLimit(.minutes(5)))
struct DynamicNamespaceTests {
    private struct Odd: Error {}

    @Test("a name that matches a pattern is a namespace, with its parent's checks and handlers")
    func pattern() async throws {
        try await withServer(
            setUp: { server in
                let parent = server.of(matching: /^\/room-[0-9]+$/)
                parent.use { _, auth in
                    if auth["token"] != "x" { throw ConnectError("no", data: [1]) }
                }
                parent.onConnection { socket in
                    socket.on("where") { socket.namespace.name }
                }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                try client.send("40/other,")
                #expect(try await client.text() == #"44/other,{"message":"Invalid namespace"}"#)
                try client.send("40/room-x,")
                #expect(try await client.text() == #"44/room-x,{"message":"Invalid namespace"}"#)
                try client.send("40/room-1,")
                #expect(try await client.text() == #"44/room-1,{"message":"no","data":[1]}"#)
                for name in ["/room-1", "/room-22"] {
                    try await client.join(name, auth: #"{"token":"x"}"#)
                    try client.send(#"42\#(name),5["where"]"#)
                    #expect(try await client.text() == #"43\#(name),5["\#(name)"]"#)
                }
                #expect(server.of("/room-1").name == "/room-1")
            }
        )
    }

    @Test("of several parents the first that says yes counts; an error says no; auth is asked")
    func function() async throws {
        let asked = Journal<String>()
        try await withServer(
            setUp: { server in
                let parents = [
                    server.of { _, _ in throw Odd() },
                    server.of { name, auth async in
                        await Task.yield()
                        asked.add("\(name) \(auth["key"] ?? "-")")
                        return auth["key"] == "open"
                    },
                    server.of(matching: /^\/any/),
                ]
                for parent in parents {
                    parent.onConnection { try $0.emit("parent", parent.name) }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join("/any1", auth: #"{"key":"open"}"#)
                #expect(try await client.text() == #"42/any1,["parent","/_1"]"#)
                try await client.join("/any2")
                #expect(try await client.text() == #"42/any2,["parent","/_2"]"#)
                try client.send("40/else,")
                #expect(try await client.text() == #"44/else,{"message":"Invalid namespace"}"#)
                // A namespace that is there is not asked for again.
                let other = try TestClient(port: port)
                try await other.join("/any1")
                #expect(try await other.text() == #"42/any1,["parent","/_1"]"#)
                #expect(asked.entries == ["/any1 open", "/any2 -", "/else -"])
            }
        )
    }

    @Test("a child has what its parent had when it was made")
    func copies() async throws {
        try await withServer(
            setUp: { server in
                let parent = server.of(matching: /^\/d/)
                parent.onConnection { try $0.emit("first") }
                server.onConnection { socket in
                    socket.on("more") { parent.onConnection { try $0.emit("second") } }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try await client.join("/d1")
                #expect(try await client.text() == #"42/d1,["first"]"#)
                try client.send(#"421["more"]"#)
                #expect(try await client.text() == "431[]")
                try await client.join("/d2")
                #expect(try await client.text() == #"42/d2,["first"]"#)
                #expect(try await client.text() == #"42/d2,["second"]"#)
                try client.send("41/d1,")
                try await client.join("/d1")
                #expect(try await client.text() == #"42/d1,["first"]"#)
                try client.send(#"421["more"]"#)
                #expect(try await client.text() == "431[]")
            }
        )
    }

    @Test("a parent sends to all children, with rooms and exceptions, and acts on their sockets")
    func parentBroadcast() async throws {
        let parents = Journal<ParentNamespace>()
        try await withServer(
            loops: 2,
            setUp: { server in
                let parent = server.of(matching: /^\/d[0-9]$/)
                parents.add(parent)
                parent.onConnection { socket in
                    socket.join(Room(socket.handshake.auth["room"] ?? "none"))
                }
            },
            run: { server, port in
                let parent = parents.entries[0]
                try parent.emit("nobody")
                #expect(throws: EmitError.reservedEvent("connect")) { try parent.emit("connect") }
                let one = try TestClient(port: port)
                try await one.join("/d1", auth: #"{"room":"a"}"#)
                let two = try TestClient(port: port)
                try await two.join("/d2", auth: #"{"room":"b"}"#)
                let outside = try TestClient(port: port)
                try await outside.join()
                #expect(Set(parent.children.map(\.name)) == ["/d1", "/d2"])

                try parent.emit("all", 1)
                try parent.to("a").emit("a")
                try parent.except("a").emit("b")
                try parent.to(["a", "b"]).except("b").local.emit("a again")
                parent.in("b").socketsJoin("c")
                try parent.in(["c"]).volatile.emit("c")
                parent.everyone.socketsLeave("c")
                try parent.to("c").emit("never")
                try parent.send("text")
                parent.everyone.disconnectSockets()
                #expect(try await one.text() == #"42/d1,["all",1]"#)
                #expect(try await one.text() == #"42/d1,["a"]"#)
                #expect(try await one.text() == #"42/d1,["a again"]"#)
                #expect(try await one.text() == #"42/d1,["message","text"]"#)
                #expect(try await one.text() == "41/d1,")
                #expect(try await two.text() == #"42/d2,["all",1]"#)
                #expect(try await two.text() == #"42/d2,["b"]"#)
                #expect(try await two.text() == #"42/d2,["c"]"#)
                #expect(try await two.text() == #"42/d2,["message","text"]"#)
                #expect(try await two.text() == "41/d2,")
                try server.emit("end")
                #expect(try await outside.text() == #"42["end"]"#)
            }
        )
    }

    @Test("a literal name that matches a pattern is that parent's child; others stay apart")
    func literal() async throws {
        try await withServer(
            setUp: { server in
                let before = server.of("/room-0")
                let parent = server.of(matching: /^\/room-/)
                parent.onConnection { try $0.emit("parent") }
                let child = server.of("room-1")
                child.onConnection { try $0.emit("own") }
                #expect(parent.children.map(\.name) == ["/room-1"])
                #expect(parent.children.first === child)
                #expect(!before.isChild && child.isChild)
                // A function is not asked.
                let function = server.of { _, _ in true }
                _ = server.of("/else")
                #expect(function.children.isEmpty)
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join("/room-0")
                try await client.join("/room-1")
                #expect(try await client.text() == #"42/room-1,["parent"]"#)
                #expect(try await client.text() == #"42/room-1,["own"]"#)
            }
        )
    }

    @Test("every new namespace but / is told of, before anybody is in it")
    func newNamespace() async throws {
        let names = Journal<String>()
        try await withServer(
            loops: 2,
            setUp: { server in
                server.onNewNamespace { namespace in
                    names.add(namespace.name)
                    namespace.onConnection { try $0.emit("new", namespace.name) }
                }
                _ = server.of("/static")
                _ = server.of("/static")
                _ = server.of(matching: /^\/d/)
            },
            run: { _, port in
                // All at once: one makes the namespace, the others wait.
                let clients = try (0..<8).map { _ in try TestClient(port: port) }
                for client in clients { try client.send("40/d1,") }
                for client in clients {
                    #expect(try await client.text().hasPrefix(#"40/d1,{"sid":"#))
                    #expect(try await client.text() == #"42/d1,["new","/d1"]"#)
                }
                #expect(names.entries == ["/static", "/d1"])
            }
        )
    }

    @Test("clients can bring the server to a bounded number of children with bounded names")
    func limits() async throws {
        try await withServer(
            options: {
                $0.maxDynamicNamespaces = 3
                $0.maxDynamicNameBytes = 10
                $0.emptyNamespaceTimeout = nil
            },
            setUp: { server in
                let parent = server.of(matching: /^\/d/)
                parent.use { _, auth in if auth["no"] != nil { throw ConnectError("no") } }
                // The app's own count, but are never refused.
                _ = server.of("/d-own")
                _ = server.of("/d-longer-than-ten")
            },
            run: { server, port in
                let client = try TestClient(port: port)
                try client.send("40/d123456789,")
                #expect(
                    try await client.text() == #"44/d123456789,{"message":"Invalid namespace"}"#
                )
                try await client.join("/d12345678")
                try client.send("40/d2,")
                #expect(try await client.text() == #"44/d2,{"message":"Invalid namespace"}"#)
                try await client.join("/d-own")
                try await client.join("/d-longer-than-ten")
                _ = server.of("/d3")
                try await client.join("/d3")
            }
        )
    }

    @Test("composed and decomposed letters are different namespaces")
    func bytes() async throws {
        try await withServer(
            setUp: { _ = $0.of(matching: /^\/é/) },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join("/\u{E9}")
                try client.send("40/e\u{301},")
                let answer = try await client.text()
                #expect(answer.utf8.starts(with: "40/e\u{301},".utf8))
            }
        )
    }

    @Test("a thousand names in one write that no pattern matches are refused in order")
    func thousand() async throws {
        try await withServer(
            setUp: { _ = $0.of(matching: /^\/d/) },
            run: { _, port in
                let client = try TestClient(port: port)
                let names = (0..<1_000).map { "/n\($0)" }
                try client.send(
                    frames: names.flatMap { TestClient.frame(1, Array("40\($0),".utf8)) }
                )
                for name in names {
                    #expect(
                        try await client.text()
                            == #"44\#(name),{"message":"Invalid namespace"}"#
                    )
                }
            }
        )
    }

    @Test("a client that waits for more functions than it may be in namespaces is disconnected")
    func tooManyAtOnce() async throws {
        let gate = Gate()
        let asked = Journal<String>()
        try await withServer(
            options: { $0.maxNamespacesPerClient = 4 },
            setUp: { server in
                _ = server.of { name, _ async in
                    asked.add(name)
                    await gate.pass()
                    return false
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                for number in 0..<4 { try client.send("40/n\(number),") }
                #expect(Set(await asked.first(4)) == ["/n0", "/n1", "/n2", "/n3"])
                try client.send("40/n4,")
                #expect(try await client.next() == .closed)
                gate.open()
            }
        )
    }
}
