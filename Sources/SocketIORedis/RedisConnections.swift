import Bytes
import Loop
import Redis
import SocketIO

/// A hub's connections: to one Redis, or to the masters of a cluster.
enum RedisConnections: Sendable {
    case single(RedisClient, RedisSubscriber, Regrouping, LossWatch)
    case cluster(RedisCluster)

    /// Connections to one Redis, commands and subscriptions on different loops if there are two.
    init(
        to address: RedisAddress,
        _ options: RedisAdapterOptions,
        _ context: AdapterContext
    ) {
        let log = context.log
        let loops = context.loops.loops
        var settings = options.redis(address, name: "socket.io")
        let subscriber = RedisSubscriber(
            options: settings,
            loop: loops[loops.count - 1],
            onChange: StateLog("subscriptions of \(address)", log).changed
        )
        settings.holdsMessagesAfterLoss = true
        let losses = LossWatch(log)
        let regrouping = Regrouping(
            on: loops[0],
            // An answer for one server alone, and a room's own channel, are heard by few.
            reachesAll: options.mode == .classic && !options.publishesOnSpecificResponseChannel,
            onCount: { losses.look(at: $0) },
            onRefusal: { log(.error, "redis: servers cannot be counted: \($0)") }
        )
        let stateLog = StateLog("commands to \(address)", log)
        let client = RedisClient(
            options: settings,
            loop: loops[0],
            onChange: { state in
                stateLog.changed(state)
                regrouping.changed(state)
            }
        )
        regrouping.watch(client)
        self = .single(client, subscriber, regrouping, losses)
    }

    /// Connections to a cluster of which `address` and `seeds` are nodes.
    init(
        toClusterOf address: RedisAddress,
        seeds: [RedisAddress],
        _ options: RedisAdapterOptions,
        _ context: AdapterContext
    ) {
        let log = context.log
        self = .cluster(
            RedisCluster(
                options: options.redis(address, name: "socket.io"),
                seeds: seeds.map(\.endpoint),
                loop: context.loops.loops[0],
                onChange: StateLog("cluster of \(address)", log).changed
            )
        )
    }

    func start() {
        switch self {
        case .single(let client, let subscriber, _, _):
            client.start()
            subscriber.start()
        case .cluster(let cluster):
            cluster.start()
        }
    }

    func close() async {
        switch self {
        case .single(let client, let subscriber, _, _):
            await subscriber.close()
            await client.close()
        case .cluster(let cluster):
            await cluster.close()
        }
    }

    /// All servers listen to `channel`, by which they are counted after an outage.
    func count(by channel: SharedBytes, isSharded: Bool) {
        if case .single(_, _, let regrouping, _) = self {
            regrouping.count(by: channel, isSharded: isSharded)
        }
    }

    func publish(_ channel: SharedBytes, _ payload: SharedBytes, sharded: Bool) {
        switch self {
        case .single(let client, _, _, _): client.publish(channel, payload, sharded: sharded)
        case .cluster(let cluster): cluster.publish(channel, payload, sharded: sharded)
        }
    }

    func subscribe(
        _ kind: SubscriptionKind,
        _ name: SharedBytes,
        _ handler: @escaping @Sendable (SharedBytes, SharedBytes) -> Void,
        confirmed: (@Sendable () -> Void)?
    ) {
        switch self {
        case .single(_, let subscriber, _, _):
            subscriber.subscribe(kind, name, handler, confirmed: confirmed)
        case .cluster(let cluster):
            cluster.subscribe(kind, name, handler, confirmed: confirmed)
        }
    }

    func unsubscribe(_ kind: SubscriptionKind, _ name: SharedBytes) {
        switch self {
        case .single(_, let subscriber, _, _): subscriber.unsubscribe(kind, name)
        case .cluster(let cluster): cluster.unsubscribe(kind, name)
        }
    }

    /// How many connections listen to `channel`; in a cluster on all masters together.
    ///
    /// - Throws: `RedisError`.
    func subscriberCount(of channel: SharedBytes, sharded: Bool) async throws -> Int {
        let command = RedisCommand("PUBSUB", sharded ? "SHARDNUMSUB" : "NUMSUB", channel)
        switch self {
        case .single(let client, _, let regrouping, _):
            let count = try Self.count(in: await client.send(command))
            // After an outage others are still on their way back.
            return max(count, regrouping.awaitedServers ?? 0)
        case .cluster(let cluster):
            return try await cluster.sendToMasters(command).reduce(0) { sum, reply in
                try sum + Self.count(in: reply)
            }
        }
    }

    private static func count(in reply: RedisReply) throws -> Int {
        guard let count = reply.elements?.last?.integer else {
            throw RedisError.unexpectedReply(reply)
        }
        return count
    }

    /// The state and the counters of all together; `received` is not among them.
    var health: RedisHealth {
        switch self {
        case .single(let client, let subscriber, let regrouping, let losses):
            var health = RedisHealth(client.status)
            let subscriptions = RedisHealth(subscriber.status)
            if subscriptions.state > health.state || health.problem == nil {
                health.problem = subscriptions.problem
            }
            health.state = max(health.state, subscriptions.state)
            health.reconnects += subscriptions.reconnects
            if health.state == .connected, regrouping.awaitedServers != nil {
                health.state = .connecting
                health.problem = "other servers do not listen yet"
            }
            if health.state == .connected, losses.isLosing {
                health.problem =
                    "messages to other servers are lost: \(client.status.lastError ?? "")"
            }
            return health
        case .cluster(let cluster):
            return RedisHealth(cluster.status)
        }
    }

    /// The last fault, for a log.
    var lastError: String? {
        switch self {
        case .single(let client, let subscriber, _, _):
            subscriber.status.lastError ?? client.status.lastError
        case .cluster(let cluster): cluster.status.lastError
        }
    }
}

extension RedisAddress {
    /// The nodes of a cluster by their URLs.
    ///
    /// - Throws: `RedisURLError`; `ClusterUnavailable` without any.
    static func nodes(_ urls: [String]) throws -> (first: RedisAddress, others: [RedisAddress]) {
        let addresses = try urls.map { try RedisAddress(url: $0) }
        guard let first = addresses.first else {
            throw ClusterUnavailable("a Redis Cluster needs the URL of one node at least")
        }
        return (first, Array(addresses.dropFirst()))
    }
}
