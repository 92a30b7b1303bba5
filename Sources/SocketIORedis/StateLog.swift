import Redis
import SocketIO
import Synchronization

/// Tells the server's log of a connection's changes, each once.
final class StateLog: Sendable {
    private let connection: String
    private let log: @Sendable (LogLevel, String) -> Void
    private let lastProblem = Mutex<String?>(nil)

    /// A log of `connection`, such as `commands to redis://host`.
    init(_ connection: String, _ log: @escaping @Sendable (LogLevel, String) -> Void) {
        self.connection = connection
        self.log = log
    }

    /// One line, unless the same was said last.
    func changed(_ state: RedisState) {
        switch state {
        case .connecting, .closed:
            break
        case .ready:
            lastProblem.withLock { $0 = nil }
            log(.info, "redis: \(connection): connected")
        case .reconnecting(let fault):
            // Numbers in it, such as a slot's, may be others each time it is tried.
            let problem = "\(fault)".filter { !$0.isNumber }
            let isNew = lastProblem.withLock { last in
                defer { last = problem }
                return last != problem
            }
            guard isNew else { return }
            log(
                .error,
                "redis: \(connection): not connected, trying again; "
                    + "events do not reach other servers: \(fault)"
            )
        }
    }
}
