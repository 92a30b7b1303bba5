/// What a peer did against RFC 6455; the connection is answered with `closeCode` and closed.
package enum ProtocolViolation: Error, Equatable, Sendable {
    /// §5.2: a reserved bit that no negotiated extension defines, or defines elsewhere.
    case reservedBitsSet
    /// §5.2: one of the opcodes 3–7 and 11–15.
    case unknownOpcode(UInt8)
    /// §5.1: a client's frame without a mask.
    case unmaskedFrame
    /// §5.5: a control frame without the final bit.
    case fragmentedControlFrame
    /// §5.5: a control frame of more than 125 bytes.
    case controlFrameTooLong
    /// §5.4: a continuation of no message.
    case unexpectedContinuation
    /// §5.4: a new message inside another.
    case expectedContinuation
    /// §5.2: a length written with more bytes than it needs.
    case nonMinimalLength
    /// §5.2: a 64-bit length with the highest bit set.
    case lengthHighBitSet
    /// §5.5.1: a close frame of a single byte.
    case badClosePayload
    /// §7.4: a close code that is never sent.
    case badCloseCode(UInt16)
    /// §8.1: text, or the reason of a close frame, that is not UTF-8.
    case invalidUTF8
    /// A message longer than the limit, decompressed if it was compressed; `size` is how many bytes
    /// it has at least, as far as its frames have told.
    case messageTooBig(limit: Int, size: Int? = nil)
    /// RFC 7692 §7.2.2: a compressed message that cannot be decompressed.
    case invalidDeflateData
    /// Not the peer's fault: there is no memory to decompress its message.
    case noMemory

    /// The code of the close frame that answers it.
    package var closeCode: CloseCode {
        switch self {
        case .reservedBitsSet, .unknownOpcode, .unmaskedFrame, .fragmentedControlFrame,
            .controlFrameTooLong, .unexpectedContinuation, .expectedContinuation,
            .nonMinimalLength, .lengthHighBitSet, .badClosePayload, .badCloseCode:
            .protocolError
        // RFC 7692 names no code. 1007 is what `ws` sends, and says that the data is not what its
        // frame claims it is; the frames themselves are right, which 1002 would deny.
        case .invalidUTF8, .invalidDeflateData: .invalidPayload
        case .messageTooBig: .messageTooBig
        case .noMemory: .internalError
        }
    }

    /// What the close frame says besides, for whoever wonders why; mostly nothing.
    package var closeReason: String {
        switch self {
        case .messageTooBig(let limit, _): "message of more than \(limit) bytes"
        case .reservedBitsSet, .unknownOpcode, .unmaskedFrame, .fragmentedControlFrame,
            .controlFrameTooLong, .unexpectedContinuation, .expectedContinuation,
            .nonMinimalLength, .lengthHighBitSet, .badClosePayload, .badCloseCode, .invalidUTF8,
            .invalidDeflateData, .noMemory:
            ""
        }
    }
}
