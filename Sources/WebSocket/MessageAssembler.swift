import Bytes

/// Puts messages together from fragments (RFC 6455 §5.4) and checks their text (§8.1).
///
/// Control frames (§5.5) do not pass through it: they may come between fragments.
struct MessageAssembler: ~Copyable {
    /// How many bytes a message may have.
    let maxMessageBytes: Int
    /// The opcode of the message that is being assembled; nil between messages.
    private var opcode: Opcode?
    /// The reserved bits of the current or last message's first frame: the seam for RFC 7692.
    private(set) var reservedBits: ReservedBits = []
    private var buffer = ByteBuffer()
    private var validator = UTF8Validator()

    init(maxMessageBytes: Int) {
        self.maxMessageBytes = maxMessageBytes
    }

    /// Whether the text of the current message is checked as it arrives: not if compressed.
    private var isCheckingText: Bool { opcode == .text && !reservedBits.contains(.rsv1) }

    /// Takes the header of a data frame: whether it may come now, and fits in the limit.
    mutating func begin(_ header: FrameHeader) throws(ProtocolViolation) {
        switch (header.opcode, opcode) {
        case (.continuation, nil): throw .unexpectedContinuation
        case (.continuation, _): break
        case (_, nil):
            opcode = header.opcode
            reservedBits = header.reservedBits
        case (_, _): throw .expectedContinuation
        }
        guard header.payloadCount <= maxMessageBytes - buffer.count else {
            let size = header.payloadCount.addingReportingOverflow(buffer.count)
            throw .messageTooBig(
                limit: maxMessageBytes,
                size: size.overflow ? .max : size.partialValue
            )
        }
    }

    /// Takes a final frame whose payload has wholly arrived; false if it is the last of several.
    ///
    /// Nothing is copied: the payload is the message. `isASCII` spares looking at it again.
    mutating func takeWhole(
        _ payload: RawSpan,
        isASCII: Bool
    ) throws(ProtocolViolation) -> Opcode? {
        guard buffer.isEmpty, let opcode, validator.isBetweenCharacters else { return nil }
        if !isASCII, isCheckingText, !payload.isValidUTF8 { throw .invalidUTF8 }
        self.opcode = nil
        return opcode
    }

    /// Takes the next part of a payload, `announced` bytes of whose frame are still to come.
    mutating func append(
        _ part: RawSpan,
        isASCII: Bool,
        announced: Int
    ) throws(ProtocolViolation) {
        guard !part.isEmpty else { return }
        if isCheckingText, !(isASCII && validator.isBetweenCharacters), !validator.accept(part) {
            throw .invalidUTF8
        }
        // As much as was announced, but never more than twice what has arrived: an announcement
        // that is not kept costs little, and a long message is still copied O(n) times.
        let arrived = buffer.count + part.byteCount
        buffer.reserve(part.byteCount + min(announced, max(arrived, 1024)))
        buffer.append(part)
    }

    /// Ends the message, whose final frame has wholly arrived.
    mutating func finish() throws(ProtocolViolation) -> (Opcode, SharedBytes) {
        guard let opcode else { preconditionFailure("a message ends that never began") }
        guard validator.isBetweenCharacters else { throw .invalidUTF8 }
        self.opcode = nil
        return (opcode, buffer.takeShared())
    }
}
