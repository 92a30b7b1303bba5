import Bytes

/// The character classes and lists of RFC 9110 §5.6.
enum Grammar {
    /// Whether `byte` is a `tchar` (RFC 9110 §5.6.2).
    static func isToken(_ byte: UInt8) -> Bool {
        // One bit per ASCII character: !#$%&'*+-. 0-9 | A-Z ^_` a-z | ~
        switch byte {
        case 0..<64: (0x03FF_6CFA_0000_0000 as UInt64) >> UInt64(byte) & 1 == 1
        case 64..<128: (0x57FF_FFFF_C7FF_FFFE as UInt64) >> UInt64(byte - 64) & 1 == 1
        default: false
        }
    }

    /// Whether `byte` is optional whitespace (RFC 9110 §5.6.3).
    static func isSpace(_ byte: UInt8) -> Bool {
        byte == ASCII.space || byte == ASCII.tab
    }

    /// Whether `byte` may stand in a field value (RFC 9110 §5.5).
    static func isFieldContent(_ byte: UInt8) -> Bool {
        byte >= ASCII.space && byte != ASCII.delete || byte == ASCII.tab
    }

    /// The offset of the first byte of `range` that no field value may hold, or nil; by words.
    static func firstInvalid(in bytes: RawSpan, _ range: Range<Int>) -> Int? {
        var offset = range.lowerBound
        while offset + 8 <= range.upperBound {
            let word = bytes.word(at: offset)
            let isDelete = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let suspects =
                (word &- 0x2020_2020_2020_2020) & ~word
                | (isDelete &- 0x0101_0101_0101_0101) & ~isDelete
            if suspects & 0x8080_8080_8080_8080 != 0 {
                for place in offset..<offset + 8 where !isFieldContent(bytes.byte(at: place)) {
                    return place
                }
            }
            offset += 8
        }
        while offset < range.upperBound {
            if !isFieldContent(bytes.byte(at: offset)) { return offset }
            offset += 1
        }
        return nil
    }

    /// Whether `range` is a host with an optional port, by its characters (RFC 3986 §3.2.2).
    static func isHost(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        for offset in range where !isHostCharacter(bytes.byte(at: offset)) { return false }
        return true
    }

    /// `unreserved`, `sub-delims`, `%`, `:`, `[` or `]`.
    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        // !$%&'()*+,-. 0-9:;= | A-Z [ ] _ a-z | ~
        switch byte {
        case 0..<64: (0x2FFF_7FF2_0000_0000 as UInt64) >> UInt64(byte) & 1 == 1
        case 64..<128: (0x47FF_FFFE_AFFF_FFFE as UInt64) >> UInt64(byte - 64) & 1 == 1
        default: false
        }
    }

    /// `range` without whitespace at its ends.
    static func trimmed(_ bytes: RawSpan, _ range: Range<Int>) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, isSpace(bytes.byte(at: lower)) { lower += 1 }
        while lower < upper, isSpace(bytes.byte(at: upper - 1)) { upper -= 1 }
        return lower..<upper
    }
}

/// Walks the elements of a comma-separated list (RFC 9110 §5.6.1); empty ones are skipped.
struct ListElements {
    private var offset: Int
    private let end: Int

    init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The next element, without whitespace around it, or nil.
    mutating func next(in bytes: RawSpan) -> Range<Int>? {
        while offset < end {
            let start = offset
            while offset < end, bytes.byte(at: offset) != ASCII.comma { offset += 1 }
            let element = Grammar.trimmed(bytes, start..<offset)
            offset += 1
            if !element.isEmpty { return element }
        }
        return nil
    }
}
