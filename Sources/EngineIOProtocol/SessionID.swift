package import Bytes

/// The id of a session: 15 bytes, written as 20 characters of url-safe base64 (protocol.md §1), or
/// a text of the app's own.
///
/// All 20 characters hold 6 bits, so text and value correspond one to one.
package struct SessionID: Hashable, Sendable {
    /// How many characters a generated id has.
    package static let characterCount = 20
    /// How many characters an app's own id may have.
    package static let maxCharacters = 128

    private enum Form: Hashable {
        /// The 15 bytes, the first one highest.
        case value(UInt128)
        /// What cannot be written so.
        case text(String)
    }

    private let form: Form

    /// An id of 12 random bytes, which the caller draws, and the low 24 bits of a counter.
    package init(random: (UInt64, UInt32), counter: UInt32) {
        form = .value(
            UInt128(random.0) << 56 | UInt128(random.1) << 24 | UInt128(counter & 0xFF_FFFF)
        )
    }

    /// The id written as `text`, or nil if that is none.
    ///
    /// Ids stand in URLs, cookies, JSON and scripts: 1 to 128 of the characters that mean
    /// themselves in all of them (RFC 3986 §2.3, `unreserved`).
    package init?(parsing text: RawSpan) {
        guard 1...Self.maxCharacters ~= text.byteCount else { return nil }
        if let value = Self.value(of: text) {
            form = .value(value)
            return
        }
        for offset in 0..<text.byteCount {
            switch text.byte(at: offset) {
            case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, ASCII.minus, ASCII.dot, 0x5F, 0x7E: continue
            default: return nil
            }
        }
        form = .text(text.text)
    }

    private static func value(of text: RawSpan) -> UInt128? {
        guard text.byteCount == characterCount else { return nil }
        var value: UInt128 = 0
        for offset in 0..<characterCount {
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
        return value
    }

    /// Writes the characters.
    package func write(into buffer: inout ByteBuffer) {
        switch form {
        case .value(let value): Self.write(value, into: &buffer)
        case .text(let text): buffer.append(text: text)
        }
    }

    private static func write(_ value: UInt128, into buffer: inout ByteBuffer) {
        for index in 0..<characterCount {
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
    /// The characters.
    package var description: String {
        var buffer = ByteBuffer(capacity: Self.characterCount)
        write(into: &buffer)
        return buffer.bytes.text
    }
}
