package import Bytes
import CLinux
import Glibc
import Synchronization

/// What waits for something on a loop and must not do so for ever.
package protocol LoopEndTarget: AnyObject {
    /// The loop has stopped: no timer fires and no descriptor gets ready any more.
    ///
    /// Called on the loop, once.
    func loopEnded()
}

/// One thread's event loop: its epoll, its timers, its connections, and the executor of the tasks
/// that run on it.
///
/// A turn runs posted jobs, fires timers, writes what connections have queued, waits, and
/// dispatches. Between two descriptors it runs what has been posted meanwhile: a peer may know
/// already what another loop has posted here, and its bytes must not come before that. Everything but `post`, `isOnLoop` and the executor's entry points belongs to the
/// loop's thread; that is why the class may claim `@unchecked Sendable`.
package final class EventLoop: @unchecked Sendable {
    private enum Job {
        case call(@Sendable () -> Void)
        case serial(UnownedJob)
        case task(UnownedJob)
    }

    private struct Mailbox {
        var jobs: [Job] = []
        /// Whether the thread waits in epoll, so that a poster has to wake it.
        var isWaiting = false
        var life = Life.running
    }

    private enum Life {
        case running
        /// `run` has returned.
        case ended
        /// As `ended`, while a borrowed thread runs what was posted since.
        case draining
    }

    /// Whom a poster has to bring to the jobs.
    private enum Wake {
        case nobody
        case thread
        case borrowedThread
    }

    /// The loop's place in its group, from 0.
    package let index: Int

    private let mailbox = Mutex(Mailbox())
    /// Whether the mailbox may hold jobs of other threads; set and cleared under its lock.
    ///
    /// The loop's own wait for the end of dispatching: whoever puts work off must not get a share
    /// of the time after each other descriptor, and nothing that the loop writes leaves before.
    private let hasForeignJobs = Atomic<Bool>(false)
    private let thread = Atomic<UInt>(0)
    private let wakeUp: Descriptor

    // Owned by the loop's thread.
    var selector: Selector
    private var timers: TimerWheel
    private var dirty: [Connection] = []
    private var flushing: [Connection] = []
    /// What this turn writes; connections hold tickets for it.
    var turnFrames = TurnFrames()
    private var spareArrays: [[UInt32]] = []
    var connectionCount = 0
    private var running: [Job] = []
    private var isStopping = false
    private var endTargets: [ObjectIdentifier: any LoopEndTarget] = [:]
    private var executor: LoopTaskExecutor!
    private var isolation: LoopActor!

    /// Where every connection of the loop reads into; used up before the next read.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)
    /// Scratch for one gathering write.
    let vectors = UnsafeMutableBufferPointer<iovec>.allocate(capacity: 256)

    /// Time at the start of this turn, in nanoseconds; on the loop.
    private var now: UInt64

    /// How many emptied ticket arrays wait to be used again.
    private static let spareLimit = 1024
    /// How many rounds of posted jobs run before the loop looks at its descriptors again.
    private static let jobRounds = 16
    /// How often connections that write whenever they are drained do so before others are looked at.
    private static let flushRounds = 16
    /// How many rounds of posted jobs run after `stop`; they may post others for ever.
    private static let lastRounds = 1_000

    /// Makes a loop that does nothing until `run` is called on its thread.
    package init(index: Int) throws(SystemCallError) {
        self.index = index
        wakeUp = Descriptor(
            adopting: try SystemCall.run("eventfd") {
                eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
            }
        )
        selector = try Selector()
        now = monotonicNanoseconds()
        timers = TimerWheel(currentTick: now / TimerWheel.nanosecondsPerTick)
        executor = LoopTaskExecutor(loop: self)
        isolation = LoopActor(loop: self)
        _ = try selector.register(wakeUp.number, .readable, WakeUp(descriptor: wakeUp.number))
    }

    deinit {
        readBuffer.deallocate()
        vectors.deallocate()
    }

    /// Whether the caller runs on this loop's thread.
    package var isOnLoop: Bool {
        thread.load(ordering: .relaxed) == UInt(pthread_self())
    }

    /// Where tasks must prefer to run so that they stay on this loop.
    package var taskExecutor: any TaskExecutor { executor }

    /// Runs `body` on the loop: in order with other posts of the same thread, never at once.
    ///
    /// After the loop has stopped, `body` still runs, on a borrowed thread that counts as the
    /// loop's, so that nobody waits for an answer for ever; there is no IO and no timer any more.
    package func post(_ body: @escaping @Sendable () -> Void) {
        enqueue(.call(body))
    }

    /// Runs `body` now if the caller is on the loop, else posts it.
    package func execute(_ body: @escaping @Sendable () -> Void) {
        if isOnLoop { body() } else { post(body) }
    }

    /// Starts `body` as a task on the loop; runs its first part, up to where it suspends, now.
    ///
    /// To be called on the loop. The task's preference and isolation match the loop's own, so it
    /// stays on the loop and hops cost nothing (style.md C1).
    package func startTask(_ body: nonisolated(nonsending) @escaping @Sendable () async -> Void) {
        isolation.assumeIsolated { actor in
            actor.start(body, on: executor)
        }
    }

    /// How many accepted connections are not closed, lingering ones included; on the loop.
    package var openConnections: Int { connectionCount }

    /// Ends `run` after the current turn and closes what is still open on the loop.
    ///
    /// On the loop.
    package func stop() {
        isStopping = true
    }

    /// Whether the loop takes part in no IO any more; on the loop.
    package var hasEnded: Bool { isStopping }

    /// Keeps `target` until it is forgotten, or tells it that the loop has stopped; on the loop.
    ///
    /// - Precondition: The loop has not ended.
    package func tellEnd(to target: any LoopEndTarget) {
        endTargets[ObjectIdentifier(target)] = target
    }

    /// Lets go of a target; on the loop.
    package func forget(_ target: any LoopEndTarget) {
        endTargets[ObjectIdentifier(target)] = nil
    }

    private func enqueue(_ job: Job) {
        let isForeign = !isOnLoop
        let wake: Wake = mailbox.withLock { mailbox in
            mailbox.jobs.append(job)
            if isForeign { hasForeignJobs.store(true, ordering: .releasing) }
            switch mailbox.life {
            case .running:
                defer { mailbox.isWaiting = false }
                return mailbox.isWaiting ? .thread : .nobody
            case .ended:
                mailbox.life = .draining
                return .borrowedThread
            case .draining:
                return .nobody
            }
        }
        switch wake {
        case .nobody:
            break
        case .thread:
            var one: UInt64 = 1
            _ = write(wakeUp.number, &one, 8)
        case .borrowedThread:
            borrowThread()
        }
    }

    /// Takes the calling thread as the loop's and runs until `stop`.
    package func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        while !isStopping {
            var rounds = 0
            while rounds < Self.jobRounds, runJobs() { rounds += 1 }
            fireTimers()
            flush()
            let mayWait = mailbox.withLock { mailbox in
                mailbox.isWaiting = mailbox.jobs.isEmpty && dirty.isEmpty && !isStopping
                return mailbox.isWaiting
            }
            let count = selector.wait(milliseconds: mayWait ? timeout : 0)
            if mayWait { mailbox.withLock { $0.isWaiting = false } }
            now = monotonicNanoseconds()
            for index in 0..<count {
                if hasForeignJobs.load(ordering: .acquiring) { _ = runJobs() }
                if let (target, events) = selector.target(at: index) { target.ready(events) }
            }
        }
        runLast()
    }

    /// Runs what is queued, so that nobody waits for it for ever, and lets go of everything.
    private func runLast() {
        var rounds = 0
        while rounds < Self.lastRounds, runJobs() { rounds += 1 }
        flush()
        var ended: [ObjectIdentifier: any LoopEndTarget] = [:]
        swap(&ended, &endTargets)
        for target in ended.values { target.loopEnded() }
        // Connections and timers refer to the loop, which refers to them.
        for target in selector.targets { target.loopStopped() }
        selector.removeAll()
        var left = TimerWheel(currentTick: timers.currentTick)
        swap(&left, &timers)
        end()
    }

    /// Runs what was posted after the end, on a thread that counts as the loop's meanwhile.
    private func drain() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        var rounds = 0
        while rounds < Self.jobRounds, runJobs() { rounds += 1 }
        flush()
        end()
    }

    /// Leaves the thread; jobs that are left, or come later, run on a borrowed one.
    private func end() {
        let mustDrain = mailbox.withLock { mailbox in
            // Before the next borrower can take its place.
            thread.store(0, ordering: .relaxed)
            mailbox.life = mailbox.jobs.isEmpty ? .ended : .draining
            return !mailbox.jobs.isEmpty
        }
        if mustDrain { borrowThread() }
    }

    private func borrowThread() {
        Task.detached { self.drain() }
    }

    /// How long `wait` may block: until the next timer, or for ever (-1).
    private var timeout: CInt {
        guard let tick = timers.nextTick else { return -1 }
        let due = tick * TimerWheel.nanosecondsPerTick
        let time = monotonicNanoseconds()
        guard due > time else { return 0 }
        return CInt(min((due - time + 999_999) / 1_000_000, 3_600_000))
    }

    private func fireTimers() {
        let tick = now / TimerWheel.nanosecondsPerTick
        while let (target, tag) = timers.takeExpired(upTo: tick) { target.timerFired(tag) }
    }

    /// Writes what connections have queued in this turn; what that queues in turn as well.
    private func flush() {
        var rounds = 0
        while rounds < Self.flushRounds, !dirty.isEmpty {
            rounds += 1
            swap(&dirty, &flushing)
            for connection in flushing { connection.flush() }
            flushing.removeAll(keepingCapacity: true)
        }
        // What is still dirty after so many rounds goes on in the next turn, without tickets.
        for connection in dirty { connection.keepTickets() }
        turnFrames.removeAll()
    }

    /// Runs one batch of posted jobs; false if there was none.
    private func runJobs() -> Bool {
        mailbox.withLock { mailbox in
            swap(&mailbox.jobs, &running)
            hasForeignJobs.store(false, ordering: .relaxed)
        }
        guard !running.isEmpty else { return false }
        for job in running {
            switch job {
            case .call(let body):
                body()
            case .serial(let job):
                job.runSynchronously(
                    isolatedTo: asUnownedSerialExecutor(),
                    taskExecutor: executor.asUnownedTaskExecutor()
                )
            case .task(let job):
                job.runSynchronously(on: executor.asUnownedTaskExecutor())
            }
        }
        running.removeAll(keepingCapacity: running.count <= 4096)
        return true
    }
}

