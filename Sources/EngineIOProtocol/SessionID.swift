package import Bytes

/// The id of a session: 15 bytes, written as 20 characters of url-safe base64 (protocol.md §1).
///
/// All 20 characters hold 6 bits, so text and value correspond one to one.
package struct SessionID: Hashable, Sendable {
    /// How many characters an id has.
    package static let characterCount = 20

    /// The 15 bytes, the first one highest.
    private let value: UInt128

    /// An id of 12 random bytes, which the caller draws, and the low 24 bits of a counter.
    package init(random: (UInt64, UInt32), counter: UInt32) {
        value =
            UInt128(random.0) << 56 | UInt128(random.1) << 24 | UInt128(counter & 0xFF_FFFF)
    }

    /// The id written as `text`, or nil if that is none.
    package init?(parsing text: RawSpan) {
        guard text.byteCount == Self.characterCount else { return nil }
        var value: UInt128 = 0
        for offset in 0..<Self.characterCount {
            let byte = text.byte(at: offset)
            let bits: UInt8
            switch byte {
            case 0x41...0x5A: bits = byte - 0x41
            case 0x61...0x7A: bits = byte - 0x61 + 26
            case 0x30...0x39: bits = byte - 0x30 + 52
            case ASCII.minus: bits = 62
            case 0x5F: bits = 63
            default: return nil
            }
            value = value << 6 | UInt128(bits)
        }
        self.value = value
    }

    /// Writes the 20 characters.
    package func write(into buffer: inout ByteBuffer) {
        for index in 0..<Self.characterCount {
            let bits = UInt8(truncatingIfNeeded: value >> UInt128(114 - 6 * index)) & 0x3F
            switch bits {
            case 0..<26: buffer.append(bits + 0x41)
            case 26..<52: buffer.append(bits - 26 + 0x61)
            case 52..<62: buffer.append(bits - 52 + ASCII.zero)
            case 62: buffer.append(ASCII.minus)
            default: buffer.append(0x5F as UInt8)
            }
        }
    }
}

extension SessionID: CustomStringConvertible {
    /// The 20 characters.
    package var description: String {
        var buffer = ByteBuffer(capacity: Self.characterCount)
        write(into: &buffer)
        return buffer.bytes.text
    }
}
