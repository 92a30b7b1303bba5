import Bytes
import Glibc
import Testing

@testable import Loop

@Suite("Connection: reading and writing")
struct ConnectionTests {
    @Test("what the peer sends arrives, in order", arguments: Peer.Kind.allCases)
    func reads(kind: Peer.Kind) throws {
        let fixture = try Fixture(kind)
        let bytes = pattern(1_000_000)
        try fixture.peer.send(bytes)
        #expect(try fixture.received(bytes.count) == bytes)
    }

    @Test("many frames of one turn leave gathered, in order", arguments: Peer.Kind.allCases)
    func gathers(kind: Peer.Kind) throws {
        let fixture = try Fixture(kind)
        let frames = (0..<2_000).map { pattern($0 % 97, seed: $0) }
        try fixture.run { connection in
            for frame in frames { connection.write(SharedBytes(frame)) }
        }
        let expected = Array(frames.joined())
        #expect(try fixture.peer.receive(exactly: expected.count) == expected)
        #expect(try fixture.events.next() == .drained)
        #expect(try fixture.run { $0.bufferedBytes } == 0)
    }

    @Test("a peer that reads slowly gets every byte", arguments: Peer.Kind.allCases)
    func slowPeer(kind: Peer.Kind) throws {
        let fixture = try Fixture(kind)
        let frames = (0..<4_000).map { pattern(4_000 + $0 % 7, seed: $0) }
        let expected = Array(frames.joined())
        let buffered = try fixture.run { connection in
            for frame in frames { connection.write(SharedBytes(frame)) }
            return connection.bufferedBytes
        }
        #expect(buffered == expected.count)
        try fixture.test.turn()
        let (left, isBlocked) = try fixture.run { ($0.bufferedBytes, $0.isWriteBlocked) }
        #expect(left > 0 && left < expected.count && isBlocked)
        var bytes: [UInt8] = []
        while bytes.count < expected.count { bytes += try fixture.peer.receive(upTo: 30_011) }
        #expect(bytes == expected)
        try fixture.events.next { $0 == .drained }
        let isFree = try fixture.run { $0.bufferedBytes == 0 && !$0.isWriteBlocked }
        #expect(isFree)
    }

    @Test("what is written while output is stuck keeps its place")
    func writesWhileStuck() throws {
        let fixture = try Fixture()
        var expected: [UInt8] = []
        for round in 0..<200 {
            let frame = pattern(60_000 + round, seed: round)
            expected += frame
            try fixture.run { $0.write(SharedBytes(frame)) }
        }
        #expect(try fixture.peer.receive(exactly: expected.count) == expected)
    }

    @Test("while output is stuck nothing more is read, afterwards all of it")
    func pausesReading() throws {
        let answer = SharedBytes(pattern(1 << 20))
        let fixture = try Fixture { connection, bytes in
            // Each request byte asks for a megabyte.
            for _ in bytes { connection.write(answer) }
        }
        try fixture.peer.send([UInt8](repeating: 1, count: 16))
        #expect(try fixture.received(16).count == 16)
        try fixture.test.turn()
        try fixture.peer.send([2, 2])
        try fixture.test.turn()
        #expect(!fixture.events.waiting.contains(.received([2, 2])))
        let first = try fixture.peer.receive(exactly: 16 << 20)
        #expect(first.count == 16 << 20)
        #expect(try fixture.received(2) == [2, 2])
        #expect(try fixture.peer.receive(exactly: 2 << 20).count == 2 << 20)
    }

    @Test("output that gets stuck by and by pauses reading as well")
    func pausesReadingLater() throws {
        let fixture = try Fixture()
        let frame = SharedBytes(pattern(64 << 10))
        var isBlocked = false
        while !isBlocked {
            isBlocked = try fixture.run { connection in
                connection.write(frame)
                return connection.isWriteBlocked
            }
        }
        for _ in 0..<8 { try fixture.run { $0.write(frame) } }
        try fixture.peer.send([3])
        try fixture.test.turn()
        #expect(!fixture.events.waiting.contains(.received([3])))
    }

