import Bytes
import EngineIOProtocol
import Loop
import WebSocket

/// One WebSocket of a session: its transport, or the probe of an upgrade (protocol.md §§7–8).
final class WebSocketTransport: ConnectionHandler {
    private enum Life {
        case open
        case closed
    }

    private let connection: Connection
    private var session: EngineSession?
    private var reader: MessageReader
    private var life = Life.open
    private let binaryForm: BinaryForm

    /// A transport that answers messages above `maxMessageBytes` with 1009.
    init(
        _ connection: Connection,
        session: EngineSession,
        maxMessageBytes: Int,
        binaryForm: BinaryForm
    ) {
        self.binaryForm = binaryForm
        self.connection = connection
        self.session = session
        reader = MessageReader(maxMessageBytes: maxMessageBytes)
    }

    /// The connection, where frames may be written to it as they are.
    var outlet: Unmanaged<Connection>? {
        switch binaryForm {
        case .plain: .passUnretained(connection)
        case .typed, .base64: nil
        }
    }

    var isWritable: Bool { !connection.isWriteBlocked }

    func send(_ packet: OutgoingPacket) {
        guard packet.isBinary else {
            connection.write(packet.frame)
            return
        }
        switch binaryForm {
        case .plain:
            connection.write(packet.frame)
        case .typed:
            // The payload is shared by all receivers; only what precedes it is made for each.
            let payload = packet.payload
            connection.write(BinaryForm.typedHead(payloadCount: payload.count))
            connection.write(payload)
        case .base64(let version):
            let unit = EnginePacket.textUnit(binary: packet.payload.bytes, version: version)
            connection.write(OutgoingPacket(text: unit.bytes).frame)
        }
    }

    /// Sends a close frame, by default without a code as the reference does, and closes (§7).
    func close(_ code: CloseCode? = nil) {
        guard case .open = life else { return }
        life = .closed
        session = nil
        connection.write(FrameWriter.closeFrame(code))
        connection.closeWhenDrained()
    }

    func received(_ bytes: inout MutableRawSpan) {
        var offset = 0
        do {
            while case .open = life {
                switch try reader.next(in: &bytes, at: &offset) {
                case .needsMore:
                    return
                case .message(let opcode, let range):
                    let message = bytes.bytes.extracting(range)
                    if opcode == .text {
                        received(text: message)
                    } else {
                        received(binary: SharedBytes(copying: message))
                    }
                case .assembledMessage(let opcode, let message):
                    if opcode == .text {
                        received(text: message.bytes)
                    } else {
                        received(binary: message)
                    }
                case .ping(let payload):
                    connection.write(FrameWriter.frame(.pong, payload: payload.bytes))
                case .pong:
                    break
                case .close(let code, _):
                    peerClosed(code)
                }
            }
        } catch {
            fail(error)
        }
    }

    /// Bytes that came together with the upgrade request.
    func receivedEarly(_ bytes: RawSpan) {
        var buffer = ByteBuffer(capacity: bytes.byteCount)
        buffer.append(bytes)
        var span = buffer.mutableBytes
        received(&span)
    }

    func drained() {}

    func ended(_ end: ConnectionEnd) {
        guard case .open = life else { return }
        life = .closed
        switch end {
        case .peerClosed, .failed:
            sessionGone(.transportClose, nil)
        case .sendQueueOverflow:
            sessionGone(.transportError, "send queue overflow")
        }
    }

    private func received(text: RawSpan) {
        guard let session else { return }
        if session.isCurrent(self) {
            _ = session.received(unit: text)
        } else {
            session.receivedProbe(text)
        }
    }

    private func received(binary: SharedBytes) {
        guard let session else { return }
        if session.isCurrent(self) { session.received(frame: binary) } else { session.endProbe() }
    }

    /// RFC 6455 §5.5.1: a close frame is answered with the code it carried.
    private func peerClosed(_ code: CloseCode?) {
        let session = session
        close(code)
        gone(session, .transportClose, nil)
    }

    private func fail(_ violation: ProtocolViolation) {
        let session = session
        close(violation.closeCode)
        gone(session, .transportError, "\(violation)")
    }

    private func sessionGone(_ reason: CloseReason, _ description: String?) {
        let session = session
        self.session = nil
        gone(session, reason, description)
    }

    private func gone(_ session: EngineSession?, _ reason: CloseReason, _ description: String?) {
        guard let session else { return }
        if session.isCurrent(self) {
            session.close(reason, description)
        } else {
            session.endProbe()
        }
    }
}
