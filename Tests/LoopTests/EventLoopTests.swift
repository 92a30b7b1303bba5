import Glibc
import Synchronization
import Testing

@testable import Loop

@Suite("Event loop: posts and timers")
struct EventLoopTests {
    @Test("posts of one thread run in order, each on the loop")
    func order() throws {
        let test = try TestLoop()
        let ran = Inbox<(Int, Bool)>()
        for number in 0..<10_000 { test.loop.post { ran.put((number, test.loop.isOnLoop)) } }
        let all = try ran.next(10_000)
        #expect(all.map(\.0) == Array(0..<10_000))
        #expect(all.allSatisfy { $0.1 })
        #expect(!test.loop.isOnLoop)
    }

    @Test("posts of many threads all run, those of each in order")
    func manyThreads() throws {
        let test = try TestLoop()
        let ran = Inbox<(thread: Int, number: Int)>()
        for thread in 0..<8 {
            onNewThread {
                for number in 0..<2_000 { test.loop.post { ran.put((thread, number)) } }
            }
        }
        let all = try ran.next(16_000)
        for thread in 0..<8 {
            #expect(all.filter { $0.thread == thread }.map(\.number) == Array(0..<2_000))
        }
    }

    @Test("no post is slept over: each is made when the loop is about to wait")
    func wakeUps() throws {
        let test = try TestLoop()
        for number in 0..<20_000 {
            let answer = try test.run { number }
            #expect(answer == number)
        }
    }

    @Test("a post made on the loop runs later, `execute` at once")
    func postAndExecute() throws {
        let test = try TestLoop()
        let ran = Inbox<String>()
        test.loop.execute {
            test.loop.post { ran.put("posted") }
            test.loop.execute { ran.put("executed") }
            ran.put("end")
        }
        #expect(try ran.next(3) == ["executed", "end", "posted"])
    }

    @Test(
        "another thread's post runs before what comes on a connection after it, the loop's own after",
        arguments: [true, false]
    )
    func postsBeforeBytes(isForeign: Bool) throws {
        let test = try TestLoop()
        let loop = test.loop
        let ran = Inbox<String>()
        let (first, second) = (try Peer(), try Peer())
        let connections = try test.run {
            try [first, second].map { peer in
                let connection = Connection(
                    Descriptor(adopting: peer.server),
                    peer: .none,
                    loop: loop
                )
                let react: Recorder.Reaction = { _, bytes in
                    ran.put(String(decoding: bytes, as: UTF8.self))
                    guard peer === first else { return }
                    let post: @Sendable () -> Void = { loop.post { ran.put("posted") } }
                    if isForeign { onNewThread(isAwaited: true, post) } else { post() }
                    // As somebody does who knows of it.
                    try? second.send(Array("after".utf8))
                }
                try connection.start(Recorder(Inbox(), connection, reaction: react))
                return LoopBound(connection, loop: loop)
            }
        }
        // Both are there when the loop looks, in this order.
        try test.run {
            try first.send(Array("first".utf8))
            try second.send(Array("before and ".utf8))
        }
        let others = ["posted", "before and after"]
        #expect(try ran.next(3) == ["first"] + (isForeign ? others : others.reversed()))
        for connection in connections { connection.run { $0.close() } }
    }

    @Test("timers fire in the order of their times, none early")
    func timers() throws {
        let test = try TestLoop()
        let fired = Inbox<(number: Int, at: UInt64)>()
        let delays = [90, 30, 0, 150, 60, 120]
        let loop = test.loop
        // When each was due, between these two: this thread may be held up anywhere.
        let due = try test.run {
            delays.enumerated().map { number, delay in
                let (delay, begun) = (Duration.milliseconds(delay), monotonicNanoseconds())
                LoopTimer(on: loop).start(after: delay) {
                    fired.put((number, monotonicNanoseconds()))
                }
                let time = delay.clampedNanoseconds
                return (first: begun + time, last: monotonicNanoseconds() + time)
            }
        }
        let all = try fired.next(delays.count)
        #expect(all.allSatisfy { $0.at >= due[$0.number].first })
        for (one, next) in zip(all, all.dropFirst()) {
            #expect(due[one.number].first <= due[next.number].last + TimerWheel.nanosecondsPerTick)
        }
    }

    @Test("absurd delays neither trap nor fire")
    func absurdDelays() throws {
        let test = try TestLoop()
        let fired = Inbox<Int>()
        let longest = Duration(secondsComponent: .max, attosecondsComponent: 0)
        for delay in [longest, .seconds(200_000), .seconds(20_000_000_000)] {
            LoopTimer(on: test.loop).start(after: delay) { fired.put(1) }
        }
        let shortest = Duration(secondsComponent: .min, attosecondsComponent: 0)
        for delay in [shortest, .milliseconds(-1), .zero] {
            LoopTimer(on: test.loop).start(after: delay) { fired.put(2) }
        }
        #expect(try fired.next(3) == [2, 2, 2])
    }

