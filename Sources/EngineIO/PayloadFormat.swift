import Bytes
import EngineIOProtocol
import HTTP1

/// The body of a poll response.
struct PollBody {
    let bytes: SharedBytes
    let mediaType: String
    /// Whether it may be compressed (§11).
    let isCompressible: Bool
}

/// How the bodies of one polling session are framed, chosen at its handshake (protocol.md §6, §13).
enum PayloadFormat {
    case v4
    /// Binary bodies for batches with binary messages, unless the client has said `b64`.
    case v3(takesBinary: Bool)
    /// Scripts, and forms in return; the index is that of the client's `j`.
    case v3JSONP(index: SharedBytes)

    init(_ version: EngineVersion, _ query: Query) {
        switch version {
        case .v4:
            self = .v4
        case .v3:
            if let index = query.value(of: "j") {
                self = .v3JSONP(index: JSONPayload.index(parameter: index))
            } else {
                self = .v3(takesBinary: query.takesBinary)
            }
        }
    }

    /// The body that brings `packets`, of which there is at least one, to the client.
    func encode(_ packets: [OutgoingPacket]) -> PollBody {
        let bytes: SharedBytes
        var mediaType = "text/plain; charset=UTF-8"
        switch self {
        case .v4:
            bytes = Self.textV4(packets)
        case .v3(takesBinary: true) where packets.contains { $0.isBinary }:
            bytes = Self.binary(packets)
            mediaType = "application/octet-stream"
        case .v3:
            bytes = Self.text(packets)
        case .v3JSONP(let index):
            let text = Self.text(packets)
            bytes = JSONPayload.script(text.bytes, index: index.bytes)
        }
        return PollBody(
            bytes: bytes,
            mediaType: mediaType,
            isCompressible: packets.contains { $0.isCompressible }
        )
    }

    private static func textV4(_ packets: [OutgoingPacket]) -> SharedBytes {
        var writer = PayloadWriter()
        for packet in packets {
            if packet.isBinary {
                writer.append(binary: packet.payload.bytes)
            } else {
                writer.append(unit: packet.payload.bytes)
            }
        }
        return writer.takeShared()
    }

    private static func text(_ packets: [OutgoingPacket]) -> SharedBytes {
        var writer = PayloadWriterV3()
        for packet in packets {
            if packet.isBinary {
                writer.append(binary: packet.payload.bytes)
            } else {
                writer.append(unit: packet.payload.bytes)
            }
        }
        return writer.takeShared()
    }

    private static func binary(_ packets: [OutgoingPacket]) -> SharedBytes {
        var writer = BinaryPayloadWriterV3()
        for packet in packets {
            if packet.isBinary {
                writer.append(binary: packet.payload.bytes)
            } else {
                writer.append(unit: packet.payload.bytes)
            }
        }
        return writer.takeShared()
    }
}

extension Query {
    /// Whether the peer has not said `b64` (§2).
    var takesBinary: Bool { value(of: "b64") ?? "" == "" }
}
