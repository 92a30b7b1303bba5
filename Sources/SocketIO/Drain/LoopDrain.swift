import EngineIO
import Loop

/// The drain of one loop's clients, slice by slice; owned by that loop.
final class LoopDrain: TimerTarget {
    /// How long clients are waited for that have all been told, but have not polled to hear it.
    ///
    /// Theirs poll again at once, so they are a round trip away, or gone.
    private static let patience: UInt64 = 2_000_000_000

    private let local: LoopBound<LocalClients>
    private let length: UInt64
    private let loops: Int
    private let log: @Sendable (LogLevel, String) -> Void
    private var schedule = DrainSchedule(start: 0, length: 0, count: 0)
    /// Those that have not been closed, the next ones last.
    private var waiting: [Client] = []
    private var haveAllBeenTold = false
    private var timer = TimerToken.none
    private var onEnd: (@Sendable () -> Void)?
    private var isEnded = false

    /// A drain of `local`, of that loop, one of so many, that takes so long.
    init(
        _ local: LoopBound<LocalClients>,
        over time: Duration,
        loops: Int,
        _ log: @escaping @Sendable (LogLevel, String) -> Void
    ) {
        self.local = local
        self.loops = loops
        length = time.clampedNanoseconds
        self.log = log
    }

    /// Begins; `onEnd` is called when nobody is left, or the time is over.
    func start(onEnd: @escaping @Sendable () -> Void) {
        guard !isEnded, !local.value.clients.isEmpty else {
            onEnd()
            return
        }
        self.onEnd = onEnd
        waiting = local.value.clients.values.shuffled()
        let now = monotonicNanoseconds()
        schedule = DrainSchedule(
            start: now,
            length: length,
            count: waiting.count,
            loop: local.loop.index,
            of: loops
        )
        local.value.onEmpty = { [weak self] in self?.end() }
        rest(for: schedule.pause(at: now))
    }

    /// Ends it now, or before it begins; those that are left are not closed.
    func end() {
        isEnded = true
        local.value.onEmpty = nil
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
        guard !haveAllBeenTold else {
            let count = local.value.clients.count
            log(.debug, "draining: \(count) clients have not polled since, and are gone")
            end()
            return
        }
        let count = schedule.share(of: waiting.count, at: now)
        // The last that goes ends the drain.
        for _ in 0..<count { waiting.popLast()?.drain() }
        log(.debug, "draining: \(count) clients closed, \(waiting.count) wait")
        guard !isEnded else { return }
        if schedule.isOver(at: now) {
            end()
        } else if waiting.isEmpty {
            // Those that are left are to hear it with their next poll.
            haveAllBeenTold = true
            rest(for: min(Self.patience, schedule.timeLeft(at: now)))
        } else {
            rest(for: schedule.pause(at: now))
        }
    }

    private func rest(for pause: UInt64) {
        timer = local.loop.schedule(self, after: .nanoseconds(pause))
    }
}
