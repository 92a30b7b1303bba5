package import Bytes

/// Reads a client's frames and hands out messages and control frames (RFC 6455 §5).
///
/// A message of one frame that has wholly arrived is unmasked in the receive buffer and handed out
/// as a range of it, uncopied. Of all else only what has arrived is kept; idle, nothing is. Once
/// `next` threw or returned `close`, further input is not to be read.
package struct MessageReader: ~Copyable {
    /// What a reader found.
    package enum Event: Equatable, Sendable {
        /// Everything was consumed.
        case needsMore
        /// A message, text or binary, that is this range of the bytes read.
        case message(Opcode, Range<Int>)
        /// A message, text or binary, that came in fragments or in several reads.
        case assembledMessage(Opcode, SharedBytes)
        /// To be answered by a pong with the same payload (§5.5.2).
        case ping(SharedBytes)
        /// An answer to a ping, or unsolicited (§5.5.3).
        case pong(SharedBytes)
        /// To be answered by a close frame, if none was sent (§5.5.1).
        case close(CloseCode?, reason: String)
    }

    private enum State {
        case header
        case payload(FrameHeader, received: Int)
    }

    private var state = State.header
    private var parser: FrameParser
    private var assembler: MessageAssembler
    /// The payload of a control frame that has not wholly arrived.
    private var control = ByteBuffer()

    /// A reader at the start of a connection.
    ///
    /// - Parameters:
    ///   - maxMessageBytes: What a message may have, over all its fragments; 2 GiB at most.
    ///   - allowedReservedBits: Those that a negotiated extension uses.
    package init(maxMessageBytes: Int = 1_000_000, allowedReservedBits: ReservedBits = []) {
        parser = FrameParser(allowedReservedBits: allowedReservedBits)
        assembler = MessageAssembler(maxMessageBytes: min(max(maxMessageBytes, 0), Int(Int32.max)))
    }

    /// The reserved bits of the message last handed out (RFC 7692 §6.2).
    package var reservedBits: ReservedBits { assembler.reservedBits }

    /// Reads on, up to the next event.
    ///
    /// - Parameters:
    ///   - bytes: What was read; payloads in it are unmasked in place.
    ///   - offset: Where to read on; moved past what was consumed.
    /// - Returns: The event; only after `needsMore` has everything been consumed.
    /// - Throws: What the peer did wrong, at the latest with the last byte of the frame.
    package mutating func next(
        in bytes: inout MutableRawSpan,
        at offset: inout Int
    ) throws(ProtocolViolation) -> Event {
        while true {
            switch state {
            case .header:
                guard let header = try parser.header(in: bytes.bytes, at: &offset) else {
                    return .needsMore
                }
                if !header.opcode.isControl { try assembler.begin(header) }
                state = .payload(header, received: 0)
            case .payload(let header, let received):
                let count = min(bytes.byteCount - offset, header.payloadCount - received)
                let range = offset..<offset + count
                let isASCII = header.mask.remove(from: &bytes, in: range, phase: received)
                offset += count
                let left = header.payloadCount - received - count
                let part = bytes.bytes.extracting(range)
                if left == 0 {
                    state = .header
                } else {
                    state = .payload(header, received: received + count)
                }
                if header.opcode.isControl {
                    control.append(part)
                    guard left == 0 else { return .needsMore }
                    return try event(of: header.opcode, payload: control.takeShared())
                }
                if left == 0, received == 0, header.isFinal,
                    let opcode = try assembler.takeWhole(part, isASCII: isASCII)
                {
                    return .message(opcode, range)
                }
                try assembler.append(part, isASCII: isASCII, announced: left)
                guard left == 0 else { return .needsMore }
                guard header.isFinal else { continue }
                let (opcode, message) = try assembler.finish()
                return .assembledMessage(opcode, message)
            }
        }
    }

    /// What a whole control frame means (§5.5).
    private func event(
        of opcode: Opcode,
        payload: SharedBytes
    ) throws(ProtocolViolation) -> Event {
        switch opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        case .close: break
        case .continuation, .text, .binary: preconditionFailure("not a control frame")
        }
        guard !payload.isEmpty else { return .close(nil, reason: "") }
        guard payload.count > 1 else { throw .badClosePayload }
        let bytes = payload.bytes
        let code = CloseCode(rawValue: UInt16(bytes.byte(at: 0)) << 8 | UInt16(bytes.byte(at: 1)))
        guard code.isValidOnWire else { throw .badCloseCode(code.rawValue) }
        let reason = bytes.extracting(2..<bytes.byteCount)
        guard reason.isValidUTF8 else { throw .invalidUTF8 }
        return .close(code, reason: reason.text)
    }
}
