/// The Redis that connects the replicas of a chat, and how it is used.
package struct RedisChoice: Equatable, Sendable {
    /// How broadcasts travel through Redis.
    package enum Kind: String, Sendable {
        /// By `PUBLISH`, as `@socket.io/redis-adapter` does by default.
        case pubSub = "pubsub"
        /// By `SPUBLISH`, for Redis Cluster and for large clusters.
        case sharded
    }

    /// Where it is; unchecked, and to be kept out of logs for the password it may hold.
    package let url: String
    /// What the names of all channels begin with.
    package var prefix = "socket.io"
    /// How broadcasts travel.
    package var kind = Kind.pubSub

    /// The Redis at `url`, used in the usual way.
    package init(url: String) {
        self.url = url
    }
}
