import Bytes
import Loop
import Testing

@testable import Redis

@Suite("A real Redis cluster")
struct ClusterTests {
    @Test("commands find the master of their key from any node")
    func routes() async throws {
        let servers = try await ClusterServers()
        let test = try TestCluster(servers.endpoints[1])
        for number in 0..<300 {
            let key = SharedBytes("key \(number)")
            let reply = try await test.cluster.send(RedisCommand("SET", key, number), key: key)
            #expect(reply.isStatus("OK"))
        }
        try await test.ready()
        #expect(Set(test.cluster.masters.map(\.endpoint)) == Set(servers.endpoints))
        let sizes = try await test.cluster.sendToMasters(RedisCommand("DBSIZE"))
        #expect(sizes.count == 3 && sizes.allSatisfy { ($0.integer ?? 0) > 50 })
        #expect(sizes.reduce(0) { $0 + ($1.integer ?? 0) } == 300)
        let key = SharedBytes("{tag}a")
        let replies = try await test.cluster.send(
            [
                RedisCommand("MULTI"), RedisCommand("INCR", key), RedisCommand("INCR", "{tag}b"),
                RedisCommand("EXEC"),
            ],
            key: key
        )
        #expect(replies.last == .array([.integer(1), .integer(1)]))
        let script = RedisScript("return redis.call('INCR', KEYS[1])")
        #expect(try await test.cluster.run(script, keys: [key]) == .integer(2))
    }

    @Test("a first node that is not there does no harm if another is named")
    func seeds() async throws {
        let servers = try await ClusterServers()
        // No port: another test may be given it meanwhile, and not speak Redis.
        let test = try TestCluster(
            .unix(path: "/nowhere/at/all"),
            seeds: [servers.endpoints[2]]
        )
        let key = SharedBytes("a")
        #expect(try await test.cluster.send(RedisCommand("INCR", key), key: key) == .integer(1))
        try await test.ready()
    }

    @Test("a Redis that is no cluster is told")
    func noCluster() async throws {
        let server = try RedisServer()
        let test = try TestCluster(server.address.endpoint)
        let state = try await test.states.next()
        guard case .reconnecting(.refused("CLUSTER SLOTS", let line)) = state else {
            Issue.record("\(state)")
            return
        }
        #expect(line.contains("cluster support disabled"))
    }

    @Test("commands follow a slot that is on its way, and one that has moved")
    func followsSlots() async throws {
        let servers = try await ClusterServers()
        let test = try TestCluster(servers.endpoints[0])
        try await test.ready()
        // Slot 12,182: the third master's.
        let key = SharedBytes("foo")
        let slot = "\(KeySlot(of: key).number)"
        try await servers.admins[0].send("CLUSTER", "SETSLOT", slot, "IMPORTING", servers.ids[2])
        try await servers.admins[2].send("CLUSTER", "SETSLOT", slot, "MIGRATING", servers.ids[0])
        // The key is not there any more: ASK.
        #expect(try await test.cluster.send(RedisCommand("INCR", key), key: key) == .integer(1))
        for index in [0, 2] {
            try await servers.admins[index].send("CLUSTER", "SETSLOT", slot, "NODE", servers.ids[0])
        }
        // MOVED.
        #expect(try await test.cluster.send(RedisCommand("INCR", key), key: key) == .integer(2))
        try await servers.move(KeySlot(of: SharedBytes("{bar}")), from: 0, to: 1)
        let other = SharedBytes("{bar}")
        let replies = try await test.cluster.send(
            [RedisCommand("MULTI"), RedisCommand("INCR", other), RedisCommand("EXEC")],
            key: other
        )
        #expect(replies.last == .array([.integer(1)]))
        let plain = SharedBytes("{hello}")
        #expect(KeySlot(of: plain).number == 866)
        try await servers.move(KeySlot(of: plain), from: 0, to: 2)
        let counts = try await test.cluster.send(
            [RedisCommand("INCR", plain), RedisCommand("INCR", plain)],
            key: plain
        )
        #expect(counts == [.integer(1), .integer(2)])
        #expect(test.states.all == [.ready])
    }

