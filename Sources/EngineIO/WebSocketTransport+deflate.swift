import Bytes
import Loop
import WebSocket

// Compressed messages (RFC 7692 §7.2).
extension WebSocketTransport {
    /// How many bytes one connection's messages may come to in a turn before the others have theirs.
    ///
    /// As many as a read may have: those 256 KB may decompress to a thousand times as much.
    static let maxInflatedBytesPerTurn = 256 << 10

    /// Whether `packet` is long enough and the app has not said no (protocol.md §7).
    func isWorthCompressing(_ packet: OutgoingPacket) -> Bool {
        guard let policy = engine.options.deflate else { return false }
        return packet.isCompressible && packet.payloadCount >= policy.threshold
    }

    /// Sends a packet compressed, or as it is if that is not shorter.
    ///
    /// With a `ticket` it is compressed for all receivers in this turn that may share it.
    func sendCompressed(_ packet: OutgoingPacket, _ ticket: FrameTicket?) {
        if let ticket, deflate?.sharesFrames == true {
            let kind = deflate?.windowBits ?? 0
            connection.write(
                connection.loop.variant(of: ticket, kind: kind) { compressedFrame(packet) }
            )
        } else {
            connection.write(compressedFrame(packet) ?? packet.frame)
        }
    }

    private func compressedFrame(_ packet: OutgoingPacket) -> SharedBytes? {
        let payload = packet.payload
        return deflate?.frame(
            packet.isBinary ? .binary : .text,
            payload.bytes,
            &engine.deflateContexts
        )
    }

    /// Decompresses and delivers a message; how many bytes it had.
    func received(
        compressed payload: RawSpan,
        _ opcode: Opcode
    ) throws(ProtocolViolation) -> Int {
        let message = try deflate?.inflate(
            opcode,
            payload,
            limit: engine.options.maxHTTPBufferSize,
            &engine.deflateContexts
        )
        guard let message else { preconditionFailure("RSV1 was allowed without an agreement") }
        if opcode == .text {
            received(text: message.bytes)
        } else {
            received(binary: message)
        }
        return message.count
    }
}
