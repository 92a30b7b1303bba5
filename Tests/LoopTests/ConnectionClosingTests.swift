import Bytes
import Glibc
import Testing

@testable import Loop

@Suite("Connection: its end")
struct ConnectionClosingTests {
    @Test("the peer's end is reported once", arguments: Peer.Kind.allCases)
    func peerCloses(kind: Peer.Kind) throws {
        let fixture = try Fixture(kind)
        try fixture.peer.send([1, 2])
        fixture.peer.endSending()
        #expect(try fixture.received(2) == [1, 2])
        #expect(try fixture.events.next() == .ended(.peerClosed))
        #expect(try fixture.peer.receiveToEnd().isEmpty)
        try fixture.test.turn()
        #expect(fixture.events.waiting.isEmpty)
    }

    @Test("a reset is reported with its cause")
    func peerResets() throws {
        let fixture = try Fixture()
        fixture.peer.reset()
        guard case .failed(let error)? = try fixture.end() else {
            Issue.record("not reported as a failure")
            return
        }
        #expect(error.errno == ECONNRESET)
    }

    @Test("a peer that has only ended its sending side still gets what was queued for it")
    func halfClosed() throws {
        let fixture = try Fixture()
        let count = try fixture.fillOutput()
        fixture.peer.endSending()
        try fixture.test.turn()
        #expect(try fixture.peer.receiveToEnd().count == count)
        #expect(try fixture.end() == .peerClosed)
    }

    @Test("closeWhenDrained delivers everything, then the end", arguments: Peer.Kind.allCases)
    func closeWhenDrained(kind: Peer.Kind) throws {
        let fixture = try Fixture(kind)
        let bytes = pattern(16 << 20)
        try fixture.run { connection in
            connection.write(SharedBytes(bytes))
            connection.closeWhenDrained()
            connection.write(SharedBytes([0]))
        }
        #expect(try fixture.peer.receiveToEnd() == bytes)
        #expect(fixture.events.waiting.isEmpty)
    }

    @Test("closeWhenDrained delivers everything to a peer that has ended its sending side")
    func closeWhenDrainedHalfClosed() throws {
        let fixture = try Fixture()
        let count = try fixture.fillOutput()
        try fixture.run { $0.closeWhenDrained() }
        fixture.peer.endSending()
        try fixture.test.turn()
        #expect(try fixture.peer.receiveToEnd().count == count)
    }

    @Test("RFC 9112 §9.6: a peer that still sends does not lose the response")
    func lingers() throws {
        let answer = pattern(100_000)
        let shared = SharedBytes(answer)
        let fixture = try Fixture { connection, _ in
            connection.write(shared)
            connection.closeWhenDrained()
        }
        try fixture.peer.send(pattern(2 << 20))
        #expect(try fixture.peer.receiveToEnd() == answer)
        fixture.peer.endSending()
        try fixture.test.waitUntil { try fixture.run { $0.isFullyClosed } }
    }

    @Test("a peer that sends for ever is cut off at the limit")
    func lingerLimit() throws {
        let fixture = try Fixture(
            patience: Patience(lingerTime: .seconds(10_000)),
            reaction: { connection, _ in connection.closeWhenDrained() }
        )
        let bytes = pattern(64 << 10)
        try fixture.test.waitUntil {
            // The kernel may take long to tell the peer of the end.
            fixture.peer.sendSome(bytes)
            return try fixture.run { $0.isFullyClosed }
        }
    }

    @Test("a peer that neither reads nor goes is given up")
    func drainTime() throws {
        let fixture = try Fixture(patience: Patience(drainTime: .milliseconds(50)))
        try fixture.run { connection in
            connection.write(SharedBytes(pattern(32 << 20)))
            connection.closeWhenDrained()
        }
        try fixture.test.waitUntil { try fixture.run { $0.isFullyClosed } }
    }