extension EventLoop {
    /// Monotonic time at the start of this turn, in nanoseconds; on the loop.
    package var turnTime: UInt64 { now }

    /// Arms a timer; `target` is kept until it fires or is cancelled.
    ///
    /// Fires up to one 10 ms tick late, never early. On the loop.
    package func schedule(
        _ target: any TimerTarget,
        tag: UInt8 = 0,
        after delay: Duration
    ) -> TimerToken {
        let due = monotonicNanoseconds() + delay.clampedNanoseconds
        let tick = (due + TimerWheel.nanosecondsPerTick - 1) / TimerWheel.nanosecondsPerTick
        return timers.schedule(target, tag: tag, at: tick)
    }

    /// Disarms a timer; does nothing if it has fired.
    ///
    /// On the loop.
    package func cancel(_ token: inout TimerToken) {
        // Let go of only when the wheel is left: the end of a target may cancel timers of its own.
        let target = timers.cancel(token)
        token = .none
        withExtendedLifetime(target) {}
    }

    /// Has `connection` flushed at the end of this turn.
    func markDirty(_ connection: Connection) {
        dirty.append(connection)
    }

    /// Holds `bytes` until the end of this turn, to be written to any number of connections.
    ///
    /// On the loop.
    package func enlist(_ bytes: SharedBytes) -> FrameTicket {
        turnFrames.add(bytes)
    }

