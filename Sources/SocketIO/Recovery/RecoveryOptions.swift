/// What is kept of clients whose connection was lost, and for how long (protocol.md §20).
///
/// The bounds of what is kept are of all namespaces together; of too much, the namespace that has
/// most forgets its oldest first.
public struct RecoveryOptions: Sendable, Equatable {
    /// How long a client may be away.
    public var maxDisconnectionDuration = Duration.seconds(120)
    /// Whether a client that recovers passes the namespace's middlewares by.
    public var skipsMiddlewares = true
    /// How many packets are kept; a client that has missed an older one does not recover.
    public var maxPackets = 100_000
    /// How many bytes of packets are kept.
    public var maxPacketBytes = 64 << 20
    /// How many clients that are away are remembered.
    public var maxSessions = 100_000
    /// How many bytes of clients that are away are remembered.
    ///
    /// Each counts 400 and its data, and each of its rooms, some that it has left included, its
    /// name and 150. One that counts more than all may does not recover.
    public var maxSessionBytes = 64 << 20
    /// How many packets one client may have missed; more make it a new socket.
    ///
    /// They are sent at once: no more than half of what `ServerOptions.sendQueue` holds.
    public var maxMissedPackets = 10_000
    /// How many bytes one client may have missed, each packet counting 200 more than its content.
    ///
    /// No more than half of what `ServerOptions.sendQueue` holds.
    public var maxMissedBytes = 4 << 20

    /// The defaults, those of the reference where it has one.
    public init() {}

    /// The same, with no more to be sent to one client at once than its queue takes.
    func limited(by queue: SendQueueOptions) -> RecoveryOptions {
        var limited = self
        limited.maxMissedPackets = max(min(maxMissedPackets, queue.maxPackets / 2), 0)
        limited.maxMissedBytes = max(min(maxMissedBytes, queue.maxBytes / 2), 0)
        return limited
    }
}
