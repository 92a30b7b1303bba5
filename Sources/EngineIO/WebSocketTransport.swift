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

    let connection: Connection
    let engine: EngineLoop
    private var session: EngineSession?
    private var reader: MessageReader
    private var life = Life.open
    private let binaryForm: BinaryForm
    /// How many bytes may be queued while pings are still answered one by one.
    private static let maxPongBacklog = 8 << 10

    /// Whether the session is to hear when the connection has drained.
    private var isDrainExpected = false
    /// The answers to the last pings of the WebSocket and of Engine.IO 3, while much waits.
    private var duePong: SharedBytes?
    private var dueEnginePong: SharedBytes?
    /// Compression, where the peers have agreed upon it.
    var deflate: PermessageDeflate?
    /// What was read while decompressing has taken long enough for a turn.
    private var unread = ByteBuffer()

    /// A transport that answers messages above the engine's limit with 1009.
    init(
        _ connection: Connection,
        session: EngineSession,
        binaryForm: BinaryForm,
        deflate: DeflateParameters?
    ) {
        self.binaryForm = binaryForm
        self.connection = connection
        self.session = session
        engine = session.engine
        reader = MessageReader(
            maxMessageBytes: engine.options.maxHTTPBufferSize,
            allowedReservedBits: deflate == nil ? [] : .rsv1
        )
        if let deflate { self.deflate = PermessageDeflate(deflate) }
        isDrainExpected = connection.isWriteBlocked
        connection.setWriteThrough(
            above: min(EngineSession.writeThroughBytes, engine.options.maxSendQueueBytes / 2)
        )
    }

    /// The connection, where frames may be written to it as they are.
    var outlet: Unmanaged<Connection>? {
        switch binaryForm {
        case .plain: deflate == nil ? .passUnretained(connection) : nil
        case .typed, .base64: nil
        }
    }

    var isWritable: Bool { !connection.isWriteBlocked }

    /// Sends a packet; `ticket` is its frame, enlisted in this turn, if it has many receivers.
    func send(_ packet: OutgoingPacket, _ ticket: FrameTicket? = nil) {
        guard case .open = life else { return }
        guard packet.isBinary, let kind = binaryForm.kind else {
            write(packet, ticket)
            return
        }
        if let ticket, deflate == nil {
            // Made for the first receiver of that form.
            connection.write(
                connection.loop.variant(of: ticket, kind: kind) { binaryForm.packet(packet).frame }
            )
        } else {
            write(binaryForm.packet(packet), nil)
        }
    }

    private func write(_ packet: OutgoingPacket, _ ticket: FrameTicket?) {
        if deflate != nil, isWorthCompressing(packet) {
            sendCompressed(packet, ticket)
        } else if let ticket {
            connection.write(ticket)
        } else {
            connection.write(packet.frame)
        }
    }

    /// Sends a close frame, by default without a code as the reference does, and closes (§7).
    func close(_ code: CloseCode? = nil, reason: String = "") {
        guard case .open = life else { return }
        life = .closed
        session = nil
        connection.write(FrameWriter.closeFrame(code, reason: reason))
        connection.closeWhenDrained()
    }

    /// Closes at once, without a word to a peer that would not read it.
    func abort() {
        life = .closed
        session = nil
        connection.close()
    }

    /// Has the session told when everything sent so far has left.
    func expectDrained() { isDrainExpected = true }

    func received(_ bytes: inout MutableRawSpan) {
        var offset = 0
        var inflatedBytes = 0
        do {
            while case .open = life {
                switch try reader.next(in: &bytes, at: &offset) {
                case .needsMore:
                    return
                case .message(let opcode, let range):
                    let message = bytes.bytes.extracting(range)
                    if !reader.reservedBits.isEmpty {
                        inflatedBytes += try received(compressed: message, opcode)
                        guard inflatedBytes <= Self.maxInflatedBytesPerTurn else {
                            postpone(bytes.bytes.extracting(offset..<bytes.byteCount))
                            return
                        }
                    } else if opcode == .text {
                        received(text: message)
                    } else {
                        received(binary: SharedBytes(copying: message))
                    }
                case .assembledMessage(let opcode, let message):
                    if !reader.reservedBits.isEmpty {
                        inflatedBytes += try received(compressed: message.bytes, opcode)
                        guard inflatedBytes <= Self.maxInflatedBytesPerTurn else {
                            postpone(bytes.bytes.extracting(offset..<bytes.byteCount))
                            return
                        }
                    } else if opcode == .text {
                        received(text: message.bytes)
                    } else {
                        received(binary: message)
                    }
                case .ping(let payload):
                    let pong = FrameWriter.frame(.pong, payload: payload.bytes)
                    if answersAtOnce { connection.write(pong) } else { duePong = pong }
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

    /// Bytes that were read before: with the upgrade request, or in an earlier turn.
    func receivedEarly(_ bytes: RawSpan) {
        var buffer = ByteBuffer(capacity: bytes.byteCount)
        buffer.append(bytes)
        var span = buffer.mutableBytes
        received(&span)
    }

    /// Reads on with what a later turn has to do; the connection is not read meanwhile.
    private func postpone(_ rest: RawSpan) {
        guard case .open = life, !rest.isEmpty else { return }
        unread.append(rest)
        connection.setReading(false)
        LoopBound(self, loop: connection.loop).post { $0.readOn() }
    }

    private func readOn() {
        guard case .open = life else { return }
        let rest = unread.takeShared()
        receivedEarly(rest.bytes)
        if unread.isEmpty { connection.setReading(true) }
    }

    /// Sends the answer to a ping of Engine.IO 3 (protocol.md §13).
    func answerPing() {
        let pong = OutgoingPacket.pong.frame
        if answersAtOnce { connection.write(pong) } else { dueEnginePong = pong }
    }

    /// Whether each ping is answered by itself; else, as RFC 6455 §5.5.3 allows, the last one is
    /// when what is queued has left.
    ///
    /// A peer that sends pings and reads nothing had 40 times their size kept otherwise.
    private var answersAtOnce: Bool {
        if isWritable, connection.bufferedBytes < Self.maxPongBacklog { return true }
        isDrainExpected = true
        return false
    }

    func blocked() {
        isDrainExpected = true
        if let session, session.isCurrent(self) { session.webSocketBlocked() }
    }

    func drained() {
        guard isDrainExpected else { return }
        isDrainExpected = false
        if let pong = duePong.take() { connection.write(pong) }
        if let pong = dueEnginePong.take() { connection.write(pong) }
        if let session, session.isCurrent(self) { session.webSocketDrained() }
    }

    func ended(_ end: ConnectionEnd) {
        guard case .open = life else { return }
        life = .closed
        let session = session
        self.session = nil
        gone(session, .transportClose, nil)
    }

    func received(text: RawSpan) {
        guard let session else { return }
        if session.isCurrent(self) {
            _ = session.received(unit: text)
        } else {
            session.receivedProbe(text)
        }
    }

    func received(binary: SharedBytes) {
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
        if case .messageTooBig(_, let size) = violation {
            session?.refused(size: size, by: .webSocket)
        }
        close(violation.closeCode, reason: violation.closeReason)
        gone(session, .transportError, "\(violation)")
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
