/// What is kept of clients whose connection was lost, and for how long (protocol.md §20).
///
/// The bounds are of each namespace.
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

    /// The defaults, those of the reference where it has one.
    public init() {}
}
