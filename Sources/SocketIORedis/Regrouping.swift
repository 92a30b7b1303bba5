import Bytes
import Loop
import Redis
import Synchronization

/// Holds messages back after an outage of Redis until the other servers listen again.
///
/// Pub/sub forgets what nobody hears: sent as soon as this server is connected again, what was
/// queued meanwhile would be lost for those that connect a moment later. Usable from any thread.
final class Regrouping: Sendable {
    private struct State {
        var channel: (name: SharedBytes, isSharded: Bool)?
        /// How many servers there were when that was last asked.
        var servers = 0
        /// How often they have been counted since the connection was made anew.
        var rounds = 0
        /// What was counted last, and in which round that was counted first.
        var lastCount = 0
        var stableSince = 0
        var isWaiting = false
    }

    private struct Client: Sendable {
        weak let value: RedisClient?
    }

    /// Whether every message reaches every server, so that one that reaches fewer was missed.
    private let reachesAll: Bool
    private let timer: LoopTimer
    private let state = Mutex(State())
    private let client = Mutex(Client(value: nil))

    /// How often the servers are counted while all is well.
    private static let interval = Duration.seconds(1)
    /// How often, and how many times, after an outage: two seconds more than the longest pause
    /// between two attempts to connect.
    private static let roundInterval = Duration.milliseconds(100)
    private static let maxRounds = 50
    /// For how many rounds the count must stay the same.
    private static let stableRounds = 5

    /// Called after each count, so about once a second, on the loop.
    private let onCount: @Sendable (RedisStatus) -> Void
    /// Called with Redis's words when it does not let us count.
    private let onRefusal: @Sendable (String) -> Void

    init(
        on loop: EventLoop,
        reachesAll: Bool,
        onCount: @escaping @Sendable (RedisStatus) -> Void = { _ in },
        onRefusal: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.reachesAll = reachesAll
        self.onCount = onCount
        self.onRefusal = onRefusal
        timer = LoopTimer(on: loop)
    }

    /// The client whose messages are held; it holds this in turn.
    func watch(_ client: RedisClient) {
        self.client.withLock { $0 = Client(value: client) }
    }

    /// All servers listen to `channel`; the first one to be named counts.
    func count(by channel: SharedBytes, isSharded: Bool) {
        state.withLock { state in
            if state.channel == nil { state.channel = (channel, isSharded) }
        }
    }

    /// How many servers are awaited; nil while none is missing.
    var awaitedServers: Int? { state.withLock { $0.isWaiting ? $0.servers : nil } }

    /// What the client's connection has come to.
    func changed(_ redis: RedisState) {
        switch redis {
        case .ready:
            count()
        case .reconnecting:
            state.withLock { state in
                state.isWaiting = true
                state.rounds = 0
                state.lastCount = 0
                state.stableSince = 0
            }
        case .connecting:
            break
        case .closed:
            timer.cancel()
        }
    }

    private func count() {
        guard let client = client.withLock({ $0.value }) else { return }
        guard let channel = state.withLock({ $0.channel }) else {
            client.releaseMessages()
            return
        }
        let subcommand = channel.isSharded ? "SHARDNUMSUB" : "NUMSUB"
        client.send(RedisCommand("PUBSUB", subcommand, channel.name)) { [weak self] result in
            self?.counted(result)
        }
    }

    private func counted(_ result: Result<RedisReply, RedisError>) {
        switch result {
        case .success(let reply):
            counted(reply.elements?.last?.integer ?? 0)
        case .failure(.replied(let line)):
            // Not allowed, or not known there: messages must not wait for what cannot be had.
            release()
            onRefusal(line)
        case .failure(.closed):
            return
        case .failure:
            counted(0)
        }
    }

    /// Lets the messages go; the servers are counted again after the next outage.
    private func release() {
        state.withLock { $0.isWaiting = false }
        client.withLock { $0.value }?.releaseMessages()
    }

    private func counted(_ servers: Int) {
        let (isComplete, pause) = state.withLock { state in
            guard state.isWaiting else {
                // 0: nobody could tell.
                if servers > 0 { state.servers = servers }
                return (false, Self.interval)
            }
            state.rounds += 1
            if servers != state.lastCount {
                state.lastCount = servers
                state.stableSince = state.rounds
            }
            // As many as before, and no more on their way: soon after a start that is not known.
            let isStable = state.rounds - state.stableSince >= Self.stableRounds
            guard servers >= state.servers && isStable || state.rounds >= Self.maxRounds else {
                return (false, Self.roundInterval)
            }
            state.isWaiting = false
            if servers > 0 { state.servers = servers }
            return (true, Self.interval)
        }
        if let client = client.withLock({ $0.value }) {
            if reachesAll, servers > 0 { client.expectReceivers(servers) }
            if isComplete { client.releaseMessages() }
        }
        if let client = client.withLock({ $0.value }) { onCount(client.status) }
        timer.start(after: pause) { [weak self] in self?.count() }
    }
}
