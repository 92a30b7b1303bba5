import Testing

@testable import SocketIO

@Suite("protocol.md §17: event middlewares", .timeLimit(.minutes(5)))
struct EventMiddlewareTests {
    private struct Odd: Error {}

    @Test("middlewares come between onAny and the handlers, and may change the event")
    func order() async throws {
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    socket.use { event in
                        journal.add("one \(event.name)")
                        if event.name == "old" { event.name = "new" }
                    }
                    socket.onAny { event, _ in journal.add("any \(event)") }
                    socket.use { event async throws in
                        await Task.yield()
                        journal.add("two \(event.name)")
                        event.arguments = try Arguments(event.arguments.count)
                    }
                    socket.use { event in journal.add("three \(event.name)") }
                    socket.on("new") { (count: Int) in count }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(#"421["old","a","b"]"#)
                #expect(try await client.text() == "431[2]")
                #expect(
                    journal.entries == ["any old", "one old", "two new", "three new"]
                )
            }
        )
    }

    @Test("events stay in order though some wait in a middleware")
    func keepsOrder() async throws {
        let gate = Gate()
        let journal = Journal<Int>()
        let waiting = Journal<Void>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    socket.use { event async throws in
                        let number = try event.arguments.decode(Int.self, at: 0)
                        if number == 0 {
                            waiting.add(())
                            await gate.pass()
                        }
                        if number % 3 == 0 { await Task.yield() }
                    }
                    socket.on("x") { (number: Int) in journal.add(number) }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                for number in 0..<2_000 { try client.send(#"42["x",\#(number)]"#) }
                _ = await waiting.first(1)
                #expect(journal.entries.isEmpty)
                gate.open()
                #expect(await journal.first(2_000) == Array(0..<2_000))
            }
        )
    }

    @Test("an error ends the event and is heard by onError; the client learns an AckError only")
    func errors() async throws {
        let errors = Journal<String>()
        try await withServer(
            options: { $0.onError = { errors.add("server \($0.event ?? "-") \($0.error)") } },
            setUp: { server in
                server.onConnection { socket in
                    socket.use { event in
                        switch event.name {
                        case "odd": throw Odd()
                        case "coded": throw AckError(code: "no")
                        default: break
                        }
                    }
                    socket.use { event async throws in
                        await Task.yield()
                        if event.name == "late" { throw AckError(code: "late") }
                    }
                    socket.onError { errors.add("socket \($0)") }
                    for name in ["odd", "coded", "late"] {
                        socket.on(name) { Issue.record("\(name) is refused") }
                    }
                    socket.on("fine") {}
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(#"421["odd"]"#)
                try client.send(#"422["coded"]"#)
                try client.send(#"42["coded"]"#)
                try client.send(#"423["late"]"#)
                try client.send(#"424["fine"]"#)
                #expect(try await client.text() == #"432[{"error":{"code":"no"}}]"#)
                #expect(try await client.text() == #"433[{"error":{"code":"late"}}]"#)
                #expect(try await client.text() == "434[]")
                #expect(errors.entries.count == 8)
                #expect(errors.entries.first == "server odd Odd()")
                #expect(errors.entries.dropFirst().first == "socket Odd()")
            }
        )
    }

    @Test("an event whose socket disconnects meanwhile reaches nobody")
    func disconnect() async throws {
        let gate = Gate()
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    socket.use { event async throws in
                        journal.add("waiting \(event.name)")
                        await gate.pass()
                    }
                    socket.on("x") { journal.add("never") }
                    socket.onDisconnect { _ in
                        journal.add("disconnect")
                        gate.open()
                    }
                }
                server.of("/b").onConnection { $0.on("end") { journal.add("end") } }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try await client.join("/b")
                try client.send(#"42["x"]"#, #"42["x"]"#, "41", #"421["x"]"#)
                try client.send(#"42/b,1["end"]"#)
                #expect(try await client.text() == "43/b,1[]")
                #expect(journal.entries == ["waiting x", "disconnect", "end"])
            }
        )
    }

    @Test("events that wait with more than they may disconnect the client")
    func flood() async throws {
        let gate = Gate()
        let journal = Journal<String>()
        try await withServer(
            options: { $0.maxWaitingEventBytes = 10_000 },
            setUp: { server in
                server.onConnection { socket in
                    socket.use { _ async in await gate.pass() }
                    socket.on("x") { journal.add("never") }
                    socket.onDisconnect { journal.add($0.rawValue) }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                let text = String(repeating: "a", count: 1_000)
                // The first is under way; 7 of 1,259 bytes wait.
                for _ in 0..<8 { try client.send(#"42["x","\#(text)"]"#) }
                try client.send("40/none,")
                #expect(try await client.text().hasPrefix("44/none,"))
                #expect(journal.entries.isEmpty)
                try client.send(#"42["x","\#(text)"]"#)
                #expect(try await client.next() == .closed)
                #expect(await journal.first(1) == ["forced close"])
                gate.open()
            }
        )
    }

    @Test("ten thousand events that wait for one are passed on without recursion")
    func deepQueue() async throws {
        let gate = Gate()
        let journal = Journal<Int>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    socket.use { event async throws in
                        // Only the first suspends.
                        if try event.arguments.decode(Int.self, at: 0) == 0 { await gate.pass() }
                    }
                    socket.on("x") { (number: Int) in
                        if number == 9_999 { journal.add(number) }
                    }
                    socket.on("open") { (_: Int) in }
                }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                for number in 0..<10_000 { try client.send(#"42["x",\#(number)]"#) }
                // All have arrived when another namespace's answer is there.
                try client.send("40/none,")
                #expect(try await client.text().hasPrefix("44/none,"))
                gate.open()
                #expect(await journal.first(1) == [9_999])
            }
        )
    }
}
