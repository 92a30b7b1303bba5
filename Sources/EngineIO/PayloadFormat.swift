import Bytes
import EngineIOProtocol
import HTTP1

/// The body of a poll response.
struct PollBody {
    let bytes: SharedBytes
    let mediaType: String

    /// A body of text, whatever it frames.
    static func text(_ bytes: SharedBytes) -> PollBody {
        PollBody(bytes: bytes, mediaType: "text/plain; charset=UTF-8")
    }
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
        switch self {
        case .v4:
            var writer = PayloadWriter()
            for packet in packets {
                if packet.isBinary {
                    writer.append(binary: packet.payload.bytes)
                } else {
                    writer.append(unit: packet.payload.bytes)
                }
            }
            return .text(writer.takeShared())
        case .v3(let takesBinary):
            guard takesBinary, packets.contains(where: \.isBinary) else {
                return .text(Self.text(packets))
            }
            return PollBody(
                bytes: Self.binary(packets),
                mediaType: "application/octet-stream"
            )
        case .v3JSONP(let index):
            return .text(JSONPayload.script(Self.text(packets).bytes, index: index.bytes))
        }
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