    /// Subscribes to sharded channels and waits until all are confirmed.
    private static func subscribe(_ test: TestCluster, _ names: [String]) async throws {
        let confirmed = Log<Int>()
        let messages = test.messages
        for name in names {
            test.cluster.subscribe(.shard, SharedBytes(name)) { channel, payload in
                messages.put("\(channel.text) \(payload.text)")
            } confirmed: {
                confirmed.put(1)
            }
        }
        for _ in names { try await confirmed.next() }
    }

    /// Publishes to each and waits until each message has come once.
    private static func expectMessages(
        _ test: TestCluster,
        _ publisher: TestCluster,
        _ names: [String],
        _ payload: String
    ) async throws {
        for name in names {
            publisher.cluster.publish(SharedBytes(name), SharedBytes(payload), sharded: true)
        }
        var seen: [String] = []
        for _ in names { seen.append(try await test.messages.next()) }
        #expect(seen.sorted() == names.map { "\($0) \(payload)" }.sorted())
    }

    @Test("sharded channels of all masters bring their messages, and follow their slots")
    func shardedChannels() async throws {
        let servers = try await ClusterServers()
        let test = try TestCluster(servers.endpoints[0])
        let publisher = try TestCluster(servers.endpoints[2])
        let names = (0..<60).map { "channel \($0)" } + ["foo"]
        try await Self.subscribe(test, names)
        try await Self.expectMessages(test, publisher, names, "1")
        let counts = try await test.cluster.sendToMasters(
            RedisCommand("PUBSUB", "SHARDNUMSUB", "foo")
        )
        #expect(counts.reduce(0) { $0 + ($1.elements?.last?.integer ?? 0) } == 1)

        // Slot 12,182: the third master's.
        try await servers.move(KeySlot(of: SharedBytes("foo")), from: 2, to: 0)
        var subscribers = 0
        while subscribers == 0 {
            let reply = try await servers.admins[0].send("PUBSUB", "SHARDNUMSUB", "foo")
            subscribers = reply.elements?.last?.integer ?? 0
        }
        // The publisher does not know yet.
        try await Self.expectMessages(test, publisher, names, "2")
        test.cluster.unsubscribe(.shard, SharedBytes("foo"))
        while subscribers == 1 {
            let reply = try await servers.admins[0].send("PUBSUB", "SHARDNUMSUB", "foo")
            subscribers = reply.elements?.last?.integer ?? 0
        }
        try await Self.expectMessages(test, publisher, Array(names.dropLast()), "3")
        #expect(publisher.cluster.status.refusedMessages == 0)
    }

    @Test("channels and patterns are heard whichever master a message goes to")
    func plainChannels() async throws {
        let servers = try await ClusterServers()
        let test = try TestCluster(servers.endpoints[0])
        let confirmed = Log<Int>()
        let messages = test.messages
        for (kind, name) in [(SubscriptionKind.channel, "a"), (.pattern, "p*")] {
            test.cluster.subscribe(kind, SharedBytes(name)) { channel, payload in
                messages.put("\(channel.text) \(payload.text)")
            } confirmed: {
                confirmed.put(1)
            }
        }
        for _ in 0..<2 { try await confirmed.next() }
        for (index, admin) in servers.admins.enumerated() {
            try await admin.send("PUBLISH", "a", "\(index)")
            #expect(try await messages.next() == "a \(index)")
            try await admin.send("PUBLISH", "pq", "\(index)")
            #expect(try await messages.next() == "pq \(index)")
        }
        test.cluster.publish(SharedBytes("a"), SharedBytes("own"))
        #expect(try await messages.next() == "a own")
    }

