import Redis
import SocketIO

/// How a server's connections to Redis are.
public struct RedisHealth: Sendable, Encodable {
    /// Whether events reach the other servers.
    public enum State: String, Sendable, Encodable {
        /// Both ways.
        case connected
        /// Not yet, for the first time.
        case connecting
        /// Not now; it is tried again and again.
        case disconnected
    }

    /// Whether events reach the other servers.
    public var state = State.connecting
    /// What is wrong, in one line.
    public var problem: String?
    /// Messages that were handed to Redis.
    public var published = 0
    /// Messages that fewer servers have heard than there were a moment before, in classic mode.
    ///
    /// Those of a namespace that only some servers have count too.
    public var missed = 0
    /// Messages that Redis has not taken: it was away for too long, too much waited, or it refused.
    public var dropped = 0
    /// Messages that were under way when the connection was lost: they may have arrived or not.
    public var uncertain = 0
    /// Messages that came from Redis.
    public var received = 0
    /// Messages that came from Redis and could not be understood.
    public var malformed = 0
    /// How often a connection was lost and made again.
    public var reconnects = 0

    /// No connection yet.
    public init() {}
}

extension RedisHealth {
    /// What is known of a connection.
    init(_ status: RedisStatus) {
        state = State(status.state)
        problem = state == .connected ? nil : status.lastError
        published = status.published
        missed = status.missedMessages
        dropped = status.droppedMessages + status.refusedMessages
        uncertain = status.uncertain
        reconnects = max(status.connections - 1, 0)
    }
}

extension RedisHealth.State: Comparable {
    /// From good to bad.
    private var rank: Int {
        switch self {
        case .connected: 0
        case .connecting: 1
        case .disconnected: 2
        }
    }

    init(_ state: RedisState) {
        switch state {
        case .ready: self = .connected
        case .connecting: self = .connecting
        case .reconnecting, .closed: self = .disconnected
        }
    }

    /// Whether `left` is the better one.
    public static func < (left: RedisHealth.State, right: RedisHealth.State) -> Bool {
        left.rank < right.rank
    }
}
