import Bytes
import Loop
import Synchronization
import Testing

@testable import Redis

@Suite("What waits for Redis is bounded and counted")
struct QueueTests {
    private static let payload = SharedBytes([UInt8](repeating: 7, count: 1_000))

    private static func nowhere() -> RedisOptions {
        RedisOptions(testing: RedisAddress(endpoint: .unix(path: "/nowhere/at/all")))
    }

    @Test("messages beyond the bound are dropped and counted, commands fail at once")
    func bounded() async throws {
        var options = Self.nowhere()
        options.maxQueuedBytes = 10_000
        options.closeTimeout = .milliseconds(1)
        let test = try TestClient(options)
        for _ in 0..<20 { test.client.publish(SharedBytes("c"), Self.payload) }
        let size = RedisCommand.publish(SharedBytes("c"), Self.payload, sharded: false).count
        let fitting = 10_000 / (size + 64)
        #expect(test.client.status.droppedMessages == 20 - fitting)
        #expect(test.client.status.droppedBytes == (20 - fitting) * size)
        let value = String(repeating: "v", count: 1_000)
        await #expect(throws: RedisError.queueFull(limitInBytes: 10_000)) {
            try await test.send("SET", "a", value)
        }
        // Those that wait are lost when the time to close is over.
        await test.client.close()
        #expect(test.client.status.droppedMessages == 20)
        #expect(test.client.status.state == .closed)
    }

    @Test("what waited for a connection leaves with it, in order")
    func sentLater() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options, isStarted: false)
        let replies = Log<Int>()
        for _ in 0..<100 {
            test.client.send(RedisCommand("INCR", "n")) { result in
                replies.put((try? result.get().integer) ?? -1)
            }
        }
        await turn(test.client.loop)
        #expect(replies.all.isEmpty)
        test.client.start()
        try await replies.next { $0 == 100 }
        #expect(replies.all == Array(1...100))
    }

    @Test("after an outage messages wait until they are released, commands do not")
    func heldAfterLoss() async throws {
        let redis = try RedisServer()
        var options = redis.options
        options.holdsMessagesAfterLoss = true
        let test = try TestClient(options)
        try await test.ready()
        // Nothing is held before the first loss.
        test.client.publish(SharedBytes("c"), SharedBytes("0"))
        _ = try await test.status { $0.published == 1 }
        redis.stop()
        _ = try await test.fault()
        for number in 1...3 {
            test.client.publish(SharedBytes("c"), SharedBytes("\(number)"))
        }
        try redis.start()
        try await test.ready()
        #expect(try await test.send("PING").text == "PONG")
        #expect(test.client.status.published == 1)
        test.client.releaseMessages()
        _ = try await test.status { $0.published == 4 }
        test.client.publish(SharedBytes("c"), SharedBytes("4"))
        _ = try await test.status { $0.published == 5 && $0.droppedMessages == 0 }
        await test.client.close()
    }

    @Test("what has waited too long is dropped and counted, and frees its room")
    func expires() async throws {
        var options = Self.nowhere()
        options.maxQueuedTime = .milliseconds(30)
        options.maxQueuedBytes = 3_000
        let test = try TestClient(options)
        for round in 1...3 {
            test.client.publish(SharedBytes("c"), Self.payload)
            await #expect(throws: RedisError.expired(after: .milliseconds(30))) {
                try await test.send("SET", "a", "b")
            }
            #expect(test.client.status.droppedMessages == round)
        }
    }

    @Test("output that Redis does not take counts; when it has left there is room again")
    func stuckOutput() async throws {
        let server = try RedisServer()
        var options = server.options
        options.maxUnsentBytes = 1 << 20
        let test = try TestClient(options)
        try await test.ready()
        server.freeze()
        let large = SharedBytes([UInt8](repeating: 1, count: 100_000))
        // The system's own buffers fill first; a turn in between lets output get there.
        while test.client.status.droppedMessages == 0 {
            test.client.publish(SharedBytes("c"), large)
            await turn(test.client.loop)
        }
        server.thaw()
        while test.client.status.published == 0 { await turn(test.client.loop) }
        let before = test.client.status.droppedMessages
        #expect(test.client.lossCount == before && test.client.status.lastDropAt != nil)
        #expect(test.client.status.lastDropReason?.contains("1048576") == true)
        try await retry {
            try await test.send("PING")
        }
        _ = try await test.status { $0.droppedMessages == before && $0.state == .ready }
        #expect(test.client.status.uncertain == 0)
    }

    private func retry(_ body: () async throws -> Void) async throws {
        while true {
            do {
                return try await body()
            } catch RedisError.queueFull {
                continue
            }
        }
    }

    @Test("one item is taken on a connection whatever its size, none without a connection")
    func largeItem() async throws {
        let server = try RedisServer()
        var options = server.options
        options.maxQueuedBytes = 10_000
        options.maxUnsentBytes = 20_000
        let test = try TestClient(options, isStarted: false)
        let large = SharedBytes([UInt8](repeating: 1, count: 9_000_000))
        test.client.publish(SharedBytes("c"), large)
        #expect(test.client.status.droppedMessages == 1)
        test.client.start()
        try await test.ready()
        // The loop says that it is connected right after the state is shown.
        await turn(test.client.loop)
        test.client.publish(SharedBytes("c"), large)
        let status = try await test.status { $0.published == 1 }
        #expect(status.droppedMessages == 1)
        let reply = try await test.client.send(RedisCommand("SET", "a", large))
        #expect(reply.isStatus("OK"))
    }

    @Test("an urgent command passes a full queue of held messages")
    func urgentPassesHeld() async throws {
        let server = try RedisServer()
        var options = server.options
        options.holdsMessagesAfterLoss = true
        options.maxQueuedBytes = 10_000
        options.maxUnsentBytes = 500
        let test = try TestClient(options)
        try await test.ready()
        server.stop()
        _ = try await test.fault()
        while test.client.status.droppedMessages == 0 {
            test.client.publish(SharedBytes("c"), Self.payload)
        }
        try server.start()
        try await test.ready()
        let replies = Log<RedisReply?>()
        test.client.sendUrgent(RedisCommand("PUBSUB", "NUMSUB", "c")) { replies.put(try? $0.get()) }
        #expect(try await replies.next()?.elements?.last == .integer(0))
        let count = try await test.client.send(
            RedisCommand("PUBSUB", "NUMSUB", "c"),
            timeout: .seconds(20),
            isUrgent: true
        )
        #expect(count.elements?.last == .integer(0))
        // What does not wait has room of its own.
        #expect(try await test.send("PING").text == "PONG")
        #expect(test.client.status.published == 0)
    }

    @Test("an urgent command without a connection fails at once")
    func urgentNeedsConnection() async throws {
        let test = try TestClient(Self.nowhere())
        let results = Log<RedisError?>()
        test.client.sendUrgent(RedisCommand("PING")) { result in
            if case .failure(let error) = result { results.put(error) }
        }
        #expect(try await results.next() == .notConnected)
        await #expect(throws: RedisError.notConnected) {
            try await test.client.send(
                RedisCommand("PING"),
                timeout: .seconds(60),
                isUrgent: true
            )
        }
        await test.client.close()
        await #expect(throws: RedisError.closed) {
            try await test.client.send(
                RedisCommand("PING"),
                timeout: .seconds(60),
                isUrgent: true
            )
        }
    }

    @Test("a command's own time ends its waiting, with and without a connection")
    func ownDeadline() async throws {
        let server = try RedisServer()
        let test = try TestClient(server.options, isStarted: false)
        let expired = RedisError.expired(after: .milliseconds(20))
        await #expect(throws: expired) {
            try await test.client.send(RedisCommand("INCR", "n"), timeout: .milliseconds(20))
        }
        test.client.start()
        // It was not sent any more.
        #expect(try await test.send("INCR", "n") == .integer(1))
        // Its late reply is dropped and the next ones are not mistaken for it.
        await #expect(throws: expired) {
            try await test.client.send(
                RedisCommand("BLPOP", "list", 0),
                timeout: .milliseconds(20)
            )
        }
        let admin = try TestClient(server.options)
        async let next = test.send("INCR", "n")
        try await admin.send("RPUSH", "list", "late")
        #expect(try await next == .integer(2))
        let reply = try await test.client.send(RedisCommand("INCR", "n"), timeout: .seconds(60))
        #expect(reply == .integer(3))
    }

    @Test("a cancelled task does not wait for its command")
    func cancelled() async throws {
        let test = try TestClient(Self.nowhere())
        let task = Task {
            try await test.client.send(RedisCommand("PING"), timeout: .seconds(60))
        }
        await turn(test.client.loop)
        task.cancel()
        await #expect(throws: RedisError.cancelled) { try await task.value }
        let early = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await test.client.send(RedisCommand("PING"), timeout: .seconds(60))
        }
        await #expect(throws: RedisError.cancelled) { try await early.value }
    }

    @Test("a close during an outage sends what waits when the connection is back")
    func closeDuringOutage() async throws {
        let attempts = Log<Int>()
        let shared = Shared()
        let fake = try FakeRedis { number, received in
            attempts.put(number)
            if received.contains("GET") { return "garbage\r\n" }
            if received.contains("PUBLISH") { return ":0\r\n" }
            return shared.isUp.load(ordering: .relaxed) ? "+PONG\r\n" : "-LOADING it is\r\n"
        }
        var options = RedisOptions(testing: fake.address)
        options.holdsMessagesAfterLoss = true
        let test = try TestClient(options)
        try await test.ready()
        shared.isUp.store(false, ordering: .relaxed)
        _ = try? await test.send("GET", "a")
        _ = try await test.fault()
        test.client.publish(SharedBytes("c"), SharedBytes("m"))
        async let closed: Void = test.client.close()
        await turn(test.client.loop)
        // Attempts that fail are losses too.
        let count = attempts.all.last ?? 0
        try await attempts.next { $0 > count + 2 }
        shared.isUp.store(true, ordering: .relaxed)
        await closed
        #expect(test.client.status.published == 1 && test.client.status.droppedMessages == 0)
    }

    private final class Shared: Sendable {
        let isUp = Atomic<Bool>(true)
    }

    @Test("close returns when everything queued has been answered")
    func closeFlushes() async throws {
        let server = try RedisServer()
        let admin = try TestClient(server.options)
        let test = try TestClient(server.options)
        for number in 0..<5_000 {
            test.client.send(RedisCommand("RPUSH", "list", number)) { _ in }
            test.client.publish(SharedBytes("c"), Self.payload)
        }
        await test.client.close()
        #expect(try await admin.send("LLEN", "list") == .integer(5_000))
        let status = test.client.status
        #expect(status.published == 5_000)
        #expect(status.droppedMessages == 0 && status.uncertain == 0)
        #expect(status.state == .closed)
        #expect(test.states.all == [.ready, .closed])

        test.client.publish(SharedBytes("c"), Self.payload)
        #expect(test.client.status.droppedMessages == 1)
        await #expect(throws: RedisError.closed) { try await test.send("PING") }
        await test.client.close()
    }

    @Test("close gives up what does not end in time")
    func closeGivesUp() async throws {
        let server = try RedisServer()
        var options = server.options
        options.closeTimeout = .milliseconds(50)
        let test = try TestClient(options)
        try await test.ready()
        let results = Log<RedisError?>()
        test.client.send(RedisCommand("BLPOP", "nothing", 0)) { result in
            if case .failure(let error) = result { results.put(error) }
        }
        await test.client.close()
        #expect(try await results.next() == .connectionLost(.closed))
    }

    @Test("a client that nobody holds any more closes")
    func letGo() async throws {
        let server = try RedisServer()
        let admin = try TestClient(server.options)
        try await admin.ready()
        var test: TestClient? = try TestClient(server.options)
        let states = try #require(test?.states)
        try await test?.ready()
        test = nil
        try await states.next { $0 == .closed }
    }
}
