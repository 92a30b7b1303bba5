import Synchronization

/// Lets through one line of a kind every ten seconds, so that no client can flood a log.
final class LogThrottle: Sendable {
    private struct State {
        var next: ContinuousClock.Instant?
        var omitted = 0
    }

    private static let interval = Duration.seconds(10)

    private let state = Mutex(State())

    /// Calls `log` if a line is due, with words on those left out since the last one.
    func admit(at now: ContinuousClock.Instant, _ log: (_ omitted: String) -> Void) {
        let omitted: Int? = state.withLock { state in
            if let next = state.next, now < next {
                state.omitted += 1
                return nil
            }
            defer { state = State(next: now + Self.interval) }
            return state.omitted
        }
        guard let omitted else { return }
        log(omitted == 0 ? "" : " (and \(omitted) more since the last such line)")
    }
}
