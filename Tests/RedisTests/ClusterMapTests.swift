import Bytes
import Loop
import Testing

@testable import Redis

@Suite("Redis cluster: slots and redirections")
struct ClusterMapTests {
    private static let node = Endpoint.tcp(host: "10.0.0.9", port: 7000)

    @Test(
        "a key's slot is the CRC-16 of its hash tag, or of all of it",
        arguments: [
            ("123456789", 0x31C3), ("foo", 12_182), ("", 0), ("{foo}bar", 12_182),
            ("a{foo}{x}", 12_182), ("foo{}{bar}", 8_363), ("foo{{bar}}zap", 4_015),
            ("foo{bar", 15_278), ("}{foo}", 12_182),
        ]
    )
    func slots(key: String, slot: Int) {
        #expect(KeySlot(of: SharedBytes(key)).number == UInt16(slot))
    }

    @Test("redirections are read, with the node's own host where none is named")
    func redirects() throws {
        let slot = try #require(KeySlot(number: 3_999))
        func read(_ line: String) -> Redirect? { Redirect(line, from: Self.node) }
        let there = Endpoint.tcp(host: "127.0.0.1", port: 6381)
        #expect(read("MOVED 3999 127.0.0.1:6381") == .moved(slot, there))
        #expect(read("ASK 3999 127.0.0.1:6381") == .ask(slot, there))
        #expect(read("MOVED 3999 ::1:7") == .moved(slot, .tcp(host: "::1", port: 7)))
        #expect(read("MOVED 3999 a.example:7") == .moved(slot, .tcp(host: "a.example", port: 7)))
        #expect(read("MOVED 3999 :7") == .moved(slot, .tcp(host: "10.0.0.9", port: 7)))
    }

    @Test(
        "any other line is no redirection",
        arguments: [
            "", "MOVED", "MOVED 1", "MOVED 1 h", "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED x h:1",
            "MOVED 1 h:0", "MOVED 1 h:65536", "MOVED 1 ?:7", "MOVED 1 h:1 x", "ERR 1 h:1",
            "MOVED 99999999999999999999 h:1", "MOVED 1 h:", "TRYAGAIN",
        ]
    )
    func noRedirects(line: String) {
        #expect(Redirect(line, from: Self.node) == nil)
    }

    private static func range(
        _ first: Int,
        _ last: Int,
        _ host: RedisReply,
        _ port: Int
    ) -> RedisReply {
        .array([
            .integer(first), .integer(last),
            .array([host, .integer(port), .bulk(SharedBytes("id")), .array([])]),
            .array([.bulk(SharedBytes("replica")), .integer(1), .bulk(SharedBytes("id"))]),
        ])
    }

    @Test("the answer to CLUSTER SLOTS is read, ranges of unknown nodes are not")
    func map() throws {
        let reply = RedisReply.array([
            Self.range(0, 99, .bulk(SharedBytes("a")), 1),
            Self.range(100, 199, .null, 2),
            Self.range(200, 299, .bulk(SharedBytes()), 2),
            Self.range(300, 399, .bulk(SharedBytes("?")), 3),
            Self.range(400, 16_383, .bulk(SharedBytes("a")), 1),
        ])
        var map = try #require(SlotMap(reply, from: Self.node))
        let (a, own) = (Endpoint.tcp(host: "a", port: 1), Endpoint.tcp(host: "10.0.0.9", port: 2))
        #expect(map.masters == [a, own])
        #expect(!map.isComplete && map.missing == 100)
        func master(_ number: Int) -> Endpoint? {
            KeySlot(number: number).flatMap { map.master(of: $0) }
        }
        #expect(master(0) == a && master(99) == a && master(16_383) == a)
        #expect(master(100) == own && master(299) == own)
        #expect(master(300) == nil)
        map.assign(try #require(KeySlot(number: 300)), to: own)
        #expect(master(300) == own && map.missing == 99)
    }

    @Test("what no node answers is no map")
    func noMap() {
        let host = RedisReply.bulk(SharedBytes("a"))
        let bad: [RedisReply] = [
            .null, .integer(1), .array([.integer(1)]), .array([.array([])]),
            .array([.array([.integer(0), .integer(1), .array([])])]),
            .array([Self.range(-1, 5, host, 1)]), .array([Self.range(5, 4, host, 1)]),
            .array([Self.range(0, 16_384, host, 1)]), .array([Self.range(0, .max, host, 1)]),
        ]
        for reply in bad { #expect(SlotMap(reply, from: Self.node) == nil, "\(reply)") }
        let noPort = SlotMap(.array([Self.range(0, 5, host, 0)]), from: Self.node)
        #expect(noPort?.masters.isEmpty == true)
    }
}

@Suite("A cluster's subscriptions")
struct ClusterSubscriptionsTests {
    @Test("those of a slot are found by it until they are removed")
    func bySlot() {
        var subscriptions = ClusterSubscriptions()
        let keys = ["{a}1", "{a}2", "{b}1"].map {
            SubscriptionKey(kind: .shard, name: SharedBytes($0))
        }
        var nobody: (@Sendable () -> Void)?
        for key in keys + keys { subscriptions.add(key, { _, _ in }, waiter: &nobody) }
        let slot = KeySlot(of: SharedBytes("a"))
        var found = Set(subscriptions.keys(in: slot))
        #expect(found == Set(keys.prefix(2)))
        _ = subscriptions.remove(keys[0])
        found = Set(subscriptions.keys(in: slot))
        #expect(found == [keys[1]])
        _ = subscriptions.remove(keys[1])
        found = Set(subscriptions.keys(in: slot))
        #expect(found.isEmpty)
        found = Set(subscriptions.keys(in: KeySlot(of: SharedBytes("b"))))
        #expect(found == [keys[2]])
    }
}
