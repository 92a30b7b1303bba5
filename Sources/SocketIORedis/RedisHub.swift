import Bytes
import Loop
import MessagePack
import Redis
import SocketIO
import Synchronization

/// One server's connections to Redis, shared by the adapters of all its namespaces.
///
/// Usable from any thread. The connections live on loops of the server.
final class RedisHub: Sendable {
    /// Receives a message's channel and payload, on the loop of the subscriptions.
    typealias MessageHandler = @Sendable (RedisHub, SharedBytes, SharedBytes) -> Void

    typealias Subscription = (kind: SubscriptionKind, name: SharedBytes)

    private struct State {
        /// The namespaces that use the connections; the last one to go closes them.
        var users = 0
        var isStarted = false
        var isClosed = false
        /// Whether somebody has waited for it in vain; once is enough for a server's start.
        var hasGivenUp = false
        var confirmed: Set<ConfirmedName> = []
        var waiters: [Waiter] = []
    }

    private struct ConfirmedName: Hashable {
        let kind: SubscriptionKind
        let name: String
    }

    private struct Waiter {
        let names: Set<ConfirmedName>
        let gate: ResponseCollector<Bool>
    }

    /// Where commands are sent and timeouts run.
    let loop: EventLoop
    let options: RedisAdapterOptions
    /// What is accepted of other servers.
    let limits: MessagePackLimits
    private let connections: RedisConnections
    private let log: @Sendable (LogLevel, String) -> Void
    private let state = Mutex(State())
    private let received = Atomic<Int>(0)
    private let malformed = Atomic<Int>(0)

    init(
        _ connections: RedisConnections,
        _ options: RedisAdapterOptions,
        _ context: AdapterContext
    ) {
        self.options = options
        limits = options.limits
        log = context.log
        loop = context.loops.loops[0]
        self.connections = connections
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// One more namespace uses the connections; the first one opens them.
    ///
    /// All servers listen to `channel`, by which they are counted.
    func attach(countingBy channel: SharedBytes, sharded: Bool) {
        connections.count(by: channel, isSharded: sharded)
        let isFirst = state.withLock { state in
            state.users += 1
            defer { state.isStarted = true }
            return !state.isStarted
        }
        if isFirst { connections.start() }
    }

    /// One namespace less; the last one closes the connections when what is queued has left.
    func detach() async {
        let isLast = state.withLock { state in
            state.users -= 1
            if state.users == 0 { state.isClosed = true }
            return state.users == 0
        }
        if isLast { await connections.close() }
    }

    // MARK: Out

    /// Sends a message to whoever listens; never waits.
    func publish(_ channel: SharedBytes, _ payload: SharedBytes, sharded: Bool = false) {
        connections.publish(channel, payload, sharded: sharded)
    }

    /// How many servers listen to `channel`.
    ///
    /// - Throws: `ClusterUnavailable`.
    func subscriberCount(of channel: SharedBytes, sharded: Bool) async throws -> Int {
        do {
            return try await connections.subscriberCount(of: channel, sharded: sharded)
        } catch {
            throw ClusterUnavailable("\(error)")
        }
    }

    // MARK: In

    /// Listens to a channel, or channels that match a pattern; again after every reconnection.
    ///
    /// `ready` can wait for it only if `isAwaited`.
    func subscribe(
        _ kind: SubscriptionKind,
        _ name: SharedBytes,
        isAwaited: Bool = false,
        _ handler: @escaping MessageHandler
    ) {
        var confirmed: (@Sendable () -> Void)?
        if isAwaited { confirmed = { [weak self] in self?.confirmed(kind, name) } }
        // Weak, as the connections are this hub's: without a shutdown nobody would break the cycle.
        connections.subscribe(
            kind,
            name,
            { [weak self] channel, payload in
                if let self { handler(self, channel, payload) }
            },
            confirmed: confirmed
        )
    }

    /// Ends a subscription.
    func unsubscribe(_ kind: SubscriptionKind, _ name: SharedBytes) {
        connections.unsubscribe(kind, name)
    }

    /// Returns when Redis has confirmed these subscriptions, or after the time for that.
    func ready(_ subscriptions: [Subscription]) async {
        let names = Set(subscriptions.map { ConfirmedName(kind: $0.kind, name: $0.name.text) })
        let gate = ResponseCollector<Bool>(expected: 1)
        let mustWait = state.withLock { state in
            guard !state.hasGivenUp, !names.isSubset(of: state.confirmed) else { return false }
            state.waiters.append(Waiter(names: names, gate: gate))
            return true
        }
        guard mustWait else { return }
        let timer = LoopTimer(on: loop)
        timer.start(after: options.startTimeout) { gate.expire() }
        defer { timer.cancel() }
        do {
            _ = try await gate.value()
        } catch {
            let isFirst = state.withLock { state in
                defer { state.hasGivenUp = true }
                return !state.hasGivenUp
            }
            guard isFirst else { return }
            let problem = connections.lastError ?? "it does not answer"
            log(.error, "redis: starting without it, this server's clients are alone: \(problem)")
        }
    }

    private func confirmed(_ kind: SubscriptionKind, _ name: SharedBytes) {
        let ready = state.withLock { state in
            state.confirmed.insert(ConfirmedName(kind: kind, name: name.text))
            let confirmed = state.confirmed
            let ready = state.waiters.filter { $0.names.isSubset(of: confirmed) }
            state.waiters.removeAll { $0.names.isSubset(of: confirmed) }
            return ready
        }
        for waiter in ready { waiter.gate.add([]) }
    }

    /// Decodes a message and hands it on; what is not understood is counted and dropped.
    func understand(
        _ channel: SharedBytes,
        _ receive: (ReceivedMessage) -> Void,
        _ decode: () throws -> ReceivedMessage
    ) {
        received.wrappingAdd(1, ordering: .relaxed)
        do {
            receive(try decode())
        } catch CodingFailure.notForUs {
            // This server's own message has come back, or is another namespace's.
        } catch {
            notUnderstood(channel, error)
        }
    }

    /// A message was dropped before decoding, as nobody here is in its room.
    func skipped() {
        received.wrappingAdd(1, ordering: .relaxed)
    }

    /// Counts, and logs the 1st, 2nd, 4th, 8th … so that a flood does not fill the log.
    private func notUnderstood(_ channel: SharedBytes, _ error: any Error) {
        let count = malformed.wrappingAdd(1, ordering: .relaxed).newValue
        guard count & (count - 1) == 0 else { return }
        log(.warning, "redis: message \(count) that makes no sense, on \(channel.text): \(error)")
    }

    /// What the app may know of the connections.
    var health: RedisHealth {
        var health = connections.health
        health.received = received.load(ordering: .relaxed)
        health.malformed = malformed.load(ordering: .relaxed)
        return health
    }
}
