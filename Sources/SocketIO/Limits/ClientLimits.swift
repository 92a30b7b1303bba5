import Bytes
import EngineIO
import Loop
import SocketIOProtocol

/// What one client has used of the rate limits.
///
/// Loop-owned, as its client; nothing is allocated for a packet, but for the first event of a
/// socket, nor the clock read.
final class ClientLimits {
    private let limiter: RateLimiter
    private let request: HandshakeRequest
    private let loop: EventLoop
    private let eventRate: TokenRate?
    private let packetRate: TokenRate?
    private let byteRate: TokenRate?
    private let limitsAddress: Bool
    private var place: RateLimiter.Place
    private var joins = TokenBucket()
    private var packets = TokenBucket()
    private var bytes = TokenBucket()
    private var events: EventBudgets

    init(_ limiter: RateLimiter, _ session: EngineSession, maxNamespaces: Int) {
        self.limiter = limiter
        request = session.request
        loop = session.loop
        let eventRate = limiter.limits.events?.rate
        self.eventRate = eventRate
        events = EventBudgets(
            rate: eventRate ?? TokenRate(perSecond: 0, burst: 0),
            maxNamespaces: maxNamespaces
        )
        packetRate = limiter.limits.packets?.rate
        byteRate = limiter.limits.bytes?.rate
        limitsAddress = limiter.limits.packetsPerAddress != nil
        place = limiter.place(of: session.request)
    }

    /// A packet that the client has sent, before anything is done for it.
    func take(_ head: PacketHead, in text: RawSpan, byteCount: Int) -> RateLimitAction {
        let now = loop.turnTime
        if let packetRate {
            let verdict = packets.take(packetRate, at: now)
            let action = decide(verdict, .packets, head, text, now)
            guard action == .allow else { return action }
        }
        if let byteRate {
            let verdict = bytes.takeOwing(byteCount, byteRate, at: now)
            let action = decide(verdict, .bytes, head, text, now)
            guard action == .allow else { return action }
        }
        if limitsAddress {
            let verdict = limiter.takePacket(&place, at: now)
            let action = decide(verdict, .packetsPerAddress, head, text, now)
            guard action == .allow else { return action }
        }
        guard let eventRate, head.type == .connect else { return .allow }
        return decide(joins.take(eventRate, at: now), .joins, head, text, now)
    }

    /// The bytes of a packet that passes in any case.
    func charge(byteCount: Int) {
        guard let byteRate else { return }
        bytes.owe(byteCount, byteRate, at: loop.turnTime)
    }

    /// An event for a socket.
    func takeEvent(
        _ head: PacketHead,
        in text: RawSpan,
        for state: SocketState
    ) -> RateLimitAction {
        guard let eventRate else { return .allow }
        let now = loop.turnTime
        let budget = budget(of: state, at: now)
        let verdict = budget.bucket.take(eventRate, at: now)
        return decide(verdict, .events, head, text, now, state.shared)
    }

    private func budget(of state: SocketState, at now: UInt64) -> EventBudget {
        if let budget = state.events { return budget }
        let budget = events.budget(of: state.namespace.name, at: now)
        state.events = budget
        return budget
    }

    private func decide(
        _ verdict: TokenBucket.Verdict,
        _ limit: RateLimitEvent.Limit,
        _ head: PacketHead,
        _ text: RawSpan,
        _ now: UInt64,
        _ socket: SocketShared? = nil
    ) -> RateLimitAction {
        guard case .refused(let excess, let wait) = verdict, let rate = limiter.limits[limit] else {
            return .allow
        }
        // A name is read only if somebody may look at it.
        let name = limiter.limits.onLimit == nil ? nil : head.eventName?.text(in: text)
        let event = RateLimitEvent(
            limit: limit,
            rate: rate,
            socket: socket.map { Socket(shared: $0) },
            event: name,
            request: ConnectionRequest(request, limiter.trust),
            excess: excess,
            wait: wait.map { .nanoseconds($0) }
        )
        return limiter.decide(event, place, at: now)
    }
}

extension RateLimits {
    /// The limit of that name.
    fileprivate subscript(limit: RateLimitEvent.Limit) -> RateLimit? {
        switch limit {
        case .events, .joins: events
        case .packets: packets
        case .bytes: bytes
        case .handshakesPerAddress: handshakesPerAddress
        case .packetsPerAddress: packetsPerAddress
        }
    }
}
