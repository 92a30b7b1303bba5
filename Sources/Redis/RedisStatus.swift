/// Where a client or a subscriber stands.
package enum RedisState: Equatable, Sendable {
    /// The first connection is coming about.
    case connecting
    /// Commands flow; a subscriber has every subscription confirmed.
    case ready
    /// There is no connection (or a subscription is refused), and why; it is tried again.
    case reconnecting(RedisFault)
    /// Nothing happens any more.
    case closed
}

/// What a client or a subscriber has done so far.
package struct RedisStatus: Equatable, Sendable {
    package var state: RedisState
    /// Since when it is in that state.
    package var since: ContinuousClock.Instant
    /// The last fault or error line, which may be long gone.
    package var lastError: String?
    /// How many connections have been made, the first one included.
    ///
    /// Of a cluster: one for all first connections, and each that was lost and made again.
    package var connections = 0
    /// Messages that Redis has taken.
    package var published = 0
    /// Among these, messages that fewer connections have heard than `expectReceivers` says.
    package var missedMessages = 0
    /// Messages that Redis has answered with an error.
    package var refusedMessages = 0
    /// The last such error line, as `NOPERM …`: the state stays `ready` with it.
    package var lastRefusal: String?
    /// When that was.
    package var lastRefusalAt: ContinuousClock.Instant?
    /// Messages that were never sent, as too much waited, for too long, or the client was closed.
    package var droppedMessages = 0
    /// Bytes of their payloads, channels and framing.
    package var droppedBytes = 0
    /// Why the last message was dropped, in one line.
    package var lastDropReason: String?
    /// When that was.
    package var lastDropAt: ContinuousClock.Instant?
    /// Messages and commands under way when a connection was lost: executed or not.
    package var uncertain = 0
    /// Messages that have come to a subscriber.
    package var received = 0
}
