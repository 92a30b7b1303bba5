import MessagePack
import Redis

/// How an adapter uses Redis; the defaults are those of Node's `@socket.io/redis-adapter`.
public struct RedisAdapterOptions: Sendable {
    /// Which of Node's protocols the servers speak; all servers of a cluster need the same.
    public enum Mode: Sendable, Equatable {
        /// `createAdapter`: ordinary pub/sub, any Redis (redis-wire.md §1).
        case classic
        /// `createShardedAdapter`: sharded pub/sub, Redis 7 or later (redis-wire.md §2).
        case sharded(SubscriptionMode)
    }

    /// Which rooms have a channel of their own in sharded mode.
    public enum SubscriptionMode: String, Sendable, CaseIterable {
        /// None: every server receives every broadcast.
        case `static`
        /// All but those named by a socket's id.
        case dynamic
        /// All, for clusters that send most of their events to single sockets.
        case dynamicPrivate = "dynamic-private"
    }

    /// Which protocol the servers speak.
    public var mode = Mode.classic
    /// What the names of all channels begin with: `key`, or `channelPrefix` in sharded mode.
    public var prefix = "socket.io"
    /// How long other servers may take to answer.
    public var requestsTimeout = Duration.seconds(5)
    /// Whether answers go to the asking server alone; only in classic mode, else they always do.
    public var publishesOnSpecificResponseChannel = false
    /// How deep the JSON and MessagePack of other servers may nest.
    public var maxDepth = 512
    /// The most binary values of one message of another server.
    public var maxAttachments = 1024
    /// How long a server waits for Redis before it opens its port without.
    public var startTimeout = Duration.seconds(5)
    /// How often Redis is asked whether it is there, when nothing else is heard of it.
    public var pingInterval = Duration.seconds(5)
    /// How long Redis may take to answer that before its connection counts as lost.
    public var pingTimeout = Duration.seconds(5)
    /// How many bytes of messages are kept while there is no connection; then they are dropped.
    public var maxQueuedBytes = 8 << 20
    /// How long messages are kept while there is no connection; then they are dropped.
    public var maxQueuedTime = Duration.seconds(10)

    /// The defaults.
    public init() {}

    /// The defaults, in another mode.
    public init(mode: Mode) {
        self.mode = mode
    }
}

extension RedisAdapterOptions {
    /// What is accepted of other servers.
    var limits: MessagePackLimits {
        MessagePackLimits(maxDepth: maxDepth, maxAttachments: maxAttachments)
    }

    /// The options of a connection that Redis knows as `name`.
    func redis(_ address: RedisAddress, name: String) -> RedisOptions {
        var options = RedisOptions(address: address)
        options.pingInterval = pingInterval
        options.pingTimeout = pingTimeout
        options.maxQueuedBytes = maxQueuedBytes
        options.maxQueuedTime = maxQueuedTime
        options.clientName = name
        return options
    }
}
