/// Base64 (RFC 4648 §4), read as leniently as Node does.
package enum Base64 {
    /// How many characters encode `byteCount` bytes, padding included.
    package static func encodedCount(of byteCount: Int) -> Int {
        (byteCount + 2) / 3 * 4
    }

    /// Appends the characters of `bytes`, padded with `=`.
    package static func encode(_ bytes: RawSpan, into buffer: inout ByteBuffer) {
        buffer.reserve(encodedCount(of: bytes.byteCount))
        // Staged, since a buffer takes many bytes at once far faster than one by one.
        var stage = [256 of UInt8](repeating: 0)
        var staged = 0
        var offset = 0
        while offset < bytes.byteCount {
            let left = bytes.byteCount - offset
            let first = UInt32(bytes.byte(at: offset))
            let second = left > 1 ? UInt32(bytes.byte(at: offset + 1)) : 0
            let third = left > 2 ? UInt32(bytes.byte(at: offset + 2)) : 0
            let group = first << 16 | second << 8 | third
            stage[staged] = character(group >> 18)
            stage[staged + 1] = character(group >> 12)
            stage[staged + 2] = left > 1 ? character(group >> 6) : ASCII.equals
            stage[staged + 3] = left > 2 ? character(group) : ASCII.equals
            staged += 4
            offset += 3
            if staged == 256 {
                buffer.append(RawSpan(_elements: stage.span))
                staged = 0
            }
        }
        buffer.append(RawSpan(_elements: stage.span).extracting(0..<staged))
    }

    /// The characters of `bytes`, padded with `=`.
    package static func encode(_ bytes: RawSpan) -> SharedBytes {
        var buffer = ByteBuffer(capacity: encodedCount(of: bytes.byteCount))
        encode(bytes, into: &buffer)
        return buffer.takeShared()
    }

    /// The bytes that `text` encodes, or nil if it holds a character of neither alphabet.
    ///
    /// Both alphabets of RFC 4648 (§4 and §5) are read, even mixed; padding may be missing and is
    /// not counted, but nothing may follow it. A last character that is alone in its group holds
    /// no whole byte and is dropped, as Node does.
    package static func decode(_ text: RawSpan) -> SharedBytes? {
        var end = text.byteCount
        while end > 0, text.byte(at: end - 1) == ASCII.equals { end -= 1 }
        let values = values.span
        var seen: UInt8 = 0
        let bytes = SharedBytes(capacity: end * 3 / 4) { output in
            var offset = 0
            while offset + 4 <= end {
                let first = values[Int(text.byte(at: offset))]
                let second = values[Int(text.byte(at: offset + 1))]
                let third = values[Int(text.byte(at: offset + 2))]
                let fourth = values[Int(text.byte(at: offset + 3))]
                seen |= first | second | third | fourth
                output.append(first << 2 | second >> 4)
                output.append(second << 4 | third >> 2)
                output.append(third << 6 | fourth)
                offset += 4
            }
            var group: UInt32 = 0
            for index in offset..<end {
                let value = values[Int(text.byte(at: index))]
                seen |= value
                group |= UInt32(value & 0x3F) << UInt32(18 - 6 * (index - offset))
            }
            if end - offset > 1 { output.append(UInt8(truncatingIfNeeded: group >> 16)) }
            if end - offset > 2 { output.append(UInt8(truncatingIfNeeded: group >> 8)) }
        }
        return seen & invalid == 0 ? bytes : nil
    }

    /// The character of the low 6 bits of `value`.
    private static func character(_ value: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: value & 0x3F)
        return switch value {
        case 0..<26: value + 0x41
        case 26..<52: value - 26 + 0x61
        case 52..<62: value - 52 + ASCII.zero
        case 62: ASCII.plus
        default: ASCII.slash
        }
    }

    /// The bit that no 6-bit value has.
    private static let invalid: UInt8 = 0x80

    /// The value of each character, or `invalid`.
    private static let values: [256 of UInt8] = {
        var values = [256 of UInt8](repeating: invalid)
        for value in 0..<64 { values[Int(character(UInt32(value)))] = UInt8(value) }
        values[Int(ASCII.minus)] = 62
        values[0x5F] = 63
        return values
    }()
}
