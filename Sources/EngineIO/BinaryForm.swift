import Bytes
import EngineIOProtocol
import WebSocket

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

    /// What comes before the payload of a typed message: the frame's header and the type.
    static func typedHead(payloadCount: Int) -> SharedBytes {
        let count = payloadCount + 1
        return SharedBytes(capacity: FrameWriter.headerLength(payloadCount: count) + 1) { output in
            FrameWriter.appendHeader(.binary, payloadCount: count, to: &output)
            output.append(EnginePacket.typeByte)
        }
    }
}
