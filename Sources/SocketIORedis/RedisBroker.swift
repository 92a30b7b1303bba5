import Loop
import Redis
public import SocketIO
import Synchronization

/// A Redis that relays the events of several servers, with what is known of its state.
///
/// ```swift
/// let redis = try RedisBroker(url: "redis://127.0.0.1:6379")
/// let server = try Server(ServerOptions(port: 3000, adapter: .redis(redis)))
/// ```
///
/// The connections are made when the server is; all namespaces share them. Usable from any thread.
public final class RedisBroker: Sendable {
    let options: RedisAdapterOptions
    private let address: RedisAddress
    /// The other nodes of a cluster; nil for a Redis by itself.
    private let seeds: [RedisAddress]?
    /// By the loops of their servers, which hold them.
    private let hubs = Mutex<[ObjectIdentifier: WeakHub]>([:])

    private struct WeakHub: Sendable {
        weak let hub: RedisHub?
    }

    /// A Redis at `url`: `redis://[user:password@]host[:port][/db]` or `unix:///path[?db=n]`.
    ///
    /// - Throws: What is wrong with the URL, in one line.
    public init(url: String, _ options: RedisAdapterOptions = RedisAdapterOptions()) throws {
        address = try RedisAddress(url: url)
        seeds = nil
        self.options = options
    }

    /// A Redis Cluster of which `urls` are some nodes; the others are found by them.
    ///
    /// The first URL names the user and the password of all. Meant for sharded mode: classic
    /// pub/sub reaches every node of a cluster whoever listens there, and events of one sender on
    /// several channels may overtake each other.
    /// - Throws: What is wrong with a URL, in one line.
    public init(
        cluster urls: [String],
        _ options: RedisAdapterOptions = RedisAdapterOptions(mode: .sharded(.dynamic))
    ) throws {
        let addresses = try RedisAddress.nodes(urls)
        address = addresses.first
        seeds = addresses.others
        self.options = options
    }

    /// How the connections are; with several servers of one process, the worst of theirs.
    public var health: RedisHealth {
        let all = hubs.withLock { $0.values.compactMap(\.hub) }.map(\.health)
        return all.max { $0.state < $1.state } ?? RedisHealth()
    }

    /// The connections of the server with these loops.
    func hub(_ context: AdapterContext) -> RedisHub {
        hubs.withLock { hubs in
            let key = ObjectIdentifier(context.loops)
            if let hub = hubs[key]?.hub, !hub.isClosed { return hub }
            let connections =
                seeds.map { RedisConnections(toClusterOf: address, seeds: $0, options, context) }
                ?? RedisConnections(to: address, options, context)
            let hub = RedisHub(connections, options, context)
            hubs = hubs.filter { $0.value.hub != nil }
            hubs[key] = WeakHub(hub: hub)
            return hub
        }
    }
}

extension AdapterFactory {
    /// Relays events through Redis to other servers, in Swift or in Node.
    ///
    /// What is wrong with the URL is thrown when the server is made.
    public static func redis(
        url: String,
        _ options: RedisAdapterOptions = RedisAdapterOptions()
    ) -> AdapterFactory {
        let broker = Result { try RedisBroker(url: url, options) }
        return AdapterFactory(inContext: { host, context in
            try makeAdapter(host, context, broker.get())
        })
    }

    /// Relays events through `broker`, whose state the app wants to see.
    public static func redis(_ broker: RedisBroker) -> AdapterFactory {
        AdapterFactory(inContext: { host, context in makeAdapter(host, context, broker) })
    }

    private static func makeAdapter(
        _ host: any AdapterHost,
        _ context: AdapterContext,
        _ broker: RedisBroker
    ) -> any Adapter {
        let hub = broker.hub(context)
        switch broker.options.mode {
        case .classic:
            return adapter(host, hub, ClassicTransport(namespace: host.name, hub: hub))
        case .sharded(let mode):
            return adapter(host, hub, ShardedTransport(namespace: host.name, mode: mode, hub: hub))
        }
    }

    private static func adapter(
        _ host: any AdapterHost,
        _ hub: RedisHub,
        _ transport: some ClusterTransport
    ) -> any Adapter {
        let adapter = ClusterAdapter(
            host: host,
            transport: transport,
            loop: hub.loop,
            requestsTimeout: hub.options.requestsTimeout
        )
        adapter.start()
        return adapter
    }
}
