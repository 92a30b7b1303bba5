import Bytes
import Redis
import SocketIO

/// The protocol of Node's `@socket.io/redis-adapter` over ordinary pub/sub (redis-wire.md §1).
final class ClassicTransport: ClusterTransport {
    let uid: String
    private let hub: RedisHub
    private let wire: ClassicWire
    private let ownResponse: SharedBytes

    init(namespace: String, hub: RedisHub) {
        uid = RandomID.alphanumeric(6)
        self.hub = hub
        wire = ClassicWire(
            prefix: hub.options.prefix,
            namespace: namespace,
            uid: uid,
            limits: hub.limits
        )
        ownResponse = wire.channels.response(to: uid)
    }

    var canFetchRooms: Bool { true }

    func makeRequestID() -> String { RandomID.alphanumeric(6) }

    func publish(_ message: ClusterMessage) {
        let (channel, payload) = wire.publication(of: message)
        hub.publish(channel, payload)
    }

    func publish(_ message: ClusterMessage, to server: String?) {
        let addressee = hub.options.publishesOnSpecificResponseChannel ? server : nil
        let (channel, payload) = wire.answer(message, to: addressee)
        hub.publish(channel, payload)
    }

    func start(
        wants: @escaping @Sendable (Room) -> Bool,
        _ receive: @escaping @Sendable (ReceivedMessage) -> Void
    ) {
        let (channels, coding) = (wire.channels, wire.coding)
        hub.attach(countingBy: channels.request, sharded: false)
        hub.subscribe(.pattern, channels.broadcastPattern, isAwaited: true) {
            hub,
            channel,
            payload in
            switch channels.target(of: channel) {
            case .room(let room) where !wants(room): hub.skipped()
            case .room, .anybody:
                hub.understand(channel, receive) { try coding.decodeBroadcast(payload) }
            case .foreign: hub.skipped()
            }
        }
        hub.subscribe(.channel, channels.request, isAwaited: true) { hub, channel, payload in
            hub.understand(channel, receive) { try coding.decodeRequest(payload) }
        }
        for response in [channels.response, ownResponse] {
            hub.subscribe(.channel, response, isAwaited: true) { hub, channel, payload in
                hub.understand(channel, receive) { try coding.decodeResponse(payload) }
            }
        }
    }

    private var subscriptions: [RedisHub.Subscription] {
        [
            (.pattern, wire.channels.broadcastPattern), (.channel, wire.channels.request),
            (.channel, wire.channels.response), (.channel, ownResponse),
        ]
    }

    func ready() async { await hub.ready(subscriptions) }

    func serverCount() async throws -> Int {
        try await hub.subscriberCount(of: wire.channels.request, sharded: false)
    }

    // Every room's broadcasts match the pattern.
    func roomCreated(_ room: Room) {}
    func roomDeleted(_ room: Room) {}

    func close() async {
        for (kind, name) in subscriptions { hub.unsubscribe(kind, name) }
        await hub.detach()
    }
}
