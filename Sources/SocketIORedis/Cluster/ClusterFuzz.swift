import Bytes
import MessagePack
import SocketIO

/// The fuzz entry point of what other servers send.
package enum ClusterFuzz {
    /// Takes any input for a message of each kind; false if what is understood cannot be passed on.
    ///
    /// It must neither trap nor hang.
    package static func run(_ input: [UInt8]) -> Bool {
        let payload = SharedBytes(input)
        let limits = MessagePackLimits()
        let classic = ClassicCoding(uid: "abcdef", namespace: "/", limits: limits)
        let cluster = ClusterCoding(uid: "0123456789abcdef", namespace: "/", limits: limits)
        return holds({ try classic.decodeBroadcast(payload) }, classic.encode)
            && holds({ try classic.decodeRequest(payload) }, classic.encode)
            && holds({ try classic.decodeResponse(payload) }, classic.encode)
            && holds({ try cluster.decode(payload) }, cluster.encode)
    }

    private static func holds(
        _ decode: () throws -> ReceivedMessage,
        _ encode: (ClusterMessage) -> SharedBytes
    ) -> Bool {
        // Whatever is wrong with the input is an error, which is all that is asked for.
        guard let message = try? decode().message else { return true }
        let wire = encode(message)
        guard !wire.isEmpty else { return false }
        switch message {
        case .broadcast(let packet, _, _), .serverSideEmit(let packet, _):
            return isArray(packet.arguments)
        case .ack(let arguments, _), .serverSideAnswer(let arguments, _):
            return isArray(arguments)
        case .join, .leave, .disconnect, .fetchSockets, .fetchRooms, .fetchIDs, .sockets, .rooms,
            .ids, .clientCount, .clientLeft, .receipt:
            return true
        }
    }

    /// Whether the arguments are what clients can be sent: values of JSON in UTF-8.
    private static func isArray(_ arguments: Arguments) -> Bool {
        let text = SharedBytes("[\(arguments.json.text)]")
        return arguments.json.bytes.isValidUTF8 && (try? JSONSlice(validating: text)) != nil
    }
}
