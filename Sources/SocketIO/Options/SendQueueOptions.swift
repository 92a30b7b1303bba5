import EngineIO

/// How much may wait for one client that reads too slowly, and what happens then.
///
/// What waits are packets that the system does not take for a WebSocket, or that wait for the next
/// poll. A client that keeps up has none.
public struct SendQueueOptions: Sendable {
    /// What happens when more would wait than may.
    ///
    /// A packet and its attachments are dropped together or not at all, in no case in the middle of
    /// leaving: what has been handed to the connection, up to 64 KiB and one packet, always leaves.
    /// Acknowledgements and what connects and disconnects are never dropped. An event that asks for
    /// an acknowledgement may be, and is then not answered: give it a timeout.
    public enum Policy: Sendable {
        /// The client is disconnected, as it would miss something otherwise.
        case disconnect
        /// Volatile events wait as others do, and the oldest of them are dropped first; if that is
        /// not enough, the client is disconnected.
        ///
        /// With the other policies they are lost, as in Node, whenever the client cannot take them
        /// at that moment: with polling that is most of the time. With this one they are lost only
        /// when they are too many, and the newest arrive, which suits cursors and states of games.
        /// Choose bounds of what a client can take in the time that such an event is worth.
        case dropVolatile
        /// The oldest events are dropped, volatile or not; if that is not enough, the client is
        /// disconnected.
        ///
        /// For streams of which the newest part matters. The newest event stays even if it is
        /// larger than the bound. A client that recovers its connection later has missed them.
        case dropOldest
    }

    /// How many bytes may wait, as long as they are before compression.
    ///
    /// What has been handed to the connection does not count: on a WebSocket up to 64 KiB and one
    /// packet, else the response to one poll.
    public var maxBytes = 16 << 20
    /// How many packets may wait, an event with its attachments being one.
    ///
    /// Each takes some hundred bytes of memory besides its own.
    public var maxPackets = 100_000
    /// What happens when more would.
    public var policy = Policy.disconnect

    /// The defaults: 16 MiB and 100,000 packets, then the client is disconnected.
    public init() {}

    /// Bounds and policy of your own.
    public init(maxBytes: Int = 16 << 20, maxPackets: Int = 100_000, policy: Policy) {
        self.maxBytes = maxBytes
        self.maxPackets = maxPackets
        self.policy = policy
    }
}

extension SendQueueOptions.Policy {
    var engine: SendQueuePolicy {
        switch self {
        case .disconnect: .disconnect
        case .dropVolatile: .dropVolatile
        case .dropOldest: .dropOldest
        }
    }
}
