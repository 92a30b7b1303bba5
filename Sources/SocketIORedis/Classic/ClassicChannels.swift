import Bytes
import SocketIO

/// The channels of one namespace in the classic protocol (redis-wire.md §1.1).
struct ClassicChannels: Sendable {
    /// What every broadcast's channel begins with; itself the one for none or several rooms.
    let broadcast: SharedBytes
    /// The pattern that all broadcasts match.
    let broadcastPattern: SharedBytes
    let request: SharedBytes
    /// Where answers go unless they are addressed.
    let response: SharedBytes

    /// The channels below `key`.
    init(key: String, namespace: String) {
        broadcast = SharedBytes("\(key)#\(namespace)#")
        broadcastPattern = SharedBytes(Self.escaped("\(key)#\(namespace)#") + "*")
        request = SharedBytes("\(key)-request#\(namespace)#")
        response = SharedBytes("\(key)-response#\(namespace)#")
    }

    /// Where broadcasts to `room` alone go.
    func broadcast(to room: Room) -> SharedBytes { Self.appending(room.name, to: broadcast) }

    /// Where answers for one server go.
    func response(to uid: String) -> SharedBytes { Self.appending(uid, to: response) }

    /// Whom a message on `channel` is for.
    func target(of channel: SharedBytes) -> Target {
        guard channel.count >= broadcast.count, channel[0..<broadcast.count] == broadcast else {
            return .foreign
        }
        if channel.count == broadcast.count { return .anybody }
        let room = channel[broadcast.count..<(channel.count - 1)]
        guard channel.bytes.byte(at: channel.count - 1) == Self.hash else { return .foreign }
        // A room may have the empty name; the reference does not filter there either.
        return room.isEmpty ? .anybody : .room(Room(room.text))
    }

    /// Whom a broadcast is for, as far as its channel tells.
    enum Target: Equatable {
        case anybody
        case room(Room)
        /// The pattern has matched something that is no channel of this namespace.
        case foreign
    }

    private static let hash = UInt8(ascii: "#")

    private static func appending(_ name: String, to prefix: SharedBytes) -> SharedBytes {
        var channel = ByteBuffer(capacity: prefix.count + name.utf8.count + 1)
        channel.append(prefix)
        channel.append(text: name)
        channel.append(hash)
        return channel.takeShared()
    }

    /// A name in which Redis sees no pattern; the reference forgets that.
    private static func escaped(_ name: String) -> String {
        var text = ""
        for character in name.unicodeScalars {
            if "*?[]\\".unicodeScalars.contains(character) { text.append("\\") }
            text.unicodeScalars.append(character)
        }
        return text
    }
}
