import Bytes
import Loop
import Testing

@testable import Redis

@Suite("A subscriber and a real Redis")
struct SubscriberTests {
    typealias Message = TestSubscriber.Message

    private static func publish(
        _ client: TestClient,
        _ channel: String,
        _ payload: String,
        sharded: Bool = false
    ) {
        client.client.publish(SharedBytes(channel), SharedBytes(payload), sharded: sharded)
    }

    @Test("channels, patterns and sharded channels bring their messages")
    func kinds() async throws {
        let server = try RedisServer()
        let test = try TestSubscriber(server.options)
        let client = try TestClient(server.options)
        await test.subscribed(.channel, "a")
        await test.subscribed(.pattern, "p*")
        await test.subscribed(.shard, "a", as: "shard a")
        Self.publish(client, "a", "1")
        Self.publish(client, "pq", "2")
        Self.publish(client, "a", "3", sharded: true)
        #expect(
            try await test.messages.next() == Message(subscription: "a", channel: "a", payload: "1")
        )
        #expect(
            try await test.messages.next()
                == Message(subscription: "p*", channel: "pq", payload: "2")
        )
        #expect(
            try await test.messages.next()
                == Message(subscription: "shard a", channel: "a", payload: "3")
        )
        #expect(test.subscriber.status.received == 3)
        #expect(try await client.send("PUBSUB", "SHARDNUMSUB", "a").elements?.last == .integer(1))
    }

    @Test("10,000 messages come in order, whatever their bytes are")
    func many() async throws {
        let server = try RedisServer()
        let test = try TestSubscriber(server.options)
        let client = try TestClient(server.options)
        let sizes = Log<Int>()
        let name = SharedBytes([0, 13, 10, 255])
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            test.subscriber.subscribe(.channel, name) { channel, payload in
                let isRight = channel == name && payload.bytes.byte(at: 0) == 13
                sizes.put(isRight ? payload.count : -1)
            } confirmed: {
                done.resume()
            }
        }
        for count in 1...10_000 {
            client.client.publish(name, SharedBytes([UInt8](repeating: 13, count: count % 700 + 1)))
        }
        for count in 1...10_000 {
            let size = try await sizes.next()
            guard size == count % 700 + 1 else {
                Issue.record("message \(count) has \(size) bytes")
                return
            }
        }
    }

    @Test("when Redis was away, it is ready again once all kinds are subscribed again")
    func resubscribes() async throws {
        let server = try RedisServer()
        let test = try TestSubscriber(server.options)
        let client = try TestClient(server.options)
        for number in 0..<500 { test.subscribe(.channel, "c\(number)") }
        test.subscribe(.pattern, "p*")
        await test.subscribed(.shard, "s")
        try await test.ready()
        server.stop()
        try await test.states.next { if case .reconnecting = $0 { true } else { false } }
        // What is asked for meanwhile counts as well.
        test.subscribe(.channel, "late")
        test.subscriber.unsubscribe(.channel, SharedBytes("c0"))
        try server.start()
        try await test.ready()
        let channels = try await client.send("PUBSUB", "CHANNELS").elements?.count
        #expect(channels == 500)
        #expect(try await client.send("PUBSUB", "NUMPAT") == .integer(1))
        Self.publish(client, "c499", "1")
        Self.publish(client, "px", "2")
        Self.publish(client, "s", "3", sharded: true)
        Self.publish(client, "late", "4")
        for payload in ["1", "2", "3", "4"] {
            #expect(try await test.messages.next().payload == payload)
        }
        #expect(test.subscriber.status.connections == 2)
    }

    @Test("more subscriptions than output may wait are asked for in portions, again as well")
    func portions() async throws {
        let server = try RedisServer()
        var options = server.options
        options.maxQueuedBytes = 50_000
        let test = try TestSubscriber(options, isStarted: false)
        let client = try TestClient(server.options)
        let names = 20_000
        for number in 0..<names { test.subscribe(.channel, "a channel of its own \(number)") }
        test.subscriber.start()
        try await test.ready()
        // More while these are stuck.
        server.freeze()
        for number in 0..<names { test.subscribe(.channel, "another channel \(number)") }
        await turn(test.subscriber.loop)
        test.subscriber.unsubscribe(.channel, SharedBytes("another channel \(names - 1)"))
        server.thaw()
        await test.subscribed(.channel, "last")
        #expect(try await client.send("PUBSUB", "CHANNELS").elements?.count == 2 * names)
        try await client.send("CLIENT", "KILL", "TYPE", "pubsub")
        try await test.states.next { if case .reconnecting = $0 { true } else { false } }
        try await test.ready()
        #expect(try await client.send("PUBSUB", "CHANNELS").elements?.count == 2 * names)
        #expect(test.subscriber.status.connections == 2)
    }

    @Test("one that is left brings nothing more")
    func unsubscribes() async throws {
        let server = try RedisServer()
        let test = try TestSubscriber(server.options)
        let client = try TestClient(server.options)
        for kind in SubscriptionKind.allCases {
            await test.subscribed(kind, "a")
            test.subscriber.unsubscribe(kind, SharedBytes("a"))
        }
        await test.subscribed(.channel, "end")
        #expect(try await client.send("PUBSUB", "CHANNELS").elements?.count == 1)
        #expect(try await client.send("PUBSUB", "SHARDCHANNELS").elements?.isEmpty == true)
        Self.publish(client, "a", "1")
        Self.publish(client, "a", "2", sharded: true)
        Self.publish(client, "end", "3")
        #expect(try await test.messages.next().payload == "3")
        test.subscriber.unsubscribe(.channel, SharedBytes("never"))
        #expect(test.states.all == [.ready])
    }

    @Test("the same name left and taken again at once is subscribed, for the new handler")
    func quickChange() async throws {
        let server = try RedisServer()
        let test = try TestSubscriber(server.options)
        let client = try TestClient(server.options)
        for round in 0..<50 {
            await test.subscribed(.channel, "a", as: "old \(round)")
            let confirmed = Log<Int>()
            // In one turn, so that no answer comes between.
            test.subscriber.loop.post {
                test.subscriber.unsubscribe(.channel, SharedBytes("a"))
                test.subscribe(.channel, "a", as: "given up") { confirmed.put(1) }
                test.subscriber.unsubscribe(.channel, SharedBytes("a"))
                test.subscribe(.channel, "a", as: "new \(round)") { confirmed.put(2) }
            }
            try await confirmed.next()
            #expect(confirmed.all == [2])
            Self.publish(client, "a", "\(round)")
            let message = try await test.messages.next()
            #expect(message.subscription == "new \(round)" && message.payload == "\(round)")
        }
    }

    @Test("a second subscription of a name takes the first one's place")
    func replaces() async throws {
        let server = try RedisServer()
        let test = try TestSubscriber(server.options)
        let client = try TestClient(server.options)
        await test.subscribed(.pattern, "*", as: "first")
        await test.subscribed(.pattern, "*", as: "second")
        Self.publish(client, "a", "1")
        #expect(try await test.messages.next().subscription == "second")
    }

    @Test("a handler may change subscriptions while it is called")
    func changesInHandler() async throws {
        let server = try RedisServer()
        let test = try TestSubscriber(server.options)
        let client = try TestClient(server.options)
        let ready = Log<Int>()
        let subscriber = test.subscriber
        let messages = test.messages
        subscriber.subscribe(.channel, SharedBytes("a")) { [weak subscriber] _, _ in
            subscriber?.unsubscribe(.channel, SharedBytes("a"))
            subscriber?.subscribe(.channel, SharedBytes("b")) { channel, payload in
                messages.put(
                    Message(subscription: "b", channel: channel.text, payload: payload.text)
                )
            } confirmed: {
                ready.put(2)
            }
        } confirmed: {
            ready.put(1)
        }
        try await ready.next { $0 == 1 }
        Self.publish(client, "a", "1")
        Self.publish(client, "a", "2")
        try await ready.next { $0 == 2 }
        Self.publish(client, "b", "3")
        #expect(try await messages.next().payload == "3")
    }

    @Test("a hanging Redis is noticed, with and without subscriptions", arguments: [0, 1])
    func frozen(subscriptions: Int) async throws {
        let server = try RedisServer()
        var options = server.options
        options.pingInterval = .milliseconds(30)
        options.pingTimeout = .seconds(5)
        let test = try TestSubscriber(options)
        let client = try TestClient(server.options)
        if subscriptions > 0 { await test.subscribed(.channel, "a") }
        try await test.ready()
        // Several PINGs are answered in this mode before.
        var pings = 0
        while pings < 3 {
            let stats = try await client.send("INFO", "commandstats").text ?? ""
            let line = stats.split(whereSeparator: \.isNewline).first { $0.contains("_ping:") }
            pings = Int(line?.split { !$0.isNumber }.first ?? "0") ?? 0
        }
        #expect(test.states.all == [.ready])
        server.freeze()
        let state = try await test.states.next()
        #expect(state == .reconnecting(.silent(for: .seconds(5))))
        server.thaw()
        try await test.ready()
    }

    @Test("a channel that may not be heard is told, the others go on, and it is asked for again")
    func forbidden() async throws {
        let server = try RedisServer(
            ["--user"]
                + "bob on nopass ~* resetchannels &allowed +@all".split(separator: " ").map(
                    String.init
                )
        )
        var options = server.options
        options.address = RedisAddress(
            endpoint: options.address.endpoint,
            user: "bob",
            password: ""
        )
        let test = try TestSubscriber(options)
        let client = try TestClient(server.options)
        await test.subscribed(.channel, "allowed")
        try await test.ready()
        test.subscribe(.channel, "secret")
        guard case .reconnecting(.refused("SUBSCRIBE", let line)) = try await test.states.next()
        else {
            Issue.record("\(test.states.all)")
            return
        }
        #expect(line.hasPrefix("NOPERM"))
        Self.publish(client, "allowed", "1")
        #expect(try await test.messages.next().payload == "1")
        #expect(test.states.all.count == 2)
        try await client.send("ACL", "SETUSER", "bob", "&secret")
        try await test.ready()
        Self.publish(client, "secret", "2")
        #expect(try await test.messages.next().payload == "2")
        #expect(test.subscriber.status.connections == 1)
    }

    @Test("a close confirms whoever waits, and later calls do nothing")
    func closes() async throws {
        let test = try TestSubscriber(
            RedisOptions(testing: RedisAddress(endpoint: .unix(path: "/nowhere/at/all")))
        )
        let confirmed = Log<Int>()
        test.subscribe(.channel, "a") { confirmed.put(1) }
        await test.subscriber.close()
        #expect(try await confirmed.next() == 1)
        test.subscribe(.channel, "b") { confirmed.put(2) }
        #expect(try await confirmed.next() == 2)
        await test.subscriber.close()
        #expect(test.states.all.last == .closed)
    }

    @Test("a channel whose slot moves away is told, or asked for again", arguments: [true, false])
    func kicked(hearsMoves: Bool) async throws {
        let subscribed = "*3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n"
        let kicked = "*3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n"
        let times = Log<Int>()
        let fake = try FakeRedis { _, received in
            guard received.contains("SSUBSCRIBE") else { return "+PONG\r\n" }
            times.put(1)
            return times.all.count == 1 ? subscribed + kicked : subscribed
        }
        let test = try TestSubscriber(RedisOptions(testing: fake.address), hearsMoves: hearsMoves)
        await test.subscribed(.shard, "a")
        if hearsMoves {
            #expect(try await test.moved.next() == "a -")
            #expect(times.all.count == 1)
        } else {
            try await test.states.next { if case .reconnecting = $0 { true } else { false } }
            try await test.ready()
            #expect(times.all.count == 2)
        }
        withExtendedLifetime(fake) {}
    }

    @Test("a sharded channel that another node has is told with Redis's line")
    func moved() async throws {
        let fake = try FakeRedis { _, received in
            received.contains("SSUBSCRIBE") ? "-MOVED 7 127.0.0.1:7001\r\n" : "+PONG\r\n"
        }
        let test = try TestSubscriber(RedisOptions(testing: fake.address), hearsMoves: true)
        test.subscribe(.shard, "a")
        #expect(try await test.moved.next() == "a MOVED 7 127.0.0.1:7001")
        withExtendedLifetime(fake) {}
    }

    @Test(
        "an answer that fits nothing breaks the connection",
        arguments: [
            "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n", ":1\r\n", "+OK\r\n", "*0\r\n",
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n", "*2\r\n$4\r\npong\r\n$0\r\n\r\n",
            "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n", "*3\r\n$5\r\nother\r\n$1\r\na\r\n:1\r\n",
            "$-1\r\n", "*2\r\n:1\r\n:2\r\n",
        ]
    )
    func violations(_ text: String) async throws {
        let fake = try FakeRedis { number, received in
            guard received.contains("SUBSCRIBE") else { return "+PONG\r\n" }
            return number == 1 ? text : "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
        }
        let test = try TestSubscriber(RedisOptions(testing: fake.address), isStarted: false)
        test.subscribe(.channel, "a")
        test.subscriber.start()
        let state = try await test.states.next()
        guard case .reconnecting(.protocolViolation) = state else {
            Issue.record("\(state)")
            return
        }
        try await test.ready()
        withExtendedLifetime(fake) {}
    }
}
