/// How a client or a subscriber talks to Redis.
package struct RedisOptions: Sendable {
    /// Where Redis is, and who we are.
    package var address: RedisAddress
    /// How long a connection may take to come about, names, and then again the handshake.
    package var connectTimeout = Duration.seconds(5)
    /// After how long a silence Redis is asked whether it is there.
    ///
    /// A command that blocks (`XREAD BLOCK`) must end within this and `pingTimeout`.
    package var pingInterval = Duration.seconds(5)
    /// How long Redis may be silent after that question before the connection is taken for dead.
    package var pingTimeout = Duration.seconds(5)
    /// The longest pause before the first new attempt to connect; doubled for each further one.
    package var minBackoff = Duration.milliseconds(100)
    /// The longest pause between attempts; the pause itself where Redis refuses us.
    package var maxBackoff = Duration.seconds(3)
    /// How many bytes may wait for a connection, each command counted with 64 more.
    ///
    /// Messages that are held (`holdsMessagesAfterLoss`) count as well.
    package var maxQueuedBytes = 8 << 20
    /// How many bytes may wait on a connection that does not take them as fast as they come.
    ///
    /// One command or message is always taken when nothing waits, however large it is.
    package var maxUnsentBytes = 64 << 20
    /// How long commands wait for a connection.
    package var maxQueuedTime = Duration.seconds(10)
    /// Whether messages wait after a lost connection was made anew until `releaseMessages` is called.
    ///
    /// Whoever they are for has lost its connection too: sent at once they would reach nobody.
    package var holdsMessagesAfterLoss = false
    /// The largest reply, in bytes.
    package var maxReplyBytes = 64 << 20
    /// How long `close` waits for what is queued and under way.
    package var closeTimeout = Duration.seconds(2)
    /// The name that Redis shows in `CLIENT LIST`; without spaces.
    package var clientName: String?

    /// The defaults, for Redis at `address`.
    package init(address: RedisAddress) {
        self.address = address
    }
}
