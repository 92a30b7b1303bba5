import Bytes
import MessagePack
import SocketIO

/// What a server or an emitter publishes in the classic protocol, and where (redis-wire.md §1).
struct ClassicWire: Sendable {
    let channels: ClassicChannels
    let coding: ClassicCoding

    init(prefix: String, namespace: String, uid: String, limits: MessagePackLimits) {
        channels = ClassicChannels(key: prefix, namespace: namespace)
        coding = ClassicCoding(uid: uid, namespace: namespace, limits: limits)
    }

    /// A message to all servers.
    func publication(of message: ClusterMessage) -> (channel: SharedBytes, payload: SharedBytes) {
        switch message {
        case .broadcast(let packet, let options, nil):
            let rooms = options.rooms
            return (
                rooms.count == 1 ? channels.broadcast(to: rooms[0]) : channels.broadcast,
                coding.broadcast(packet, options)
            )
        default:
            return (channels.request, coding.encode(message))
        }
    }

    /// An answer; `server` is who has asked, if answers go to it alone.
    func answer(
        _ message: ClusterMessage,
        to server: String?
    ) -> (channel: SharedBytes, payload: SharedBytes) {
        var channel = channels.response
        if let server {
            // The reference answers server-side events where everybody hears it, always.
            if case .serverSideAnswer = message {} else { channel = channels.response(to: server) }
        }
        return (channel, coding.encode(message))
    }
}