    /// The frame that stands for `ticket`'s with receivers of one `kind`, such as those that have
    /// agreed upon the same compression.
    ///
    /// `make` is called for the first of them in a turn; nil means the frame as it is. On the loop.
    package func variant(
        of ticket: FrameTicket,
        kind: UInt8,
        _ make: () -> SharedBytes?
    ) -> FrameTicket {
        if let known = turnFrames.variant(of: ticket, kind: kind) { return known }
        let made = make().map { turnFrames.add($0) } ?? ticket
        turnFrames.setVariant(made, of: ticket, kind: kind)
        return made
    }

    /// An empty array for a connection's queue, its memory used again if possible.
    func takeSpareArray() -> [UInt32] {
        spareArrays.popLast() ?? []
    }

    /// Takes an emptied queue's memory back.
    func giveBack(_ array: consuming [UInt32]) {
        guard array.capacity > 0, array.capacity <= 256 else { return }
        if spareArrays.count < Self.spareLimit { spareArrays.append(array) }
    }
}

/// Empties the eventfd that wakes a loop.
private final class WakeUp: ReadyTarget {
    private let descriptor: CInt

    init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    func ready(_ events: ReadyEvents) {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}

extension EventLoop: SerialExecutor {
    package func enqueue(_ job: consuming ExecutorJob) {
        enqueue(.serial(UnownedJob(job)))
    }

    package func checkIsolated() {
        precondition(isOnLoop, "this code must run on its event loop")
    }

    package func isIsolatingCurrentContext() -> Bool? { isOnLoop }

    func enqueueTaskJob(_ job: UnownedJob) {
        enqueue(.task(job))
    }
}
