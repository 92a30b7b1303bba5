import Support
import Testing

@testable import SocketIOProtocol

@Suite("protocol.md §20: positions")
struct OffsetTests {
    @Test("milliseconds in base 64, a counter within one millisecond")
    func text() {
        let first = Offset.start.next(milliseconds: 64)
        #expect("\(first)" == "10")
        let second = first.next(milliseconds: 64)
        #expect("\(second)" == "10.0")
        #expect("\(second.next(milliseconds: 10))" == "10.1")
        #expect("\(second.next(milliseconds: 65))" == "11")
        #expect("\(Offset.start.next(milliseconds: 62))" == "-")
        #expect("\(Offset.start.next(milliseconds: 63))" == "_")
    }

    @Test("what is given is read back, and later is greater")
    func roundTrip() throws {
        var random = SplitMix64(seed: 1)
        var offset = Offset.start
        var now: UInt64 = 1_700_000_000_000
        for _ in 0..<1000 {
            now = now + UInt64.random(in: 0...2, using: &random) - 1
            let next = offset.next(milliseconds: now)
            #expect(next > offset)
            #expect(try #require(Offset("\(next)")) == next)
            offset = next
        }
    }

    @Test(
        "anything else is none",
        arguments: [
            "", ".", "a.", ".a", "a.b.c", "é", "a b", "00000000000", "1.00000000000", "1-0+",
        ]
    )
    func garbage(_ text: String) {
        #expect(Offset(text) == nil)
    }
}

@Suite("protocol.md §20: packets kept for clients that come back")
struct PacketLogTests {
    private func log(count: Int = 100, bytes: Int = 1000) -> PacketLog<Int> {
        PacketLog(lifetime: .seconds(10), maxCount: count, maxBytes: bytes, milliseconds: 1000)
    }

    @Test("after a position come all later packets, in order")
    func after() throws {
        var log = log()
        let offsets = (0..<5).map { log.append($0, at: 1000 + UInt64($0 / 2)) }
        for (index, offset) in offsets.enumerated() {
            let missed = try #require(log.packets(after: offset))
            #expect(missed.map(\.packet) == Array((index + 1)..<5))
            #expect(missed.map(\.offset) == Array(offsets[(index + 1)...]))
        }
    }

    @Test("a quiet log knows its own beginning, and positions that are to come are none")
    func quiet() throws {
        var log = log()
        let start = log.newest
        #expect(try #require(log.packets(after: start)).isEmpty)
        #expect(log.packets(after: .start) == nil)
        let offset = log.append(1, cost: 1, at: 1000)
        #expect(try #require(log.packets(after: start)).count == 1)
        #expect(log.packets(after: offset.next(milliseconds: 1000)) == nil)
    }

    @Test("what is purged is missed, but not by whoever had received it")
    func purged() throws {
        var log = log()
        let start = log.newest
        let old = log.append(1, cost: 1, at: 1000)
        let newer = log.append(2, cost: 1, at: 5000)
        log.purge(now: 11_000)
        #expect(log.count == 1)
        #expect(log.packets(after: start) == nil)
        #expect(try #require(log.packets(after: old)).map(\.packet) == [2])
        log.purge(now: 15_000)
        #expect(log.count == 0 && log.bytes == 0)
        #expect(log.packets(after: old) == nil)
        #expect(try #require(log.packets(after: newer)).isEmpty)
    }

    @Test("number and bytes are bounded; the oldest go")
    func bounded() {
        var few = log(count: 3)
        for number in 0..<10 { _ = few.append(number, cost: 1, at: 1000) }
        #expect(few.count == 3)
        var small = log(bytes: 10)
        for number in 0..<10 { _ = small.append(number, cost: 4, at: 1000) }
        #expect(small.count == 2 && small.bytes == 8)
        let offset = small.append(11, cost: 11, at: 1000)
        #expect(small.count == 0)
        #expect(small.packets(after: offset)?.isEmpty == true)
    }

