import Loop

/// Tells from what is heard, and when, whether the other side is still there.
///
/// Reads no clock: times come in, in nanoseconds.
struct Liveness {
    /// What the owner must do now.
    enum Verdict: Equatable {
        /// Nothing for so many nanoseconds.
        case wait(UInt64)
        /// Send a PING and look again after so many nanoseconds.
        case ping(UInt64)
        /// Give the connection up.
        case dead
    }

    private enum State {
        case hearing
        /// A PING was sent when so much output was stuck; that is under way if it gets less.
        case asked(at: UInt64, stuck: Int)
    }

    private let interval: UInt64
    private let timeout: UInt64
    private var state = State.hearing
    private var lastHeard: UInt64

    init(interval: Duration, timeout: Duration, now: UInt64) {
        self.interval = interval.clampedNanoseconds
        self.timeout = timeout.clampedNanoseconds
        lastHeard = now
    }

    /// Something has come.
    mutating func heard(now: UInt64) {
        lastHeard = now
        state = .hearing
    }

    /// The verdict for now; `stuck` bytes of output have not been taken by the system.
    mutating func check(now: UInt64, stuck: Int) -> Verdict {
        switch state {
        case .hearing:
            let silence = now &- lastHeard
            guard silence >= interval else { return .wait(interval - silence) }
            state = .asked(at: now, stuck: stuck)
            return .ping(min(timeout, interval))
        case .asked(let time, let before):
            let silence = now &- time
            // Looks again no later than the next question would be due, had the answer come.
            guard silence >= timeout else { return .wait(min(timeout - silence, interval)) }
            guard stuck < before else { return .dead }
            state = .asked(at: now, stuck: stuck)
            return .wait(timeout)
        }
    }
}
