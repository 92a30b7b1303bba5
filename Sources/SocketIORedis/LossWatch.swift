import Redis
import SocketIO
import Synchronization

/// Notices that messages are lost while it happens, for the log and for the app.
final class LossWatch: Sendable {
    private struct State {
        var seen = 0
        /// Counts since the last loss.
        var quietCounts = Int.max
    }

    private let state = Mutex(State())
    private let log: @Sendable (LogLevel, String) -> Void

    /// How many counts without a loss make an end of it: about ten seconds.
    private static let quiet = 10

    init(_ log: @escaping @Sendable (LogLevel, String) -> Void) {
        self.log = log
    }

    /// Compares the counters with those of the last time; about once a second.
    func look(at status: RedisStatus) {
        let lost = status.droppedMessages + status.refusedMessages
        let isNew = state.withLock { state in
            let grows = lost > state.seen
            let begins = grows && state.quietCounts >= Self.quiet
            state.seen = lost
            state.quietCounts = grows ? 0 : min(state.quietCounts, Int.max - 1) + 1
            return begins
        }
        guard isNew else { return }
        log(
            .error,
            "redis: messages to other servers are lost: \(status.droppedMessages) dropped and "
                + "\(status.refusedMessages) refused so far; \(status.lastError ?? "no error")"
        )
    }

    /// Whether messages were lost a moment ago.
    var isLosing: Bool { state.withLock { $0.quietCounts < Self.quiet } }
}