    @Test("a cancelled timer stays silent")
    func cancelled() throws {
        let test = try TestLoop()
        let fired = Inbox<String>()
        let timers = (0..<4).map { _ in LoopTimer(on: test.loop) }
        // In one turn: none fires in between.
        try test.run {
            timers[0].start(after: .milliseconds(20)) { fired.put("cancelled") }
            timers[1].start(after: .milliseconds(60)) { fired.put("kept") }
            timers[0].cancel()
        }
        #expect(try fired.next() == "kept")
    }

    @Test("one timer can cancel another of the same tick")
    func cancelledBySibling() throws {
        let test = try TestLoop()
        let fired = Inbox<Int>()
        let loop = test.loop
        try test.run {
            /// Cancels the other when it fires.
            final class Rival: TimerTarget {
                let loop: EventLoop
                let fired: Inbox<Int>
                var token = TimerToken.none
                weak var other: Rival?
                init(_ loop: EventLoop, _ fired: Inbox<Int>) {
                    self.loop = loop
                    self.fired = fired
                }
                func timerFired(_ tag: UInt8) {
                    if let other { loop.cancel(&other.token) }
                    fired.put(1)
                }
            }
            let rivals = [Rival(loop, fired), Rival(loop, fired)]
            rivals[0].other = rivals[1]
            rivals[1].other = rivals[0]
            // A delay of zero puts both on the next tick, unless one begins in between.
            for rival in rivals { rival.token = loop.schedule(rival, after: .zero) }
            LoopTimer(on: loop).start(after: .milliseconds(30)) { fired.put(2) }
        }
        #expect(try fired.next(2) == [1, 2])
    }

    @Test("a timer started again forgets its earlier start")
    func restarted() throws {
        let test = try TestLoop()
        let fired = Inbox<UInt64>()
        let timer = LoopTimer(on: test.loop)
        let start = monotonicNanoseconds()
        // In one turn: it does not fire in between.
        try test.run {
            timer.start(after: .milliseconds(10)) { fired.put(0) }
            timer.start(after: .milliseconds(80)) { fired.put(monotonicNanoseconds() - start) }
        }
        #expect(try fired.next() >= 80_000_000)
    }

    @Test("stop runs what is queued, and the thread ends")
    func stop() throws {
        let test = try TestLoop()
        let ran = Inbox<Int>()
        test.loop.post {
            test.loop.stop()
            test.loop.post {
                ran.put(1)
                test.loop.post { ran.put(2) }
            }
        }
        #expect(try ran.next(2) == [1, 2])
    }

    @Test("stop ends a loop whose jobs post themselves again for ever")
    func stopBusy() throws {
        let loop = try EventLoop(index: 0)
        let ended = Inbox<Bool>()
        let isOver = Atomic<Bool>(false)
        @Sendable func again() {
            if !isOver.load(ordering: .relaxed) { loop.post { again() } }
        }
        loop.post {
            again()
            loop.stop()
        }
        onNewThread {
            loop.run()
            ended.put(true)
        }
        #expect(try ended.next())
        isOver.store(true, ordering: .relaxed)
    }

    @Test("what is posted after the end still runs, in order, where it counts as on the loop")
    func postAfterEnd() throws {
        let test = try TestLoop()
        let ran = Inbox<Int>()
        test.loop.post { test.loop.stop() }
        for turn in 0..<1_000 {
            test.loop.post {
                if test.loop.isOnLoop { ran.put(turn) }
            }
        }
        #expect(try ran.next(1_000) == Array(0..<1_000))
    }

    @Test("a stopped loop holds neither timers nor connections")
    func stopReleases() throws {
        /// Tells when it goes.
        final class Leaving: ConnectionHandler, TimerTarget {
            let gone: Inbox<Bool>
            init(_ gone: Inbox<Bool>) { self.gone = gone }
            deinit { gone.put(true) }
            func received(_ bytes: inout MutableRawSpan) {}
            func drained() {}
            func ended(_ end: ConnectionEnd) {}
            func timerFired(_ tag: UInt8) {}
        }
        let gone = Inbox<Bool>()
        let peer = try Peer()
        let test = try TestLoop()
        let loop = test.loop
        try test.run {
            let connection = Connection(
                Descriptor(adopting: peer.server),
                peer: .none,
                loop: loop
            )
            try connection.start(Leaving(gone))
            _ = loop.schedule(Leaving(gone), after: .seconds(1_000))
        }
        test.group.stop()
        #expect(try gone.next(2) == [true, true])
        #expect(try peer.receiveToEnd().isEmpty)
    }

    @Test("loop-owned state runs where it belongs")
    func loopBound() throws {
        final class Total { var value = 0 }
        let test = try TestLoop()
        let total = try test.run { LoopBound(Total(), loop: test.loop) }
        for _ in 0..<100 { total.run { $0.value += 1 } }
        #expect(try test.run { total.value.value } == 100)
    }

    @Test("the group knows which of its loops it runs on")
    func group() throws {
        let group = try LoopGroup(count: 3)
        let found = Inbox<[Int?]>()
        for loop in group.loops { loop.post { found.put([loop.index, group.current?.index]) } }
        for pair in try found.next(3) { #expect(pair[0] == pair[1]) }
        #expect(group.current == nil)
        #expect(LoopGroup.availableCores >= 1)
        group.stop()
    }
}