    @Test("a peer that neither ends nor sends is given up")
    func lingerTime() throws {
        let fixture = try Fixture(patience: Patience(lingerTime: .milliseconds(50)))
        try fixture.run { $0.closeWhenDrained() }
        #expect(try fixture.peer.receiveToEnd().isEmpty)
        try fixture.test.waitUntil { try fixture.run { $0.isFullyClosed } }
    }

    @Test("close inside the callback: nothing more is heard, the peer sees the end")
    func closeInside() throws {
        let fixture = try Fixture { connection, _ in
            connection.write(SharedBytes([9]))
            connection.close()
            connection.write(SharedBytes([9]))
            connection.closeWhenDrained()
            connection.setReading(true)
            connection.close()
        }
        try fixture.peer.send([1])
        #expect(try fixture.peer.receiveToEnd().isEmpty)
        #expect(try fixture.received(1) == [1])
        try fixture.test.turn()
        #expect(fixture.events.waiting.isEmpty)
    }

    @Test("a descriptor moves to another loop with its unread bytes")
    func detach() throws {
        let second = try TestLoop()
        let events = Inbox<ConnectionEvent>()
        let moved = Inbox<LoopBound<Connection>>()
        let loop = second.loop
        let fixture = try Fixture { connection, _ in
            guard let descriptor = connection.detach() else { return }
            // A noncopyable value cannot be captured; its number can.
            let number = dup(descriptor.number)
            loop.post {
                let connection = Connection(
                    Descriptor(adopting: number),
                    peer: .none,
                    loop: loop
                )
                try? connection.start(Recorder(events, connection))
                moved.put(LoopBound(connection, loop: loop))
            }
        }
        let bytes = pattern(3 << 20)
        try fixture.peer.send(bytes)
        guard case .received(var all) = try fixture.events.next() else { return }
        while all.count < bytes.count {
            guard case .received(let more) = try events.next() else { break }
            all += more
        }
        #expect(all == bytes)
        let connection = try moved.next()
        connection.run { $0.write(SharedBytes([7])) }
        #expect(try fixture.peer.receive(exactly: 1) == [7])
        #expect(try fixture.run { $0.isClosed })
        #expect(fixture.events.waiting.isEmpty)
    }

    @Test("nothing is detached while output is queued")
    func detachRefused() throws {
        let fixture = try Fixture()
        let isRefused = try fixture.run { connection in
            connection.write(SharedBytes([1]))
            let descriptor = connection.detach()
            return descriptor == nil
        }
        #expect(isRefused)
        #expect(try fixture.peer.receive(exactly: 1) == [1])
    }

    @Test("an event for a number that was closed and used again is dropped")
    func staleEvents() throws {
        let test = try TestLoop()
        let loop = test.loop
        let heard = Inbox<CInt>()
        let pairs = try (0..<2).map { _ in try Peer(.unix) }
        let late = try Peer(.unix)
        try test.run {
            /// Closes its sibling and gives the sibling's number to another descriptor.
            final class Closing: ReadyTarget {
                let number: CInt
                let heard: Inbox<CInt>
                let act: (Closing) -> Void
                var registration: Registration?
                init(_ number: CInt, _ heard: Inbox<CInt>, _ act: @escaping (Closing) -> Void) {
                    self.number = number
                    self.heard = heard
                    self.act = act
                }
                func ready(_ events: ReadyEvents) {
                    heard.put(number)
                    act(self)
                }
                func loopStopped() {}
            }
            var targets: [Closing] = []
            for pair in pairs {
                let target = Closing(pair.server, heard) { own in
                    for target in targets {
                        if let registration = target.registration {
                            loop.selector.deregister(registration)
                        }
                        target.registration = nil
                        guard target !== own else { continue }
                        _ = dup2(late.server, target.number)
                        let reused = Closing(target.number, heard) { _ in }
                        _ = try? loop.selector.register(target.number, .readable, reused)
                    }
                    targets = []
                }
                target.registration = try loop.selector.register(pair.server, .readable, target)
                targets.append(target)
            }
            // Both become ready before the loop waits again: one batch brings both.
            for pair in pairs { try pair.send([1]) }
        }
        try test.turn()
        #expect(heard.waiting.count == 1)
    }
}