    @Test("a client gets what was for everybody or its rooms, once, since it joined each")
    func rooms() throws {
        var log = log()
        let start = log.newest
        _ = log.append(0, "b")
        let joinedB = log.append(1)
        _ = log.append(2, "a", "b", "a")
        _ = log.append(3, "c")
        _ = log.append(4, "b")
        let late = log.append(5, "a")
        func missed(_ rooms: (String, Offset)..., after offset: Offset) throws -> [Int] {
            try #require(
                log.packets(
                    after: offset,
                    rooms: rooms.map { RoomStay(in: $0.0, since: $0.1) },
                    start: start,
                    isExcluded: { packet, _ in packet == 4 }
                )
            ).map(\.packet)
        }
        #expect(try missed(after: start) == [1])
        #expect(try missed(("a", start), ("b", start), after: start) == [0, 1, 2, 5])
        #expect(try missed(("a", start), ("b", joinedB), after: start) == [1, 2, 5])
        #expect(try missed(("a", late), ("b", start), after: start) == [0, 1, 2])
        #expect(try missed(("c", start), after: joinedB) == [3])
    }

    @Test("the positions of packets are known, and that of the newest purged")
    func known() {
        var log = log(count: 3)
        let offsets = (0..<5).map { log.append($0, at: 1000 + UInt64($0 / 2)) }
        #expect(offsets.map { log.knows($0) } == [false, true, true, true, true])
        let places = offsets.map { log.place(before: $0) }
        #expect(places == [nil, nil, offsets[1], offsets[2], offsets[3]])
        #expect(!log.knows(.start) && !log.knows(log.newest.next(milliseconds: 5000)))
        log.purge(now: .max)
        #expect(log.count == 0)
        #expect(offsets.map { log.knows($0) } == [false, false, false, false, true])
    }

    @Test("what was sent to a room that was left is for whoever was in it then")
    func stays() throws {
        var log = log()
        var offsets = [log.newest]
        for number in 1...6 { offsets.append(log.append(number, "a")) }
        func missed(after: Int, _ stays: (Int, Int?)...) throws -> [Int] {
            let rooms = stays.map { since, until in
                RoomStay(in: "a", since: offsets[since], until: until.map { offsets[$0] })
            }
            let missed = log.packets(after: offsets[after], rooms: rooms, start: offsets[0])
            return try #require(missed).map(\.packet)
        }
        #expect(try missed(after: 0, (1, 3)) == [2, 3])
        #expect(try missed(after: 2, (1, 3)) == [3])
        #expect(try missed(after: 4, (1, 3)).isEmpty)
        #expect(try missed(after: 0, (1, 1)).isEmpty)
        #expect(try missed(after: 0, (5, nil), (0, 2)) == [1, 2, 6])
    }

    @Test("rooms are the same only byte by byte")
    func bytewise() throws {
        var log = log()
        let start = log.newest
        _ = log.append(1, "caf\u{e9}")
        _ = log.append(2, "cafe\u{301}")
        for (name, packet) in [("caf\u{e9}", 1), ("cafe\u{301}", 2)] {
            let rooms = [RoomStay(in: name, since: start)]
            let missed = try #require(log.packets(after: start, rooms: rooms, start: start))
            #expect(missed.map(\.packet) == [packet])
        }
    }

    @Test("what came before the client came is not for it, whatever it says")
    func start() throws {
        var log = log()
        let before = log.newest
        _ = log.append(1)
        let start = log.append(2)
        _ = log.append(3)
        let missed = log.packets(after: before, rooms: [], start: start)
        #expect(try #require(missed).map(\.packet) == [3])
    }

    @Test("who has missed too much does not recover")
    func tooMuch() throws {
        var log = log()
        let start = log.newest
        for number in 0..<5 { _ = log.append(number, "a", cost: 10) }
        let rooms = [RoomStay(in: "a", since: start)]
        func missed(_ count: Int, _ bytes: Int) -> Int? {
            log.packets(after: start, rooms: rooms, start: start, maxCount: count, maxBytes: bytes)?
                .count
        }
        #expect(missed(5, 50) == 5)
        #expect(missed(4, 50) == nil)
        #expect(missed(5, 49) == nil)
    }

    @Test("packets and rooms come and go as in a plain list")
    func model() throws {
        var random = SplitMix64(seed: 20)
        var log = PacketLog<Int>(
            lifetime: .seconds(9),
            maxCount: 60,
            maxBytes: 500,
            milliseconds: 1
        )
        var list: [(offset: Offset, number: Int, rooms: [String], cost: Int, expiry: UInt64)] = []
        var offsets = [log.newest]
        var now: UInt64 = 1
        let names = ["a", "b", "c", "d"]
        for number in 0..<3000 {
            now += UInt64.random(in: 0...300, using: &random)
            let rooms = (0..<Int.random(in: 0...2, using: &random)).map { _ in
                names[Int.random(in: 0..<4, using: &random)]
            }
            let cost = Int.random(in: 1...20, using: &random)
            let offset = log.append(number, rooms: rooms, cost: cost, now: now, milliseconds: now)
            offsets.append(offset)
            list.append((offset, number, rooms, cost, now + 9000))
            while list.count > 60 || list.reduce(0, { $0 + $1.cost }) > 500 { list.removeFirst() }
            list.removeAll { $0.expiry <= now }
            #expect(log.count == list.count)
            #expect(log.bytes == list.reduce(0) { $0 + $1.cost })
            let after = offsets[
                Int.random(in: max(0, offsets.count - 70)..<offsets.count, using: &random)
            ]
            let isComplete = offsets.count - 1 - list.count <= offsets.firstIndex(of: after) ?? 0
            let missed = log.packets(
                after: after,
                rooms: [RoomStay(in: "a", since: .start), RoomStay(in: "b", since: .start)],
                start: .start
            )
            guard isComplete else {
                #expect(missed == nil)
                continue
            }
            let expected = list.filter { entry in
                entry.offset > after
                    && (entry.rooms.isEmpty || entry.rooms.contains { $0 == "a" || $0 == "b" })
            }
            #expect(try #require(missed).map(\.packet) == expected.map(\.number))
        }
    }

    @Test("a long life keeps no holes")
    func long() throws {
        var log = log(count: 50)
        var offsets: [Offset] = []
        for number in 0..<10_000 {
            offsets.append(log.append(number, cost: 1, at: 1000 + UInt64(number)))
        }
        #expect(log.count == 50)
        let missed = try #require(log.packets(after: offsets[9_990]))
        #expect(missed.map(\.packet) == Array(9_991..<10_000))
    }
}

