/// Why a text is not one JSON value (RFC 8259 §2).
package enum JSONError: Error, Equatable, Sendable {
    /// The text ends inside a value, or there is none.
    case unexpectedEnd
    /// A byte that the grammar does not allow at this offset.
    case unexpectedByte(UInt8, at: Int)
    /// Arrays and objects are nested deeper than this.
    case tooDeep(limit: Int)
}

/// Validates and skips JSON text (RFC 8259) without building values, allocating or recursing.
///
/// The text is taken to be UTF-8; whoever received it has checked that. Escapes are checked, but a
/// lone surrogate escape is accepted, as JSON.parse does.
package enum JSONScanner {
    /// The deepest nesting that can be tracked; a larger limit means this one.
    package static let deepestNesting = 512

    /// Checks that `bytes` hold exactly one value, between optional white space (RFC 8259 §2).
    ///
    /// - Throws: `JSONError`, with the offset of the first byte that is wrong.
    package static func validate(
        _ bytes: RawSpan,
        maxDepth: Int = deepestNesting
    ) throws(JSONError) {
        let start = skipWhitespace(in: bytes, at: 0)
        let valueEnd = try validateValue(in: bytes, at: start, maxDepth: maxDepth)
        let end = skipWhitespace(in: bytes, at: valueEnd)
        guard end == bytes.byteCount else {
            throw .unexpectedByte(bytes.byte(at: end), at: end)
        }
    }

    /// Checks the value that begins exactly at `start` and gives the offset after it.
    ///
    /// What follows the value is not looked at. `maxDepth` 0 allows no array and no object.
    ///
    /// - Throws: `JSONError`, with the offset of the first byte that is wrong.
    package static func validateValue(
        in bytes: RawSpan,
        at start: Int,
        maxDepth: Int = deepestNesting
    ) throws(JSONError) -> Int {
        var nesting = Nesting(limit: maxDepth)
        var offset = start
        while true {
            let first = try byte(in: bytes, at: offset)
            switch first {
            case ASCII.quote:
                offset = try validateString(in: bytes, at: offset).end
            case ASCII.openBrace:
                try nesting.push(isObject: true)
                offset = skipWhitespace(in: bytes, at: offset + 1)
                if try byte(in: bytes, at: offset) != ASCII.closeBrace {
                    offset = try validateName(in: bytes, at: offset)
                    continue
                }
            case ASCII.openBracket:
                try nesting.push(isObject: false)
                offset = skipWhitespace(in: bytes, at: offset + 1)
                if try byte(in: bytes, at: offset) != ASCII.closeBracket { continue }
            case ASCII.minus, ASCII.zero...ASCII.nine:
                offset = try validateNumber(in: bytes, at: offset)
            case 0x74:
                offset = try validateLiteral("true", in: bytes, at: offset)
            case 0x66:
                offset = try validateLiteral("false", in: bytes, at: offset)
            case 0x6E:
                offset = try validateLiteral("null", in: bytes, at: offset)
            default:
                throw .unexpectedByte(first, at: offset)
            }
            // After a value: close what ends here, until a comma asks for the next value.
            while true {
                if nesting.depth == 0 { return offset }
                offset = skipWhitespace(in: bytes, at: offset)
                let byte = try byte(in: bytes, at: offset)
                if byte == ASCII.comma {
                    offset = skipWhitespace(in: bytes, at: offset + 1)
                    if nesting.isInObject { offset = try validateName(in: bytes, at: offset) }
                    break
                }
                guard byte == (nesting.isInObject ? ASCII.closeBrace : ASCII.closeBracket) else {
                    throw .unexpectedByte(byte, at: offset)
                }
                offset += 1
                nesting.pop()
            }
        }
    }

    /// Checks the string whose opening quote is at `start` (RFC 8259 §7).
    ///
    /// Gives the offset after its closing quote, and whether it contains escapes.
    ///
    /// - Throws: `JSONError`, with the offset of the first byte that is wrong.
    package static func validateString(
        in bytes: RawSpan,
        at start: Int
    ) throws(JSONError) -> (end: Int, hasEscapes: Bool) {
        var offset = start + 1
        var hasEscapes = false
        while true {
            offset = firstSpecial(in: bytes, from: offset)
            let special = try byte(in: bytes, at: offset)
            if special == ASCII.quote { return (offset + 1, hasEscapes) }
            guard special == ASCII.backslash else { throw .unexpectedByte(special, at: offset) }
            hasEscapes = true
            offset = try validateEscape(in: bytes, at: offset)
        }
    }

    /// Checks the number that begins at `start` (RFC 8259 §6) and gives the offset after it.
    ///
    /// - Throws: `JSONError`, with the offset of the first byte that is wrong.
    package static func validateNumber(
        in bytes: RawSpan,
        at start: Int
    ) throws(JSONError) -> Int {
        var offset = start
        if try byte(in: bytes, at: offset) == ASCII.minus { offset += 1 }
        if try byte(in: bytes, at: offset) == ASCII.zero {
            offset += 1
        } else {
            offset = try validateDigits(in: bytes, at: offset)
        }
        if offset < bytes.byteCount, bytes.byte(at: offset) == ASCII.dot {
            offset = try validateDigits(in: bytes, at: offset + 1)
        }
        if offset < bytes.byteCount, bytes.byte(at: offset) | 0x20 == 0x65 {
            offset += 1
            let sign = try byte(in: bytes, at: offset)
            if sign == ASCII.plus || sign == ASCII.minus { offset += 1 }
            offset = try validateDigits(in: bytes, at: offset)
        }
        return offset
    }

    /// The offset of the first byte at or after `start` that is not JSON white space.
    @inlinable package static func skipWhitespace(in bytes: RawSpan, at start: Int) -> Int {
        var offset = start
        while offset < bytes.byteCount {
            switch bytes.byte(at: offset) {
            case ASCII.space, ASCII.lineFeed, ASCII.carriageReturn, ASCII.tab: offset += 1
            default: return offset
            }
        }
        return offset
    }

    /// The offset after the value at `start`, in text that has been validated.
    ///
    /// On any other text the answer means nothing, but is not beyond the end.
    package static func skipValue(in bytes: RawSpan, at start: Int) -> Int {
        var offset = start
        var depth = 0
        while offset < bytes.byteCount {
            switch bytes.byte(at: offset) {
            case ASCII.quote:
                offset = skipString(in: bytes, at: offset)
            case ASCII.openBrace, ASCII.openBracket:
                depth += 1
                offset += 1
            case ASCII.closeBrace, ASCII.closeBracket:
                if depth == 0 { return offset }
                depth -= 1
                offset += 1
            case let byte where isSeparator(byte):
                if depth == 0 { return offset }
                offset += 1
            default:
                offset = skipScalar(in: bytes, at: offset)
            }
            if depth == 0 { return offset }
        }
        return offset
    }

    /// The offset after the string whose opening quote is at `start`, in validated text.
    package static func skipString(in bytes: RawSpan, at start: Int) -> Int {
        var offset = firstSpecial(in: bytes, from: start + 1)
        while offset < bytes.byteCount {
            switch bytes.byte(at: offset) {
            case ASCII.quote: return offset + 1
            case ASCII.backslash: offset = firstSpecial(in: bytes, from: offset + 2)
            default: offset = firstSpecial(in: bytes, from: offset + 1)
            }
        }
        return bytes.byteCount
    }

    /// The offset after the number or literal at `start`, in validated text.
    package static func skipScalar(in bytes: RawSpan, at start: Int) -> Int {
        var offset = start + 1
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if isSeparator(byte) || byte | 0x20 == ASCII.closeBrace { return offset }
            offset += 1
        }
        return bytes.byteCount
    }

    /// The offset of the first quote, backslash or control character at or after `start`.
    ///
    /// The end of the text if there is none. Eight bytes at a time: of each of the three masks the
    /// lowest bit is exact (a borrow can only spoil higher ones), so the lowest of all is.
    package static func firstSpecial(in bytes: RawSpan, from start: Int) -> Int {
        let count = bytes.byteCount
        var offset = start
        while offset + 8 <= count {
            let word = bytes.word(at: offset)
            let quote = word ^ 0x2222_2222_2222_2222
            let backslash = word ^ 0x5C5C_5C5C_5C5C_5C5C
            let quotes = (quote &- 0x0101_0101_0101_0101) & ~quote
            let backslashes = (backslash &- 0x0101_0101_0101_0101) & ~backslash
            let controls = (word &- 0x2020_2020_2020_2020) & ~word
            let found = (quotes | backslashes | controls) & 0x8080_8080_8080_8080
            if found != 0 { return offset + found.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < count {
            let byte = bytes.byte(at: offset)
            if byte == ASCII.quote || byte == ASCII.backslash || byte < 0x20 { return offset }
            offset += 1
        }
        return count
    }

    /// The byte at `offset`.
    ///
    /// - Throws: `JSONError.unexpectedEnd` at the end of the text.
    @inlinable package static func byte(
        in bytes: RawSpan,
        at offset: Int
    ) throws(JSONError) -> UInt8 {
        guard offset < bytes.byteCount else { throw .unexpectedEnd }
        return bytes.byte(at: offset)
    }

    /// A comma, a colon or white space.
    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == ASCII.comma || byte == ASCII.colon || byte <= ASCII.space
    }

    /// Checks a member's name and the colon after it; gives the offset where the value begins.
    private static func validateName(
        in bytes: RawSpan,
        at start: Int
    ) throws(JSONError) -> Int {
        let quote = try byte(in: bytes, at: start)
        guard quote == ASCII.quote else { throw .unexpectedByte(quote, at: start) }
        let end = try validateString(in: bytes, at: start).end
        let colonOffset = skipWhitespace(in: bytes, at: end)
        let colon = try byte(in: bytes, at: colonOffset)
        guard colon == ASCII.colon else { throw .unexpectedByte(colon, at: colonOffset) }
        return skipWhitespace(in: bytes, at: colonOffset + 1)
    }

    private static func validateEscape(
        in bytes: RawSpan,
        at start: Int
    ) throws(JSONError) -> Int {
        let letter = try byte(in: bytes, at: start + 1)
        switch letter {
        case ASCII.quote, ASCII.backslash, ASCII.slash, 0x62, 0x66, 0x6E, 0x72, 0x74:
            return start + 2
        case 0x75:
            for place in (start + 2)..<(start + 6) {
                let digit = try byte(in: bytes, at: place)
                guard ASCII.hexValue(digit) != nil else {
                    throw .unexpectedByte(digit, at: place)
                }
            }
            return start + 6
        default:
            throw .unexpectedByte(letter, at: start + 1)
        }
    }

    /// Checks that there is at least one digit and gives the offset after the last.
    private static func validateDigits(
        in bytes: RawSpan,
        at start: Int
    ) throws(JSONError) -> Int {
        let first = try byte(in: bytes, at: start)
        guard ASCII.isDigit(first) else { throw .unexpectedByte(first, at: start) }
        var offset = start + 1
        while offset < bytes.byteCount, ASCII.isDigit(bytes.byte(at: offset)) { offset += 1 }
        return offset
    }

    private static func validateLiteral(
        _ literal: StaticString,
        in bytes: RawSpan,
        at start: Int
    ) throws(JSONError) -> Int {
        guard bytes.extracting(droppingFirst: start).hasPrefix(literal) else {
            throw .unexpectedByte(bytes.byte(at: start), at: start)
        }
        return start + literal.utf8CodeUnitCount
    }
}

/// One bit for each open array (0) or object (1), the outermost in the lowest bit.
private struct Nesting {
    private var bits = [8 of UInt64](repeating: 0)
    private let limit: Int
    private(set) var depth = 0
    private(set) var isInObject = false

    init(limit: Int) {
        self.limit = min(limit, JSONScanner.deepestNesting)
    }

    mutating func push(isObject: Bool) throws(JSONError) {
        guard depth < limit else { throw .tooDeep(limit: limit) }
        let bit: UInt64 = 1 << UInt64(depth % 64)
        if isObject { bits[depth / 64] |= bit } else { bits[depth / 64] &= ~bit }
        depth += 1
        isInObject = isObject
    }

    mutating func pop() {
        depth -= 1
        guard depth > 0 else {
            isInObject = false
            return
        }
        isInObject = bits[(depth - 1) / 64] >> UInt64((depth - 1) % 64) & 1 == 1
    }
}
