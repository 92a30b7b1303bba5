import EngineIO
import EngineIOProtocol
import Loop
import SocketIOProtocol
import Synchronization

/// The rate limits of a server: what its clients share, and what addresses have used.
///
/// Usable from any loop. Addresses live on all of them, so each has its place in one of several
/// tables, each with a lock: 40 ns for a packet, 250 for a handshake (`Bench micro`).
final class RateLimiter: Sendable {
    private final class Shard: Sendable {
        let table: Mutex<AddressTable>

        init(rates: AddressTable.Rates, capacity: Int) {
            table = Mutex(AddressTable(rates: rates, capacity: capacity))
        }
    }

    /// Where an address is kept; belongs to whoever asks for it.
    struct Place {
        let key: AddressKey
        fileprivate let shard: Int
        fileprivate var hint = -1
    }

    /// Lines that the log gets about rate limits, whoever is over them.
    private struct LogBudget {
        var bucket = TokenBucket()
        var suppressed = 0
    }

    private static let shardCount = 16
    private static let logPeriod: UInt64 = 60 * 1_000_000_000
    private static let logRate = TokenRate(perSecond: 0.2, burst: 20)

    let limits: RateLimits
    let trust: ProxyTrust
    private let shards: [Shard]
    private let log: @Sendable (LogLevel, String) -> Void
    private let logBudget = Mutex(LogBudget())
    private let counters: ServerCounters

    init(_ limits: RateLimits, _ options: ServerOptions, _ counters: ServerCounters) {
        self.counters = counters
        self.limits = limits
        trust = options.proxyTrust
        log = options.log
        let rates = AddressTable.Rates(
            handshakes: limits.handshakesPerAddress?.rate,
            packets: limits.packetsPerAddress?.rate
        )
        let (quotient, rest) = max(limits.maxAddresses, 1)
            .quotientAndRemainder(dividingBy: Self.shardCount)
        let capacity = quotient + (rest > 0 ? 1 : 0)
        shards = (0..<Self.shardCount).map { _ in Shard(rates: rates, capacity: capacity) }
    }

    /// Where the address of a request is kept.
    func place(of request: HandshakeRequest) -> Place {
        let address = trust.networkAddress(request.head, peer: request.peer)
        let (high, low, isIPv6) = address.number
        let key = AddressKey(high: high, low: low, isIPv6: isIPv6)
        let shard = Int(UInt(bitPattern: key.hashValue) % UInt(Self.shardCount))
        return Place(key: key, shard: shard)
    }

    /// A packet from an address.
    func takePacket(_ place: inout Place, at now: UInt64) -> TokenBucket.Verdict {
        let key = place.key
        let hint = place.hint
        let (verdict, found) = shards[place.shard].table.withLock { table in
            var found = hint
            let verdict = table.takePacket(key, at: now, hint: &found)
            return (verdict, found)
        }
        place.hint = found
        return verdict
    }

    /// What refuses a handshake, if it is over the limit.
    func refusal(of request: HandshakeRequest, at now: UInt64) -> HandshakeError? {
        guard let rate = limits.handshakesPerAddress else { return nil }
        let place = place(of: request)
        let verdict = shards[place.shard].table.withLock { $0.takeHandshake(place.key, at: now) }
        guard case .refused(let excess, let wait) = verdict else { return nil }
        let event = RateLimitEvent(
            limit: .handshakesPerAddress,
            rate: rate,
            socket: nil,
            event: nil,
            request: ConnectionRequest(request, trust),
            excess: excess,
            wait: wait.map { .nanoseconds($0) }
        )
        switch decide(event, place, at: now) {
        case .allow: return nil
        case .drop, .disconnect:
            return .tooManyRequests(retryAfter: wait.map { Self.seconds($0) })
        }
    }

    /// Asks the app, counts and logs.
    func decide(_ event: RateLimitEvent, _ place: Place, at now: UInt64) -> RateLimitAction {
        let action = limits.onLimit?(event) ?? .drop
        switch (action, event.limit) {
        case (.allow, _): return .allow
        case (.drop, .handshakesPerAddress), (.disconnect, .handshakesPerAddress):
            counters.limitedHandshakes.add(1, ordering: .relaxed)
        case (.drop, _): counters.limitedPackets.add(1, ordering: .relaxed)
        case (.disconnect, _): counters.limitedClients.add(1, ordering: .relaxed)
        }
        report(event, place, at: now)
        return action
    }

    /// Logs once in a while for an address, and not too much for all of them together.
    private func report(_ event: RateLimitEvent, _ place: Place, at now: UInt64) {
        let isDue = shards[place.shard].table.withLock {
            $0.takeLogTurn(place.key, at: now, every: Self.logPeriod)
        }
        guard isDue else { return }
        let suppressed: Int? = logBudget.withLock { budget in
            guard case .taken = budget.bucket.take(Self.logRate, at: now) else {
                budget.suppressed += 1
                return nil
            }
            defer { budget.suppressed = 0 }
            return budget.suppressed
        }
        guard let suppressed else { return }
        let others = suppressed > 0 ? "; so are \(suppressed) other addresses" : ""
        let rate = "\(event.rate.perSecond) a second, \(event.rate.burst) at once"
        log(
            .warning,
            "rate limit: \(event.address) is over \(event.limit.rawValue) (\(rate))\(others)"
        )
    }

    /// For `Retry-After`: whole seconds, at least one, at most a day.
    private static func seconds(_ nanoseconds: UInt64) -> Int {
        Int(min(max(nanoseconds / 1_000_000_000 + 1, 1), 86_400))
    }
}
