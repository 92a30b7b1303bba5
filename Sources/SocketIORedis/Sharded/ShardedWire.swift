import Bytes
import MessagePack
import SocketIO

/// What a server or an emitter publishes over sharded pub/sub, and where (redis-wire.md §2).
struct ShardedWire: Sendable {
    let mode: RedisAdapterOptions.SubscriptionMode
    let coding: ClusterCoding
    /// Where everything goes that has no channel of its own.
    let general: SharedBytes
    private let prefix: String

    init(
        prefix: String,
        namespace: String,
        uid: String,
        mode: RedisAdapterOptions.SubscriptionMode,
        limits: MessagePackLimits
    ) {
        self.mode = mode
        self.prefix = "\(prefix)#\(namespace)#"
        coding = ClusterCoding(uid: uid, namespace: namespace, limits: limits)
        general = SharedBytes(self.prefix)
    }

    /// A message to all servers.
    func publication(of message: ClusterMessage) -> (channel: SharedBytes, payload: SharedBytes) {
        if case .broadcast(_, let options, nil) = message, options.rooms.count == 1,
            hasChannel(options.rooms[0])
        {
            return (channel(of: options.rooms[0]), coding.encode(message))
        }
        return (general, coding.encode(message))
    }

    func channel(of room: Room) -> SharedBytes { SharedBytes("\(prefix)\(room.name)#") }

    /// Where answers for one server go.
    func response(to uid: String) -> SharedBytes { SharedBytes("\(prefix)\(uid)#") }

    /// Whether broadcasts to `room` alone go over a channel of its own.
    func hasChannel(_ room: Room) -> Bool {
        switch mode {
        case .static: false
        // Twenty characters: a socket's id, as the reference tells them apart.
        case .dynamic: room.name.utf16.count != 20
        case .dynamicPrivate: true
        }
    }
}
