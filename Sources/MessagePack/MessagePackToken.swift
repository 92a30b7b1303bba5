import Bytes

/// One value that holds no others, or the head of an array or a map.
///
/// The extensions of the JavaScript codecs have become what they mean (redis-wire.md §1.2). Strings
/// and binary values are ranges of the bytes read.
enum MessagePackToken {
    case null
    /// The `undefined` of notepack 2: fixext 1 of type 0.
    case undefined
    case boolean(Bool)
    /// An integer that is not negative.
    case unsigned(UInt64)
    /// An integer below 0.
    case negative(Int64)
    case double(Double)
    /// Text that may not be UTF-8.
    case string(Range<Int>)
    case binary(Range<Int>)
    /// This many values follow.
    case array(Int)
    /// This many keys follow, each with its value.
    case map(Int)
    /// Milliseconds since 1970.
    case date(milliseconds: Int64)
    /// An extension of another type.
    case unknown

    /// Reads the token at `offset`, which moves behind it.
    ///
    /// Lengths and counts do not exceed what is left: a value takes a byte at least.
    ///
    /// - Throws: `MessagePackError.unexpectedEnd`, `.unexpectedByte`.
    static func read(
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(MessagePackError) -> MessagePackToken {
        guard offset < bytes.byteCount else { throw .unexpectedEnd }
        let format = bytes.byte(at: offset)
        offset += 1
        switch format {
        case 0x00...0x7F:
            return .unsigned(UInt64(format))
        case 0x80...0x8F:
            return .map(try checked(Int(format & 0x0F), of: 2, in: bytes, at: offset))
        case 0x90...0x9F:
            return .array(try checked(Int(format & 0x0F), of: 1, in: bytes, at: offset))
        case 0xA0...0xBF:
            return .string(try take(Int(format & 0x1F), in: bytes, at: &offset))
        case 0xC0:
            return .null
        case 0xC1:
            throw .unexpectedByte(format, at: offset - 1)
        case 0xC2, 0xC3:
            return .boolean(format == 0xC3)
        case 0xC4...0xC6:
            return .binary(try takeCounted(format - 0xC4, in: bytes, at: &offset))
        case 0xC7...0xC9:
            let count = try length(format - 0xC7, in: bytes, at: &offset)
            return try readExtension(count, isFixed: false, in: bytes, at: &offset)
        case 0xCA:
            let bits = UInt32(truncatingIfNeeded: try number(2, in: bytes, at: &offset))
            return .double(Double(Float(bitPattern: bits)))
        case 0xCB:
            return .double(Double(bitPattern: try number(3, in: bytes, at: &offset)))
        case 0xCC...0xCF:
            return .unsigned(try number(format - 0xCC, in: bytes, at: &offset))
        case 0xD0...0xD3:
            let size = UInt64(8) << UInt64(format - 0xD0)
            let bits = try number(format - 0xD0, in: bytes, at: &offset) << (64 - size)
            let value = Int64(bitPattern: bits) >> Int64(64 - size)
            return value < 0 ? .negative(value) : .unsigned(value.magnitude)
        case 0xD4...0xD8:
            return try readExtension(1 << Int(format - 0xD4), isFixed: true, in: bytes, at: &offset)
        case 0xD9...0xDB:
            return .string(try takeCounted(format - 0xD9, in: bytes, at: &offset))
        case 0xDC, 0xDD:
            let count = try length(format - 0xDC + 1, in: bytes, at: &offset)
            return .array(try checked(count, of: 1, in: bytes, at: offset))
        case 0xDE, 0xDF:
            let count = try length(format - 0xDE + 1, in: bytes, at: &offset)
            return .map(try checked(count, of: 2, in: bytes, at: offset))
        default:
            return .negative(Int64(Int8(bitPattern: format)))
        }
    }

    /// What the token is called outside of this target.
    var kind: MessagePackKind {
        switch self {
        case .null, .undefined: .null
        case .boolean: .boolean
        case .unsigned, .negative: .integer
        case .double: .double
        case .string: .string
        case .binary: .binary
        case .array: .array
        case .map: .map
        case .date: .date
        case .unknown: .unknown
        }
    }

    /// Reads the type and the `count` bytes of an extension.
    ///
    /// notepack 2 tells its extensions of type 0 apart by format: fixext 1 is `undefined`, fixext 8
    /// a date, and ext 8, 16 and 32 are an ArrayBuffer of whatever length.
    private static func readExtension(
        _ count: Int,
        isFixed: Bool,
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(MessagePackError) -> MessagePackToken {
        let type = Int8(truncatingIfNeeded: try number(0, in: bytes, at: &offset))
        let content = try take(count, in: bytes, at: &offset)
        switch (type, count) {
        case (0, 1) where isFixed:
            return .undefined
        case (0, 8) where isFixed:
            let bits = bytes.word(at: content.lowerBound).byteSwapped
            return .date(milliseconds: Int64(bitPattern: bits))
        case (0, _):
            return .binary(content)
        case (-1, 4), (-1, 8), (-1, 12):
            return .date(milliseconds: try timestamp(in: bytes, content))
        default:
            return .unknown
        }
    }

    /// The milliseconds of a timestamp 32, 64 or 96; one out of any range stays out of JavaScript's.
    private static func timestamp(
        in bytes: RawSpan,
        _ content: Range<Int>
    ) throws(MessagePackError) -> Int64 {
        var offset = content.lowerBound
        var nanoseconds: UInt64 = 0
        let seconds: Int64
        switch content.count {
        case 4:
            seconds = Int64(try number(2, in: bytes, at: &offset))
        case 8:
            let bits = try number(3, in: bytes, at: &offset)
            nanoseconds = bits >> 34
            seconds = Int64(bits & 0x3_FFFF_FFFF)
        default:
            nanoseconds = try number(2, in: bytes, at: &offset)
            seconds = Int64(bitPattern: try number(3, in: bytes, at: &offset))
        }
        let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, overflows) = whole.addingReportingOverflow(Int64(nanoseconds / 1_000_000))
        return isTooLarge || overflows ? .max : sum
    }

    /// The number of 1, 2, 4 or 8 bytes at `offset`; `sizeBits` is the binary logarithm of that.
    private static func number(
        _ sizeBits: UInt8,
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(MessagePackError) -> UInt64 {
        let size = 1 << Int(sizeBits)
        guard bytes.byteCount - offset >= size else { throw .unexpectedEnd }
        var value: UInt64 = 0
        for place in offset..<(offset + size) {
            value = value << 8 | UInt64(bytes.byte(at: place))
        }
        offset += size
        return value
    }

    /// A length or count of up to 32 bits, not compared with what is left.
    private static func length(
        _ sizeBits: UInt8,
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(MessagePackError) -> Int {
        Int(try number(sizeBits, in: bytes, at: &offset))
    }

    /// The range of the next `count` bytes.
    private static func take(
        _ count: Int,
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(MessagePackError) -> Range<Int> {
        guard count <= bytes.byteCount - offset else { throw .unexpectedEnd }
        let start = offset
        offset += count
        return start..<offset
    }

    /// The range of as many bytes as the number at `offset` says.
    private static func takeCounted(
        _ sizeBits: UInt8,
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(MessagePackError) -> Range<Int> {
        let count = try length(sizeBits, in: bytes, at: &offset)
        return try take(count, in: bytes, at: &offset)
    }

    /// `count`, if so many elements of so many values can follow.
    private static func checked(
        _ count: Int,
        of values: Int,
        in bytes: RawSpan,
        at offset: Int
    ) throws(MessagePackError) -> Int {
        guard count <= (bytes.byteCount - offset) / values else { throw .unexpectedEnd }
        return count
    }
}
