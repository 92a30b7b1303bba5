import Testing

@testable import SocketIO

@Suite("protocol.md §20: attempts to come back to one session", .timeLimit(.minutes(5)))
struct RecoveryAttemptTests {
    /// Runs `body` with a server whose first attempt waits; `ends` are those of all sockets.
    private func withWaiting(
        _ watch: RestoreWatch,
        options change: (inout ServerOptions) -> Void = { _ in },
        run body: (Server, Int, _ ends: Journal<String>) async throws -> Void
    ) async throws {
        let ends = Journal<String>()
        try await withServer(
            options: { options in
                options.connectionStateRecovery = RecoveryOptions()
                options.adapter = .waiting(watch)
                change(&options)
            },
            setUp: { server in
                for namespace in [server.main, server.of("/other")] {
                    namespace.onConnection { socket in
                        socket.onDisconnect { _ in ends.add(socket.id) }
                    }
                }
            },
            run: { server, port in try await body(server, port, ends) }
        )
    }

    /// Asks for a session on a new connection; when this returns the server knows.
    private func attempt(
        _ pid: String,
        _ port: Int
    ) async throws -> TestClient {
        let client = try TestClient(port: port)
        try client.send("40\(RecoveringClient.auth(pid))")
        try await client.join("/other")
        return client
    }

    @Test(
        "the latest of several attempts gets the session, and the earlier ones are closed",
        arguments: RestoreWatch.Moment.allCases,
        [false, true]
    )
    func latest(moment: RestoreWatch.Moment, isCut: Bool) async throws {
        let watch = RestoreWatch(moment)
        try await withWaiting(watch) { server, port, ends in
            let session = try await RecoveringClient.connect(port)
            session.client.drop()
            _ = await ends.first(1)
            try server.emit("missed")
            let first = try await attempt(session.pid, port)
            _ = await watch.calls.first(1)
            if isCut {
                first.drop()
                _ = await ends.first(2)
            }
            let second = try await attempt(session.pid, port)
            let third = try await attempt(session.pid, port)
            watch.gate.open()
            #expect(try await third.text().hasPrefix(#"42["missed",""#))
            #expect(
                try await third.text()
                    == #"40{"sid":"\#(session.sid)","pid":"\#(session.pid)"}"#
            )
            #expect(try await first.next() == .closed)
            #expect(try await second.next() == .closed)
            #expect(try await server.fetchSockets().map(\.id) == [session.sid])
            #expect(server.main.sessions.count == 1)
        }
    }

    @Test("an attempt that is cut while it holds the session leaves it for the next")
    func cut() async throws {
        let watch = RestoreWatch()
        try await withWaiting(watch) { server, port, ends in
            let session = try await RecoveringClient.connect(port)
            session.client.drop()
            _ = await ends.first(1)
            let first = try await attempt(session.pid, port)
            _ = await watch.calls.first(1)
            first.drop()
            _ = await ends.first(2)
            watch.gate.open()
            #expect(await watch.stored.first(3).last == session.pid)
            let again = try await RecoveringClient.connect(
                port,
                auth: RecoveringClient.auth(session.pid)
            )
            #expect(again.sid == session.sid)
        }
    }

    @Test("a client that a limit closes loses the session that it comes back to")
    func limited() async throws {
        let watch = RestoreWatch()
        let flood = #"42/other,["a"]"#
        try await withWaiting(
            watch,
            options: { options in
                var limits = RateLimits()
                limits.events = RateLimit(perSecond: 0, burst: 2)
                limits.onLimit = { _ in .disconnect }
                options.rateLimits = limits
            },
            run: { _, port, ends in
                let session = try await RecoveringClient.connect(port)
                session.client.drop()
                _ = await ends.first(1)
                let first = try TestClient(port: port)
                try await first.join("/other")
                try first.send("40\(RecoveringClient.auth(session.pid))")
                _ = await watch.calls.first(1)
                try first.send(flood, flood, flood)
                #expect(try await first.next() == .closed)
                watch.gate.open()
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(again.sid != session.sid)
            }
        )
    }

    @Test("who asks for a session that there is not waits for nobody, and is forgotten")
    func unknown() async throws {
        let watch = RestoreWatch()
        watch.gate.open()
        try await withWaiting(watch) { server, port, _ in
            let session = try await RecoveringClient.connect(
                port,
                auth: RecoveringClient.auth("unknown")
            )
            #expect(session.pid != "unknown")
            #expect(server.main.sessions.count == 1)
        }
    }

    @Test("of many attempts at once one has the session, and no other client gets one")
    func many() async throws {
        try await withRecovery(loops: 3) { server, port in
            let session = try await RecoveringClient.connect(port)
            for _ in 0..<20 {
                let clients = try (0..<8).map { _ in try TestClient(port: port) }
                for client in clients {
                    try client.send("40\(RecoveringClient.auth(session.pid))")
                }
                for client in clients {
                    let answer = try await client.next()
                    guard answer != .closed else { continue }
                    #expect(
                        answer
                            == .text(#"40{"sid":"\#(session.sid)","pid":"\#(session.pid)"}"#)
                    )
                }
                #expect(try await server.fetchSockets().map(\.id) == [session.sid])
            }
            #expect(server.main.sessions.count == 1)
        }
    }

    @Test("the server's shutdown waits for no attempt, and all come to an end")
    func shutdown() async throws {
        let watch = RestoreWatch()
        try await withWaiting(watch) { server, port, ends in
            let session = try await RecoveringClient.connect(port)
            session.client.drop()
            _ = await ends.first(1)
            let first = try await attempt(session.pid, port)
            _ = await watch.calls.first(1)
            let second = try await attempt(session.pid, port)
            await server.shutdown()
            #expect(try await first.next() == .closed)
            #expect(try await second.next() == .closed)
            watch.gate.open()
            // Each takes it and gives it back.
            let stored = await watch.stored.first(5).filter { $0 == session.pid }
            #expect(stored.count == 3)
            #expect(watch.calls.entries == [session.pid, session.pid])
        }
    }
}
