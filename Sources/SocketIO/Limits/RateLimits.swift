import SocketIOProtocol

/// How much may happen: so much a second in the long run, and so much at once.
///
/// A bucket holds `burst` tokens and gets `perSecond` new ones; whatever happens takes one.
public struct RateLimit: Equatable, Sendable {
    /// How many a second; less than one is possible, 0 allows the first `burst` and no more.
    public var perSecond: Double
    /// How many at once, after a pause.
    public var burst: Int

    /// A limit; without a `burst` what comes in one second may come at once, but at least one.
    public init(perSecond: Double, burst: Int? = nil) {
        self.perSecond = perSecond
        self.burst = burst ?? Int(exactly: perSecond.rounded(.up)).map { max($0, 1) } ?? .max
    }

    var rate: TokenRate { TokenRate(perSecond: perSecond, burst: Double(burst)) }
}

/// How fast clients may be, and what happens to those who are faster.
///
/// ```swift
/// var limits = RateLimits()
/// limits.events = RateLimit(perSecond: 20, burst: 60)
/// limits.handshakesPerAddress = RateLimit(perSecond: 2, burst: 50)
/// limits.onLimit = { $0.excess > 500 ? .disconnect : .drop }
/// options.rateLimits = limits
/// ```
///
/// Every limit is nil, which is none, until it is set. Heartbeats are never limited, nor is leaving a
/// namespace that the client is in, though its bytes count. An address is the client's as `ServerOptions.trustedProxyHops`
/// finds it; of IPv6 the first 64 bits count, which is what one subscriber has at least. All limits
/// are those of one server: in a cluster every server counts for itself.
public struct RateLimits: Sendable {
    /// Events of one socket.
    ///
    /// One with binary attachments counts once. The limit is that of one client in one namespace:
    /// leaving and joining again changes nothing. In another namespace it has another bucket, of
    /// which dynamic namespaces make many; `packets` bounds them all. The namespaces that one
    /// connection asks to join are held to the same limit, with a bucket of their own.
    public var events: RateLimit?
    /// Packets of one connection: events and acks of all its sockets, and namespaces asked for.
    public var packets: RateLimit?
    /// Bytes of one connection's packets, attachments included.
    ///
    /// A packet passes while anything is left of the burst; so one that is larger passes too, and
    /// is paid for by a longer pause.
    public var bytes: RateLimit?
    /// New connections of one address.
    ///
    /// More are answered 429 with `Retry-After` and `{"code":100,"message":"Too many requests"}`.
    public var handshakesPerAddress: RateLimit?
    /// Packets of one address over all its connections, counted like `packets`.
    public var packetsPerAddress: RateLimit?
    /// How many addresses are remembered, about 100 bytes each.
    ///
    /// When there are more, those that have used least of their limits are forgotten.
    public var maxAddresses = 65_536
    /// Told of everything that is over a limit, and asked what to do; nil drops it.
    ///
    /// Called on the loop of the connection, once for each packet or handshake: it must be quick,
    /// and must not block. Beside it the log gets one line a minute about an address.
    public var onLimit: (@Sendable (RateLimitEvent) -> RateLimitAction)?

    /// No limits.
    public init() {}
}

/// What to do with a packet or a handshake that is over a limit.
public enum RateLimitAction: Sendable {
    /// Ignore it.
    ///
    /// An event reaches no handler, and is not acknowledged; a namespace is refused by a
    /// `connect_error`; a handshake is answered 429.
    case drop
    /// Let it pass this time.
    case allow
    /// Close the client's connection; its sockets see `forced close`. A handshake is answered 429.
    ///
    /// Clients reconnect after that, with full buckets, unless told not to: `socket.disconnect()`
    /// tells them, and `handshakesPerAddress` bounds how often. None gets its session back by
    /// `ServerOptions.connectionStateRecovery`.
    case disconnect
}

/// Something that was over a limit, as `RateLimits.onLimit` sees it.
///
/// To keep it, keep its parts: a kept socket would hold the server, which holds the closure.
public struct RateLimitEvent: Sendable {
    /// The limits there are.
    public enum Limit: String, Sendable, CaseIterable {
        /// `RateLimits.events`, of a socket.
        case events
        /// `RateLimits.events`, for the namespaces that a connection asks to join.
        case joins
        /// `RateLimits.packets`.
        case packets
        /// `RateLimits.bytes`.
        case bytes
        /// `RateLimits.handshakesPerAddress`.
        case handshakesPerAddress
        /// `RateLimits.packetsPerAddress`.
        case packetsPerAddress
    }

    /// Which limit it is.
    public let limit: Limit
    /// How much it allows.
    public let rate: RateLimit
    /// The socket, where the limit is one of sockets.
    public let socket: Socket?
    /// The name of the event; nil for other packets and handshakes.
    public let event: String?
    /// The request by which the client connected, or wants to.
    public let request: ConnectionRequest
    /// How many in a row have been over this limit, this one included.
    public let excess: Int
    /// When the next one would be within the limit; nil for never.
    public let wait: Duration?

    /// The client's IP address.
    public var address: String { request.address }
}
