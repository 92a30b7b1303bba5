import Bytes
import Loop
import Testing

@testable import Redis

@Suite("A connection that breaks is made anew")
struct ReconnectTests {
    @Test("when Redis dies, what is under way fails or is uncertain; when it is back, all goes on")
    func restart() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options)
        try await test.send("SET", "a", "b")
        let results = Log<RedisError?>()
        test.client.send(RedisCommand("BLPOP", "nothing", 0)) { result in
            if case .failure(let error) = result { results.put(error) }
        }
        // Behind the command that blocks.
        for _ in 0..<5 { test.client.publish(SharedBytes("c"), SharedBytes("m")) }
        await turn(test.client.loop)
        server.stop()
        guard case .connectionLost = try await results.next() else {
            Issue.record("no loss of the connection was told")
            return
        }
        #expect(test.client.status.uncertain == 6)
        #expect(try await test.fault() != nil)
        async let later = test.send("INCR", "n")
        test.client.publish(SharedBytes("c"), SharedBytes("m"))
        try server.start()
        #expect(try await later == .integer(1))
        let status = try await test.status { $0.published == 1 }
        #expect(status.connections == 2)
        #expect(status.droppedMessages == 0 && status.uncertain == 6)
        #expect(test.states.all.last == .ready)
    }

    @Test("a connection that an operator kills is made anew")
    func killed() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options)
        let admin = try TestClient(server.options)
        let id = try await test.send("CLIENT", "ID").integer ?? 0
        try await admin.send("CLIENT", "KILL", "ID", "\(id)")
        #expect(try await test.fault() == .disconnected(.peerClosed))
        let newID = try await test.send("CLIENT", "ID").integer ?? 0
        #expect(newID > id)
    }

    @Test("a Redis that hangs is noticed by its silence, and found again when it goes on")
    func frozen() async throws {
        let server = try RedisServer()
        var options = server.options
        options.pingInterval = .milliseconds(50)
        options.pingTimeout = .seconds(1)
        options.connectTimeout = .seconds(2)
        let test = try TestClient(options)
        try await test.ready()
        server.freeze()
        try await test.states.next { $0 == .reconnecting(.silent(for: .seconds(1))) }
        // A frozen Redis still has connections made, by the system; nobody shakes hands.
        try await test.states.next { $0 == .reconnecting(.silent(for: .seconds(2))) }
        server.thaw()
        try await test.ready()
        #expect(try await test.send("PING").isStatus("PONG"))
    }

    @Test("while nothing else is said, PINGs keep the connection")
    func idle() async throws {
        let server = try RedisServer()
        var options = server.options
        options.pingInterval = .milliseconds(20)
        options.pingTimeout = .seconds(20)
        let test = try TestClient(options)
        let admin = try TestClient(server.options)
        try await test.ready()
        var count = 0
        while count < 5 {
            let stats = try await admin.send("INFO", "commandstats").text ?? ""
            let line = stats.split(whereSeparator: \.isNewline).first { $0.contains("_ping:") }
            count = Int(line?.split { !$0.isNumber }.first ?? "0") ?? 0
        }
        #expect(test.states.all == [.ready])
    }

    @Test("an unknown host, a closed port and a missing socket are told apart")
    func unreachable() async throws {
        for (url, words) in [
            ("redis://127.0.0.1:1", "Connection refused"),
            ("unix:///nowhere/at/all", "No such file"), ("redis://a..b", "a..b"),
        ] {
            let test = try TestClient(RedisOptions(testing: RedisAddress(url: url)))
            let fault = try await test.fault()
            #expect(fault?.description.contains(words) == true, "\(fault as Any)")
            #expect(test.client.status.lastError == fault?.description)
        }
    }

    @Test("the same fault again is not told again")
    func toldOnce() async throws {
        let connections = Log<Int>()
        let counting = try FakeRedis { number, _ in
            connections.put(number)
            return "-LOADING Redis is loading the dataset in memory\r\n"
        }
        let test = try TestClient(RedisOptions(testing: counting.address))
        let fault = try await test.fault()
        #expect(fault?.description.contains("LOADING") == true)
        try await connections.next { $0 == 5 }
        #expect(test.states.all.count == 1)
    }

    @Test(
        "garbage instead of a handshake is a protocol violation",
        arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n", "*1\r\n+PONG\r\n", "$-2\r\n"]
    )
    func garbageFirst(_ text: String) async throws {
        let fake = try FakeRedis { _, _ in text }
        let test = try TestClient(RedisOptions(testing: fake.address))
        guard case .protocolViolation = try await test.fault() else {
            Issue.record("\(test.states.all)")
            return
        }
        withExtendedLifetime(fake) {}
    }

    @Test(
        "garbage later breaks the connection, and the next one works",
        arguments: ["\0\0\0", "+OK\r\n+OK\r\n", ">1\r\n+a\r\n", "*99\r\n\r\n"]
    )
    func garbageLater(_ text: String) async throws {
        let fake = try FakeRedis { number, received in
            if received.contains("GET") { return number == 1 ? text : "$1\r\nv\r\n" }
            return "+PONG\r\n"
        }
        let test = try TestClient(RedisOptions(testing: fake.address))
        // The first of these may be answered by the garbage itself.
        _ = try? await test.send("GET", "a")
        guard case .protocolViolation = try await test.fault() else {
            Issue.record("\(test.states.all)")
            return
        }
        #expect(try await test.send("GET", "a").text == "v")
    }

    @Test("a reply over the limit breaks the connection")
    func hugeReply() async throws {
        let server = try RedisServer()
        var options = server.options
        options.maxReplyBytes = 100_000
        let test = try TestClient(options)
        try await test.send("SETRANGE", "a", "99000", "x")
        #expect(try await test.send("STRLEN", "a") == .integer(99_001))
        #expect(try await test.send("GET", "a").bytes?.count == 99_001)
        try await test.send("SETRANGE", "a", "200000", "x")
        let fault = RedisFault.replyTooLong(limitInBytes: 100_000)
        await #expect(throws: RedisError.connectionLost(fault)) { try await test.send("GET", "a") }
        #expect(try await test.send("PING").isStatus("PONG"))
    }

    @Test("a Redis that says it cannot serve is left, and tried again")
    func unusable() async throws {
        let fake = try FakeRedis { number, received in
            guard received.contains("PUBLISH") else { return "+PONG\r\n" }
            return number == 1
                ? "-READONLY You can't write against a read only replica.\r\n" : ":0\r\n"
        }
        let test = try TestClient(RedisOptions(testing: fake.address))
        try await test.ready()
        test.client.publish(SharedBytes("c"), SharedBytes("m"))
        guard case .unusable = try await test.fault() else {
            Issue.record("\(test.states.all)")
            return
        }
        try await test.ready()
        test.client.publish(SharedBytes("c"), SharedBytes("m"))
        let status = try await test.status { $0.published == 1 }
        #expect(status.refusedMessages == 1 && status.uncertain == 0)
    }
}
