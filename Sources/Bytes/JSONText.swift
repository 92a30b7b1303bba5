/// JSON strings, both ways (RFC 8259 §7).
extension ByteBuffer {
    /// Appends `text` as a JSON string with its quotes.
    package mutating func append(jsonString text: String) {
        unsafe append(jsonString: text.utf8.span.bytes)
    }

    /// Appends UTF-8 as a JSON string with its quotes.
    ///
    /// Escaped are the quote, the backslash and control characters, in the forms of JSON.stringify;
    /// all else (U+2028, U+2029 and U+007F too) stays as it is. Text without any of them costs a
    /// search by words and a copy.
    package mutating func append(jsonString bytes: RawSpan) {
        reserve(bytes.byteCount + 2)
        append(ASCII.quote)
        var start = 0
        while true {
            let stop = JSONScanner.firstSpecial(in: bytes, from: start)
            append(bytes.extracting(start..<stop))
            guard stop < bytes.byteCount else { break }
            append(escaped: bytes.byte(at: stop))
            start = stop + 1
        }
        append(ASCII.quote)
    }

    /// Appends the text that the contents of a validated JSON string (without its quotes) mean.
    ///
    /// An escape for a lone surrogate becomes U+FFFD, as UTF-8 cannot hold it. In text that has not
    /// been validated a bad escape becomes U+FFFD too.
    package mutating func append(unescaping contents: RawSpan) {
        reserve(contents.byteCount)
        var start = 0
        while let backslash = contents.firstIndex(of: ASCII.backslash, from: start) {
            append(contents.extracting(start..<backslash))
            let escape = JSONText.escape(in: contents, at: backslash)
            append(scalar: escape.scalar)
            start = escape.end
        }
        append(contents.extracting(start..<contents.byteCount))
    }

    private mutating func append(escaped byte: UInt8) {
        switch byte {
        case ASCII.quote: append("\\\"")
        case ASCII.backslash: append("\\\\")
        case 0x08: append("\\b")
        case ASCII.tab: append("\\t")
        case ASCII.lineFeed: append("\\n")
        case 0x0C: append("\\f")
        case ASCII.carriageReturn: append("\\r")
        default:
            append(byte < 0x10 ? "\\u000" : "\\u001")
            let low = byte & 0x0F
            append(low < 10 ? ASCII.zero + low : 0x61 + low - 10)
        }
    }

    private mutating func append(scalar: UInt32) {
        switch scalar {
        case ..<0x80:
            append(UInt8(truncatingIfNeeded: scalar))
        case ..<0x800:
            append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
            append(continuation: scalar)
        case ..<0x1_0000:
            append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
            append(continuation: scalar >> 6)
            append(continuation: scalar)
        default:
            append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
            append(continuation: scalar >> 12)
            append(continuation: scalar >> 6)
            append(continuation: scalar)
        }
    }

    private mutating func append(continuation bits: UInt32) {
        append(UInt8(truncatingIfNeeded: 0x80 | bits & 0x3F))
    }
}

/// What the escapes of JSON strings mean (RFC 8259 §7).
package enum JSONText {
    private static let replacement: UInt32 = 0xFFFD

    /// The text that the contents of a validated JSON string (without its quotes) mean.
    package static func unescaped(_ contents: RawSpan) -> String {
        guard contents.firstIndex(of: ASCII.backslash) != nil else { return contents.text }
        var buffer = ByteBuffer(capacity: contents.byteCount)
        buffer.append(unescaping: contents)
        return buffer.bytes.text
    }

    /// The scalar that the escape at `start` stands for, and the offset after it.
    ///
    /// Two escapes that form a surrogate pair count as one.
    package static func escape(in contents: RawSpan, at start: Int) -> (scalar: UInt32, end: Int) {
        guard start + 1 < contents.byteCount else { return (replacement, contents.byteCount) }
        let letter = contents.byte(at: start + 1)
        switch letter {
        case ASCII.quote, ASCII.backslash, ASCII.slash: return (UInt32(letter), start + 2)
        case 0x62: return (0x08, start + 2)
        case 0x66: return (0x0C, start + 2)
        case 0x6E: return (0x0A, start + 2)
        case 0x72: return (0x0D, start + 2)
        case 0x74: return (0x09, start + 2)
        case 0x75: break
        default: return (replacement, start + 2)
        }
        guard let unit = codeUnit(in: contents, at: start) else { return (replacement, start + 2) }
        guard 0xD800...0xDFFF ~= unit else { return (unit, start + 6) }
        guard unit < 0xDC00, let low = codeUnit(in: contents, at: start + 6),
            0xDC00...0xDFFF ~= low
        else { return (replacement, start + 6) }
        return (0x1_0000 + (unit - 0xD800) << 10 + (low - 0xDC00), start + 12)
    }

    /// The value of `\uXXXX` at `start`, or nil if something else is there.
    private static func codeUnit(in contents: RawSpan, at start: Int) -> UInt32? {
        guard start + 6 <= contents.byteCount,
            contents.byte(at: start) == ASCII.backslash,
            contents.byte(at: start + 1) == 0x75
        else { return nil }
        var unit: UInt32 = 0
        for offset in (start + 2)..<(start + 6) {
            guard let digit = ASCII.hexValue(contents.byte(at: offset)) else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }
}
