import Glibc
import Testing

@testable import SocketIO

@Suite("A shutdown that drains: slices of clients over a time", .timeLimit(.minutes(5)))
struct DrainTests {
    private static let second: UInt64 = 1_000_000_000

    // MARK: The schedule

    /// How many leave when, of clients on one loop.
    private static func course(
        _ schedule: DrainSchedule,
        _ count: Int,
        from start: UInt64 = 0
    ) -> [(time: UInt64, share: Int)] {
        var left = count
        var now = start
        var course: [(time: UInt64, share: Int)] = []
        while left > 0 {
            now += schedule.pause(at: now)
            let share = schedule.share(of: left, at: now)
            left -= share
            course.append((now, share))
        }
        return course
    }

    @Test(
        "clients leave in even slices, all of them, a hundred slices at most",
        arguments: [100, 300, 10_000]
    )
    func slices(_ count: Int) {
        let schedule = DrainSchedule(start: 7, length: 5 * Self.second, count: count)
        let course = Self.course(schedule, count, from: 7)
        let shares = course.map(\.share)
        #expect(shares.reduce(0, +) == count)
        #expect(shares.count == 100)
        #expect(Set(shares).count <= 2)
        #expect(course.last?.time == 7 + 4_975_000_000)
    }

    @Test("few clients leave one by one over the whole time")
    func few() {
        let length = 6 * Self.second
        let one = Self.course(DrainSchedule(start: 0, length: length, count: 1), 1)
        #expect(one.map(\.time) == [3 * Self.second])
        let ten = Self.course(DrainSchedule(start: 0, length: length, count: 10), 10)
        #expect(ten.map(\.share) == [Int](repeating: 1, count: 10))
        #expect(ten.map(\.time) == (0..<10).map { 300_000_000 + $0 * 600_000_000 })
        #expect(DrainSchedule(start: 0, length: length, count: 1).share(of: 0, at: 1) == 0)
    }

    @Test("the loops' slices alternate")
    func loops() {
        let length = 4 * Self.second
        let times = (0..<4).flatMap { loop in
            Self.course(
                DrainSchedule(start: 0, length: length, count: 2, loop: loop, of: 4),
                2
            ).map(\.time)
        }
        #expect(times.sorted() == (0..<8).map { 250_000_000 + $0 * 500_000_000 })
    }

    @Test("a slice that is late by less than a step is that slice, and delays none")
    func delayed() {
        let schedule = DrainSchedule(start: 0, length: 10 * Self.second, count: 10)
        #expect(schedule.share(of: 10, at: 1_400_000_000) == 1)
        #expect(schedule.pause(at: 1_400_000_000) == 100_000_000)
        #expect(schedule.share(of: 1, at: 9_999_999_999) == 1)
    }

    @Test("slices that were missed are made up for; in the last and after it everybody leaves")
    func late() {
        let schedule = DrainSchedule(start: 0, length: 10 * Self.second, count: 100)
        #expect(schedule.share(of: 100, at: 9 * Self.second) == 10)
        #expect(schedule.share(of: 100, at: 9_950_000_000) == 100)
        #expect(schedule.share(of: 100, at: 10 * Self.second) == 100)
        #expect(schedule.share(of: 100, at: .max) == 100)
        #expect(schedule.pause(at: .max) == 0)
    }

    @Test("odd lengths", arguments: [0, 1, 19_999_999, UInt64.max - 5, UInt64.max])
    func lengths(_ length: UInt64) {
        for (loop, count) in [(0, 1000), (7, 1000), (0, 0), (7, 1), (0, .max)] {
            let schedule = DrainSchedule(
                start: 1_000,
                length: length,
                count: count,
                loop: loop,
                of: 8
            )
            #expect(schedule.interval >= 20_000_000)
            #expect((0...1000).contains(schedule.share(of: 1000, at: 1_000)))
            #expect(schedule.share(of: 1000, at: .max) == 1000)
            #expect(schedule.pause(at: 1_000) <= length)
            #expect(schedule.timeLeft(at: 1_000) <= length)
        }
    }

    // MARK: The server