    @Test("before the masters are known nothing is summed up over them")
    func unknownMasters() async throws {
        let test = try TestCluster(.unix(path: "/nowhere/at/all"))
        let command = RedisCommand("PUBSUB", "SHARDNUMSUB", "a")
        await #expect(throws: RedisError.notConnected) {
            try await test.cluster.sendToMasters(command)
        }
        let confirmed = Log<Int>()
        test.cluster.subscribe(
            .shard,
            SharedBytes("a"),
            { _, _ in },
            confirmed: { confirmed.put(1) }
        )
        test.cluster.unsubscribe(.shard, SharedBytes("a"))
        test.cluster.subscribe(
            .shard,
            SharedBytes("b"),
            { _, _ in },
            confirmed: { confirmed.put(2) }
        )
        await test.cluster.close()
        // Given up is not confirmed, but for the end.
        #expect(confirmed.all == [2])
        await #expect(throws: RedisError.closed) {
            try await test.cluster.sendToMasters(command)
        }
    }

    @Test("messages for a master that was away wait until they are released")
    func heldMessages() async throws {
        let servers = try await ClusterServers()
        let test = try TestCluster(servers.endpoints[0], holdsMessages: true)
        try await test.ready()
        #expect(test.cluster.status.connections == 1)
        // Slot 12,182, the third master's, and 866, the first one's.
        let (held, other) = (SharedBytes("foo"), SharedBytes("hello"))
        servers.servers[2].stop()
        try await test.states.next { if case .reconnecting = $0 { true } else { false } }
        for _ in 0..<3 { test.cluster.publish(held, SharedBytes("m"), sharded: true) }
        try servers.servers[2].start()
        try await test.ready()
        try await servers.healed()
        test.cluster.publish(other, SharedBytes("m"), sharded: true)
        try await published(1, test)
        // What is no message waits for nobody.
        #expect(try await test.cluster.send(RedisCommand("INCR", held), key: held) == .integer(1))
        let counts = try await test.cluster.sendToMasters(
            RedisCommand("PUBSUB", "SHARDNUMSUB", held),
            timeout: .seconds(20)
        )
        #expect(counts.count == 3)
        #expect(test.cluster.status.published == 1)
        test.cluster.releaseMessages()
        try await published(4, test)
        #expect(test.cluster.lossCount == 0)
        #expect(test.cluster.status.connections == 2)
    }

    private func published(_ count: Int, _ test: TestCluster) async throws {
        let end = ContinuousClock.now + deadline
        while test.cluster.status.published < count {
            guard ContinuousClock.now < end else {
                throw DeadlinePassed(seen: "\(test.cluster.status)")
            }
            await turn(test.cluster.loop)
        }
        #expect(test.cluster.status.published == count)
    }

    @Test("when a master has died and is back, all is subscribed again")
    func masterReturns() async throws {
        let servers = try await ClusterServers()
        let test = try TestCluster(servers.endpoints[0])
        let names = (0..<30).map { "channel \($0)" }
        try await Self.subscribe(test, names)
        try await test.ready()
        servers.servers[1].stop()
        try await test.states.next { if case .reconnecting = $0 { true } else { false } }
        try servers.servers[1].start()
        try await test.ready()
        try await Self.expectMessages(test, test, names, "1")
        await test.cluster.close()
        #expect(test.states.all.last == .closed)
        await #expect(throws: RedisError.closed) {
            try await test.cluster.send(RedisCommand("GET", "a"), key: SharedBytes("a"))
        }
    }

    @Test("when a replica takes over, commands and channels go there")
    func failover() async throws {
        let servers = try await ClusterServers(replicas: 1)
        let test = try TestCluster(servers.endpoints[1], holdsMessages: true)
        // The first master's, which has the replica.
        let names = (0..<90).map { "channel \($0)" }
            .filter { KeySlot(of: SharedBytes($0)).number < 5_461 }
        try await Self.subscribe(test, names)
        try await test.ready()
        servers.servers[0].stop()
        try await test.states.next { if case .reconnecting = $0 { true } else { false } }
        try await test.ready()
        #expect(test.cluster.masters.map(\.endpoint).contains(servers.endpoints[3]))
        // Messages for the new master are held like those that waited for the old one.
        test.cluster.publish(SharedBytes(names[0]), SharedBytes("held"), sharded: true)
        let own = SharedBytes(names[0])
        #expect(try await test.cluster.send(RedisCommand("GET", own), key: own) == .null)
        #expect(test.cluster.status.published == 0)
        test.cluster.releaseMessages()
        #expect(try await test.messages.next() == names[0] + " held")
        try await Self.expectMessages(test, test, names, "1")
        let key = SharedBytes("bar")
        #expect(KeySlot(of: key).number < 5_461)
        #expect(try await test.cluster.send(RedisCommand("INCR", key), key: key) == .integer(1))
    }
}
