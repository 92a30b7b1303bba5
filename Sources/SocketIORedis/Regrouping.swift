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

    init(on loop: EventLoop, reachesAll: Bool) {
        self.reachesAll = reachesAll
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

    /// What the client's connection has come to.
    func changed(_ redis: RedisState) {
        switch redis {
        case .ready:
            count()
        case .reconnecting:
            state.withLock { state in
                state.isWaiting = true
                state.rounds = 0
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
            // Without an answer the connection is lost, and its end begins this anew.
            guard case .success(let reply) = result else { return }
            self?.counted(reply.elements?.last?.integer ?? 0)
        }
    }

    private func counted(_ servers: Int) {
        let (isComplete, pause) = state.withLock { state in
            guard state.isWaiting else {
                state.servers = servers
                return (false, Self.interval)
            }
            state.rounds += 1
            guard servers >= state.servers || state.rounds >= Self.maxRounds else {
                return (false, Self.roundInterval)
            }
            state.isWaiting = false
            state.servers = servers
            return (true, Self.interval)
        }
        if let client = client.withLock({ $0.value }) {
            if reachesAll { client.expectReceivers(servers) }
            if isComplete { client.releaseMessages() }
        }
        timer.start(after: pause) { [weak self] in self?.count() }
    }
}
