import EngineIO
import Loop

/// The drain of one loop's clients, slice by slice; owned by that loop.
final class LoopDrain: TimerTarget {
    private let local: LoopBound<LocalClients>
    private let length: UInt64
    private let log: @Sendable (LogLevel, String) -> Void
    private var schedule = DrainSchedule(start: 0, length: 0)
    /// Those that have not been closed, the next ones last.
    private var waiting: [Client] = []
    private var timer = TimerToken.none
    private var onEnd: (@Sendable () -> Void)?
    private var isEnded = false

    /// A drain of `local`, of that loop, that takes so long.
    init(
        _ local: LoopBound<LocalClients>,
        over time: Duration,
        _ log: @escaping @Sendable (LogLevel, String) -> Void
    ) {
        self.local = local
        length = time.clampedNanoseconds
        self.log = log
    }

    /// Begins; `onEnd` is called when nobody is left, or the time is over.
    func start(onEnd: @escaping @Sendable () -> Void) {
        guard !isEnded else {
            onEnd()
            return
        }
        self.onEnd = onEnd
        waiting = local.value.clients.values.shuffled()
        schedule = DrainSchedule(start: monotonicNanoseconds(), length: length)
        rest()
    }

    /// Ends it now, or before it begins; those that are left are not closed.
    func end() {
        isEnded = true
        local.loop.cancel(&timer)
        waiting = []
        let onEnd = onEnd
        self.onEnd = nil
        onEnd?()
    }

    func timerFired(_ tag: UInt8) {
        timer = .none
        // Some go by themselves.
        waiting.removeAll { !$0.session.isOpen }
        let now = monotonicNanoseconds()
        let count = schedule.share(of: waiting.count, at: now)
        for _ in 0..<count { waiting.popLast()?.drain() }
        log(.debug, "draining: \(count) clients closed, \(waiting.count) wait")
        if schedule.isOver(at: now) { end() } else { rest() }
    }

    /// Waits for the next slice, unless nobody is left: polling clients take a moment to hear it.
    private func rest() {
        guard !local.value.clients.isEmpty else {
            end()
            return
        }
        let pause = schedule.pause(at: monotonicNanoseconds())
        timer = local.loop.schedule(self, after: .nanoseconds(pause))
    }
}
