import Bytes
import EngineIOProtocol

/// How binary messages leave on one WebSocket, chosen when it opens (protocol.md §2, §7, §13).
enum BinaryForm {
    /// Version 4: a binary frame of nothing else.
    case plain
    /// Version 3: a binary frame that begins with the type.
    case typed
    /// A text frame, for a peer that has said `b64`.
    case base64(EngineVersion)

    init(_ version: EngineVersion, takesBinary: Bool) {
        switch version {
        case .v4 where takesBinary: self = .plain
        case .v3 where takesBinary: self = .typed
        case .v3, .v4: self = .base64(version)
        }
    }

    /// What tells the frames of this form from others of the same packet; nil is the packet's own.
    ///
    /// Below 8, the least of the window bits by which those of compression are told apart.
    var kind: UInt8? {
        switch self {
        case .plain: nil
        case .typed: 1
        case .base64(.v3): 2
        case .base64(.v4): 3
        }
    }

    /// A binary message in this form.
    func packet(_ packet: OutgoingPacket) -> OutgoingPacket {
        let message = packet.payload
        var converted: OutgoingPacket
        switch self {
        case .plain:
            return packet
        case .typed:
            converted = OutgoingPacket(typedBinary: message.bytes)
        case .base64(let version):
            let unit = EnginePacket.textUnit(binary: message.bytes, version: version)
            converted = OutgoingPacket(text: unit.bytes)
        }
        converted.isCompressible = packet.isCompressible
        converted.role = packet.role
        return converted
    }
}