    @Test("clients leave in several slices on every loop, and hear why", arguments: [1, 2])
    func clientsLeave(loops: Int) async throws {
        let slices = Journal<String>()
        let reasons = Journal<DisconnectReason>()
        try await withServer(
            loops: loops,
            options: { options in
                options.drainTime = .seconds(2)
                options.log = { _, line in
                    if line.contains("clients closed") { slices.add(line) }
                }
            },
            setUp: { server in
                server.onConnection { socket in socket.onDisconnect { reasons.add($0) } }
            },
            run: { server, port in
                var clients: [TestClient] = []
                for _ in 0..<24 {
                    clients.append(try TestClient(port: port))
                    try await clients.last?.join()
                }
                await server.shutdown()
                #expect(reasons.entries.count == 24)
                #expect(reasons.entries.allSatisfy { $0 == .serverShuttingDown })
                let counts = slices.entries.compactMap { line in
                    line.split(separator: " ").compactMap { Int($0) }.first
                }
                #expect(counts.reduce(0, +) == 24)
                // One for each client, of which a machine that is busy elsewhere leaves some out.
                #expect(counts.count { $0 > 0 } >= 3)
                for client in clients { #expect(try await client.next() == .closed) }
            }
        )
    }

    @Test("while it drains the others are served, may join namespaces, and nobody new gets in")
    func service() async throws {
        let first = OneShotEvent()
        let echo: @Sendable (Socket) -> Void = { socket in
            socket.on("echo") { (text: String) in text }
            socket.on("all") { (text: String) in try socket.broadcast.emit("said", text) }
            socket.onDisconnect { _ in first.signal() }
        }
        try await withServer(
            options: { $0.drainTime = .seconds(3600) },
            setUp: { server in
                server.onConnection(echo)
                server.of("/other").onConnection(echo)
            },
            run: { server, port in
                let clients = [try TestClient(port: port), try TestClient(port: port)]
                for client in clients { try await client.join() }
                #expect(!server.isShuttingDown)
                // Its first slice comes after 15 minutes: the test is over before.
                async let end: Void = server.shutdown()
                while TestClient.isAccepted(port) { await Task.yield() }
                #expect(server.isShuttingDown && server.port == port && server.clientsCount == 2)
                try clients[0].send(#"421["echo","x"]"#)
                #expect(try await clients[0].text() == #"431["x"]"#)
                try clients[0].send(#"42["all","hello"]"#)
                #expect(try await clients[1].text() == #"42["said","hello"]"#)
                try await clients[1].join("/other")
                try clients[1].send(#"42/other,1["echo","y"]"#)
                #expect(try await clients[1].text() == #"43/other,1["y"]"#)
                #expect(!first.hasHappened)
                // As a second signal does.
                server.core.drain.end()
                await end
                #expect(first.hasHappened)
                for client in clients { #expect(try await client.next() == .closed) }
                #expect(server.port == nil && server.clientsCount == 0 && server.isShuttingDown)
            }
        )
    }

    @Test("with nobody there it is over at once, and when the last one has left")
    func nobody() async throws {
        try await withServer(
            options: { $0.drainTime = .seconds(3600) },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                client.drop()
                while server.clientsCount > 0 { await Task.yield() }
                await server.shutdown()
            }
        )
    }

    @Test("it is over at once when the last one leaves by itself meanwhile", arguments: [1, 2])
    func leaving(loops: Int) async throws {
        try await withServer(
            loops: loops,
            options: { $0.drainTime = .seconds(3600) },
            run: { server, port in
                let clients = try (0..<4).map { _ in try TestClient(port: port) }
                for client in clients { try await client.join() }
                async let end: Void = server.shutdown()
                while TestClient.isAccepted(port) { await Task.yield() }
                for client in clients { client.drop() }
                await end
            }
        )
    }

    @Test("a client that does not poll to hear that it has to leave is not waited for to the end")
    func silent() async throws {
        let lines = Journal<String>()
        try await withServer(
            options: { options in
                // It is told half way.
                options.drainTime = .seconds(8)
                options.log = { _, line in if line.contains("draining:") { lines.add(line) } }
            },
            run: { server, port in
                let client = try PollingClient(port: port)
                try client.post("40")
                _ = try client.poll()
                await server.shutdown()
                #expect(
                    lines.entries == [
                        "draining: 1 clients leave within 8.0 seconds",
                        "draining: 1 clients closed, 0 wait",
                        "draining: 1 clients have not polled since, and are gone",
                    ]
                )
            }
        )
    }

    @Test("a drain that is ended before it begins never does")
    func endedBefore() async throws {
        try await withServer(
            options: { $0.drainTime = .seconds(3600) },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                server.core.drain.end()
                await server.shutdown()
                #expect(try await client.next() == .closed)
            }
        )
    }

    @Test("a polling client gets what waits for it before it leaves")
    func polling() async throws {
        let joined = OneShotEvent()
        try await withServer(
            options: { $0.drainTime = .milliseconds(500) },
            setUp: { server in
                server.onConnection { socket in
                    socket.onDisconnecting { _ in try? socket.emit("bye") }
                    joined.signal()
                }
            },
            run: { server, port in
                let client = try PollingClient(port: port)
                try client.post("40")
                _ = try client.poll()
                await joined.wait()
                let descriptor = try TestClient.connect(port)
                let lines = [
                    "GET /socket.io/?EIO=4&transport=polling&sid=\(client.sid) HTTP/1.1",
                    "Host: localhost", "", "",
                ]
                try TestClient.write(descriptor, Array(lines.joined(separator: "\r\n").utf8))
                await server.shutdown()
                let answer = try TestClient.readAll(descriptor)
                #expect(answer.contains(#"42["bye"]"#))
            }
        )
    }

    @Test("what is to run at the shutdown runs after the drain")
    func handlers() async throws {
        let seen = Journal<String>()
        try await withServer(
            options: { $0.drainTime = .milliseconds(300) },
            setUp: { server in
                server.onShutdown { seen.add("shutdown") }
                server.onConnection { socket in
                    socket.onDisconnect { _ in seen.add("disconnected") }
                }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                await server.shutdown()
                #expect(seen.entries == ["disconnected", "shutdown"])
            }
        )
    }
}

extension TestClient {
    /// Whether the port takes a connection, which is then closed.
    fileprivate static func isAccepted(_ port: Int) -> Bool {
        guard let descriptor = try? connect(port) else { return false }
        close(descriptor)
        return true
    }

    /// Everything until the server closes.
    fileprivate static func readAll(_ descriptor: CInt) throws -> String {
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw Failure(description: "silence") }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }
}