    @Test("a handler may pause and resume reading")
    func pausedByHandler() throws {
        let fixture = try Fixture { connection, _ in connection.setReading(false) }
        try fixture.peer.send([1])
        #expect(try fixture.received(1) == [1])
        try fixture.peer.send([2])
        try fixture.test.turn()
        #expect(fixture.events.waiting.isEmpty)
        try fixture.run { $0.setReading(true) }
        #expect(try fixture.received(1) == [2])
    }

    @Test("a handler that has paused hears nothing but the end when the peer resets")
    func resetWhilePaused() throws {
        let fixture = try Fixture()
        try fixture.run { $0.setReading(false) }
        try fixture.peer.send([1, 2, 3])
        fixture.peer.reset()
        guard case .ended(.failed(let error)) = try fixture.events.next() else {
            Issue.record("bytes arrived at a handler that had paused")
            return
        }
        #expect(error.errno == ECONNRESET)
    }

    @Test("what is written before the start leaves, even if the kernel refuses some of it")
    func writesBeforeStart() throws {
        let test = try TestLoop()
        let peer = try Peer()
        let loop = test.loop
        let events = Inbox<ConnectionEvent>()
        let bytes = pattern(16 << 20)
        let bound = try test.run {
            let connection = Connection(
                Descriptor(adopting: peer.server),
                peer: .none,
                loop: loop
            )
            connection.write(SharedBytes(bytes))
            return LoopBound(connection, loop: loop)
        }
        try test.turn()
        try test.run { try bound.value.start(Recorder(events, bound.value)) }
        #expect(try peer.receive(exactly: bytes.count) == bytes)
    }

    @Test("a connection that failed before it was started refuses to start")
    func startAfterEnd() throws {
        let test = try TestLoop()
        let peer = try Peer()
        let loop = test.loop
        #expect(throws: SystemCallError(call: "start", errno: ENOTCONN)) {
            try test.run {
                let connection = Connection(
                    Descriptor(adopting: peer.server),
                    peer: .none,
                    loop: loop
                )
                connection.close()
                try connection.start(Recorder(Inbox(), connection))
            }
        }
    }

    @Test("a handler that writes whenever it can does not keep others waiting")
    func endlessWriter() throws {
        let frame = SharedBytes([1])
        let rounds = Counter()
        let ran = Inbox<Int>()
        let fixture = try Fixture(onDrained: { connection in
            // The peer reads nothing, but the kernel takes thousands of small frames.
            if rounds.increment() == 1 { connection.loop.post { ran.put(rounds.value) } }
            if rounds.value < 1_000 { connection.write(frame) }
        })
        try fixture.run { $0.write(frame) }
        #expect(try ran.next() < 100)
    }

    @Test("frames of handlers that write whenever they can are let go with each turn")
    func framesOfEndlessWriter() throws {
        let frame = SharedBytes([1])
        let rounds = Counter()
        let held = Inbox<Int>()
        let fixture = try Fixture(onDrained: { connection in
            if rounds.increment() == 1_000 { held.put(connection.loop.turnFrames.count) }
            if rounds.value < 1_000 { connection.write(frame) }
        })
        try fixture.run { $0.write(frame) }
        #expect(try held.next() < 100)
        // Each frame has arrived although turns ended while it was queued.
        #expect(try fixture.peer.receive(exactly: 1_000) == [UInt8](repeating: 1, count: 1_000))
    }

    @Test("another handler takes over from the next bytes on")
    func upgrade() throws {
        let fixture = try Fixture()
        let upgraded = Inbox<ConnectionEvent>()
        try fixture.peer.send([1])
        #expect(try fixture.received(1) == [1])
        try fixture.run { $0.setHandler(Recorder(upgraded, $0)) }
        try fixture.peer.send([2])
        #expect(try upgraded.next() == .received([2]))
    }
}
