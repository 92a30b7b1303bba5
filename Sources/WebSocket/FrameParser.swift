import Bytes

/// The reserved bits of a frame, which extensions give a meaning (RFC 6455 §5.2, §9).
package struct ReservedBits: OptionSet, Sendable {
    package var rawValue: UInt8

    /// The bits as they stand in a frame's first byte.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue & 0x70
    }

    /// RSV1, which permessage-deflate sets on the first frame of a compressed message (RFC 7692 §6).
    package static let rsv1 = ReservedBits(rawValue: 0x40)
}

/// A frame's header, as far as a reader needs it.
struct FrameHeader {
    var isFinal: Bool
    var reservedBits: ReservedBits
    var opcode: Opcode
    /// In bytes; at most `Int.max`.
    var payloadCount: Int
    var mask: Mask
}

/// Reads the headers of a client's frames, whole or in pieces (RFC 6455 §5.2).
///
/// ```
///  byte 0            byte 1            then
/// +-+-+-+-+-------+ +-+-------------+ +--------------+----------+
/// |F|R|R|R| opcode| |M|   length    | | 16 or 64 bit | masking  |
/// |I|S|S|S|  (4)  | |A|     (7)     | | length, when | key (32) |
/// |N|V|V|V|       | |S|             | | it is 126 or |          |
/// | |1|2|3|       | |K|             | | 127          |          |
/// +-+-+-+-+-------+ +-+-------------+ +--------------+----------+
/// ```
///
/// A violation is thrown at the first byte that shows it, whatever the pieces.
struct FrameParser {
    /// Which reserved bits an extension was negotiated for.
    private let allowedReservedBits: ReservedBits
    /// The bytes of a header that has not wholly arrived: at most 2, a 64-bit length, the key.
    private var partial = [14 of UInt8](repeating: 0)
    private var partialCount = 0

    init(allowedReservedBits: ReservedBits) {
        self.allowedReservedBits = allowedReservedBits
    }

    /// Reads a header at `offset` and moves that past it; nil when more bytes are needed.
    mutating func header(
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(ProtocolViolation) -> FrameHeader? {
        guard partialCount > 0 else {
            var length = 0
            if let header = try parse(bytes, at: offset, length: &length) {
                offset += length
                return header
            }
            while offset < bytes.byteCount {
                keep(bytes.byte(at: offset))
                offset += 1
            }
            return nil
        }
        while offset < bytes.byteCount {
            keep(bytes.byte(at: offset))
            offset += 1
            var length = 0
            let kept = RawSpan(_elements: partial.span).extracting(0..<partialCount)
            if let header = try parse(kept, at: 0, length: &length) {
                partialCount = 0
                return header
            }
        }
        return nil
    }

    private mutating func keep(_ byte: UInt8) {
        partial[partialCount] = byte
        partialCount += 1
    }

    /// Reads a header from what there is; nil, with `length` undefined, if that is not enough.
    private func parse(
        _ bytes: RawSpan,
        at start: Int,
        length: inout Int
    ) throws(ProtocolViolation) -> FrameHeader? {
        let available = bytes.byteCount - start
        guard available > 0 else { return nil }
        let first = bytes.byte(at: start)
        let isFinal = first & 0x80 != 0
        let reservedBits = ReservedBits(rawValue: first)
        guard reservedBits.isSubset(of: allowedReservedBits) else { throw .reservedBitsSet }
        guard let opcode = Opcode(rawValue: first & 0x0F) else {
            throw .unknownOpcode(first & 0x0F)
        }
        // RFC 7692 §6.1: only a message's first frame tells whether it is compressed.
        if !reservedBits.isEmpty, opcode.isControl || opcode == .continuation {
            throw .reservedBitsSet
        }
        if opcode.isControl, !isFinal { throw .fragmentedControlFrame }

        guard available > 1 else { return nil }
        let second = bytes.byte(at: start + 1)
        guard second & 0x80 != 0 else { throw .unmaskedFrame }
        let shortLength = Int(second & 0x7F)
        if opcode.isControl, shortLength > 125 { throw .controlFrameTooLong }

        let payloadCount: Int
        switch shortLength {
        case 126:
            guard available >= 4 else { return nil }
            payloadCount = Int(bytes.byte(at: start + 2)) << 8 | Int(bytes.byte(at: start + 3))
            guard payloadCount > 125 else { throw .nonMinimalLength }
            length = 4
        case 127:
            guard available >= 10 else { return nil }
            let wide = bytes.word(at: start + 2).byteSwapped
            guard wide >> 63 == 0 else { throw .lengthHighBitSet }
            guard wide > 0xFFFF else { throw .nonMinimalLength }
            payloadCount = Int(wide)
            length = 10
        default:
            payloadCount = shortLength
            length = 2
        }

        guard available >= length + 4 else { return nil }
        var key: UInt32 = 0
        for index in 0..<4 {
            key |= UInt32(bytes.byte(at: start + length + index)) << UInt32(8 * index)
        }
        length += 4
        return FrameHeader(
            isFinal: isFinal,
            reservedBits: reservedBits,
            opcode: opcode,
            payloadCount: payloadCount,
            mask: Mask(littleEndian: key)
        )
    }
}
