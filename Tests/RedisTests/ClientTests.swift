import Bytes
import Loop
import Synchronization
import Testing

@testable import Redis

@Suite("A client and a real Redis")
struct ClientTests {
    @Test("a value set is got again, whatever its bytes are")
    func binarySafe() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options)
        let value = SharedBytes((0..<70_000).map { UInt8(truncatingIfNeeded: $0) } + [13, 10, 0])
        let key = SharedBytes([0, 13, 10, 255, 32])
        let done = try await test.client.send(RedisCommand("SET", key, value, "EX", 6_000))
        #expect(done.isStatus("OK"))
        #expect(try await test.client.send(RedisCommand("GET", key)) == .bulk(value))
        #expect(try await test.client.send(RedisCommand("GET", SharedBytes())) == .null)
        #expect(try await test.client.send(RedisCommand("STRLEN", key)) == .integer(value.count))
    }

    @Test("10,000 pipelined commands have their replies in order")
    func pipelines() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options)
        let replies = Log<Int>()
        for _ in 0..<10_000 {
            test.client.send(RedisCommand("INCR", "n")) { result in
                replies.put((try? result.get().integer) ?? -1)
            }
        }
        try await replies.next { $0 == 10_000 }
        #expect(replies.all == Array(1...10_000))
    }

    @Test("commands of many threads are all answered, those of each in order")
    func manyThreads() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options)
        let logs = (0..<4).map { _ in Log<Int>() }
        await withTaskGroup(of: Void.self) { tasks in
            for (index, log) in logs.enumerated() {
                tasks.addTask {
                    for _ in 0..<1_000 {
                        test.client.send(RedisCommand("INCR", index)) { result in
                            log.put((try? result.get().integer) ?? -1)
                        }
                    }
                }
            }
        }
        for log in logs {
            try await log.next { $0 == 1_000 }
            #expect(log.all == Array(1...1_000))
        }
    }

    @Test("an error line is thrown, in a pipeline it stands in its place")
    func errors() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options)
        await #expect(throws: RedisError.self) { try await test.send("NOSUCHCOMMAND") }
        let replies = try await test.client.send([
            RedisCommand("SET", "a", "text"), RedisCommand("INCR", "a"), RedisCommand("GET", "a"),
        ])
        #expect(replies.count == 3)
        #expect(replies[0].isStatus("OK"))
        #expect(replies[1] == .error("ERR value is not an integer or out of range"))
        #expect(replies[2].text == "text")
        #expect(try await test.client.send([]).isEmpty)
        do throws(RedisError) {
            try await test.send("INCR", "a")
            Issue.record("no error was thrown")
        } catch {
            #expect(error == .replied("ERR value is not an integer or out of range"))
            #expect("\(error)" == "Redis: ERR value is not an integer or out of range")
        }
    }

    @Test("MULTI … EXEC is one pipeline, its results one array")
    func transaction() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options)
        let replies = try await test.client.send([
            RedisCommand("MULTI"), RedisCommand("INCR", "a"), RedisCommand("LPOP", "none"),
            RedisCommand("EXEC"),
        ])
        #expect(replies.map(\.text) == ["OK", "QUEUED", "QUEUED", nil])
        #expect(replies[3] == .array([.integer(1), .null]))
    }

    @Test("a script runs by its digest, and by its source where Redis does not know it")
    func scripts() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options)
        let script = RedisScript("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}")
        let key = SharedBytes("k")
        for count in 1...2 {
            let reply = try await test.client.run(script, keys: [key], "arg")
            #expect(reply == .array([.bulk(key), .bulk(SharedBytes("arg")), .integer(count)]))
        }
        try await test.send("SCRIPT", "FLUSH")
        let results = Log<RedisReply?>()
        test.client.run(script, keys: [key], [7]) { results.put(try? $0.get()) }
        #expect(try await results.next()?.elements?.last == .integer(3))
        let stats = try await test.send("INFO", "commandstats").text ?? ""
        #expect(stats.contains("cmdstat_evalsha:calls=3,"))
        #expect(stats.contains("cmdstat_eval:calls=2,"))
        let failing = RedisScript("return redis.error_reply('MY reason')")
        await #expect(throws: RedisError.replied("MY reason")) {
            try await test.client.run(failing)
        }
    }

    @Test("messages published are counted when Redis has taken them")
    func publishes() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options)
        for _ in 0..<1_000 { test.client.publish(SharedBytes("c"), SharedBytes("m")) }
        test.client.publish(SharedBytes("c"), SharedBytes("m"), sharded: true)
        let status = try await test.status { $0.published == 1_001 }
        #expect(status.state == .ready)
        #expect(status.droppedMessages == 0 && status.uncertain == 0)
        #expect(status.connections == 1)
    }

    @Test("messages that Redis refuses are counted, with its line")
    func refusedMessages() async throws {
        let server = try RedisServer(
            ["--user"] + "bob on nopass ~* &allowed +@all".split(separator: " ").map(String.init)
        )
        var options = server.options
        options.address = RedisAddress(
            endpoint: options.address.endpoint,
            user: "bob",
            password: ""
        )
        let test = try TestClient(options)
        test.client.publish(SharedBytes("secret"), SharedBytes("m"))
        test.client.publish(SharedBytes("allowed"), SharedBytes("m"))
        let status = try await test.status { $0.published == 1 }
        #expect(status.refusedMessages == 1)
        #expect(status.lastError?.hasPrefix("NOPERM") == true)
        #expect(status.lastRefusal?.hasPrefix("NOPERM") == true)
        let refusedAt = try #require(status.lastRefusalAt)
        #expect(refusedAt >= status.since && refusedAt <= .now)
        #expect(test.client.lossCount == 1)
        #expect(status.state == .ready)
    }

    @Test("a loop that stops ends the client: what is under way fails, what comes later too")
    func loopEnds() async throws {
        let server = try RedisServer()
        let group = try LoopGroup(count: 1)
        let states = Log<RedisState>()
        let client = RedisClient(options: server.options, loop: group.loops[0]) { states.put($0) }
        client.start()
        try await states.next { $0 == .ready }
        let results = Log<RedisError?>()
        client.send(RedisCommand("BLPOP", "nothing", 0)) { result in
            if case .failure(let error) = result { results.put(error) }
        }
        await turn(client.loop)
        group.stop()
        #expect(try await results.next() == .connectionLost(.closed))
        await #expect(throws: RedisError.closed) { try await client.send(RedisCommand("PING")) }
        await client.close()
        #expect(client.status.state == .closed)
    }
}
