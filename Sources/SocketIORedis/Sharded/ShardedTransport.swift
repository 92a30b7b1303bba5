import Bytes
import Redis
import SocketIO
import Synchronization

/// The protocol of Node's sharded adapter over sharded pub/sub, Redis 7 (redis-wire.md §2).
final class ShardedTransport: ClusterTransport {
    let uid: String
    private let hub: RedisHub
    private let wire: ShardedWire
    private let ownResponse: SharedBytes
    private let receiver = Mutex<RedisHub.MessageHandler?>(nil)

    init(namespace: String, mode: RedisAdapterOptions.SubscriptionMode, hub: RedisHub) {
        uid = RandomID.hexadecimal(16)
        self.hub = hub
        wire = ShardedWire(
            prefix: hub.options.prefix,
            namespace: namespace,
            uid: uid,
            mode: mode,
            limits: hub.limits
        )
        ownResponse = wire.response(to: uid)
    }

    var canFetchRooms: Bool { false }

    func makeRequestID() -> String { RandomID.hexadecimal(16) }

    func publish(_ message: ClusterMessage) {
        let (channel, payload) = wire.publication(of: message)
        hub.publish(channel, payload, sharded: true)
    }

    func publish(_ message: ClusterMessage, to server: String?) {
        let channel = server.map { wire.response(to: $0) } ?? wire.general
        hub.publish(channel, wire.coding.encode(message), sharded: true)
    }

    func start(
        wants: @escaping @Sendable (Room) -> Bool,
        _ receive: @escaping @Sendable (ReceivedMessage) -> Void
    ) {
        let coding = wire.coding
        let handler: RedisHub.MessageHandler = { hub, channel, payload in
            hub.understand(channel, receive) { try coding.decode(payload) }
        }
        receiver.withLock { $0 = handler }
        hub.attach(countingBy: wire.general, sharded: true)
        hub.subscribe(.shard, wire.general, isAwaited: true, handler)
        hub.subscribe(.shard, ownResponse, isAwaited: true, handler)
    }

    func roomCreated(_ room: Room) {
        guard wire.hasChannel(room), let handler = receiver.withLock({ $0 }) else { return }
        hub.subscribe(.shard, wire.channel(of: room), isAwaited: false, handler)
    }

    func roomDeleted(_ room: Room) {
        guard wire.hasChannel(room) else { return }
        hub.unsubscribe(.shard, wire.channel(of: room))
    }

    func ready() async { await hub.ready([(.shard, wire.general), (.shard, ownResponse)]) }

    func serverCount() async throws -> Int {
        try await hub.subscriberCount(of: wire.general, sharded: true)
    }

    func close() async {
        receiver.withLock { $0 = nil }
        hub.unsubscribe(.shard, wire.general)
        hub.unsubscribe(.shard, ownResponse)
        await hub.detach()
    }
}