extension PacketLog {
    /// For everybody, with one clock for position and life.
    fileprivate mutating func append(
        _ packet: Packet,
        _ rooms: String...,
        cost: Int = 1,
        at time: UInt64 = 1000
    ) -> Offset {
        append(packet, rooms: rooms, cost: cost, now: time, milliseconds: time)
    }

    /// For a client that is in no room.
    fileprivate func packets(after offset: Offset) -> [(offset: Offset, packet: Packet)]? {
        packets(after: offset, rooms: [], start: .start)
    }
}

@Suite("protocol.md §20: sessions kept for clients that come back")
struct SessionStoreTests {
    @Test("a session is taken once")
    func once() {
        var store = SessionStore<Int>(lifetime: .seconds(10), maxCount: 10, maxBytes: 1000)
        store.store(1, id: "a", cost: 1, milliseconds: 0)
        #expect(store.take("b", milliseconds: 1) == nil)
        #expect(store.take("a", milliseconds: 1) == 1)
        #expect(store.take("a", milliseconds: 1) == nil)
    }

    @Test("it expires, and storing it again begins anew")
    func expiry() {
        var store = SessionStore<Int>(lifetime: .seconds(10), maxCount: 10, maxBytes: 1000)
        store.store(1, id: "a", cost: 1, milliseconds: 0)
        store.store(2, id: "b", cost: 1, milliseconds: 0)
        store.store(3, id: "a", cost: 1, milliseconds: 5000)
        store.purge(milliseconds: 10_000)
        #expect(store.count == 1)
        #expect(store.take("a", milliseconds: 14_999) == 3)
        store.store(4, id: "a", cost: 1, milliseconds: 20_000)
        #expect(store.take("a", milliseconds: 30_000) == nil)
    }

    @Test("sessions that come and go behind one that stays leave nothing")
    func churn() {
        var store = SessionStore<Int>(lifetime: .seconds(1 << 60), maxCount: 10, maxBytes: 1000)
        store.store(0, id: "stays", cost: 1, milliseconds: 1)
        for number in 0..<10_000 {
            store.store(number, id: "x", cost: 1, milliseconds: 1)
            #expect(store.take("x", milliseconds: 1) == number)
        }
        #expect(store.orderCount <= 64)
        #expect(store.take("stays", milliseconds: 1 << 40) == 0)
    }

    @Test("of too many the oldest goes")
    func bounded() {
        var store = SessionStore<Int>(lifetime: .seconds(10), maxCount: 3, maxBytes: 1000)
        for number in 0..<100 { store.store(number, id: "\(number)", cost: 1, milliseconds: 0) }
        #expect(store.count == 3)
        #expect(store.take("96", milliseconds: 0) == nil)
        #expect(store.take("97", milliseconds: 0) == 97)
    }

    @Test("bytes are bounded: the oldest goes, and what is too big by itself is not kept")
    func bytes() {
        var store = SessionStore<Int>(lifetime: .seconds(10), maxCount: 10, maxBytes: 10)
        for number in 0..<5 { store.store(number, id: "\(number)", cost: 4, milliseconds: 0) }
        #expect(store.count == 2 && store.bytes == 8)
        store.store(5, id: "4", cost: 11, milliseconds: 0)
        #expect(store.count == 1 && store.bytes == 4)
        #expect(store.take("4", milliseconds: 0) == nil)
        store.store(6, id: "3", cost: 7, milliseconds: 0)
        #expect(store.count == 1 && store.bytes == 7)
        #expect(store.take("3", milliseconds: 0) == 6)
        store.store(7, id: "a", cost: 5, milliseconds: 0)
        store.purge(milliseconds: 10_000)
        #expect(store.count == 0 && store.bytes == 0)
    }
}
