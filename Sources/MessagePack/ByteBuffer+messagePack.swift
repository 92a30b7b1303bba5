package import Bytes

/// MessagePack values, each in its smallest form, as notepack 3 writes them (redis-wire.md §1.2).
extension ByteBuffer {
    /// Appends nil.
    package mutating func appendMessagePackNil() {
        append(0xC0 as UInt8)
    }

    /// Appends `true` or `false`.
    package mutating func appendMessagePack(boolean value: Bool) {
        append((value ? 0xC3 : 0xC2) as UInt8)
    }

    /// Appends an integer.
    package mutating func appendMessagePack(integer number: some FixedWidthInteger) {
        if number < 0 {
            appendMessagePack(negative: Int64(number))
        } else {
            appendMessagePack(unsigned: UInt64(number))
        }
    }

    /// Appends a number as JavaScript does: as an integer, if it is one up to 2^53.
    package mutating func appendMessagePack(number: Double) {
        appendMessagePack(JSONNumber(number))
    }

    /// Appends UTF-8 as a string.
    package mutating func appendMessagePack(string bytes: RawSpan) {
        appendHeader(.string, bytes.byteCount)
        append(bytes)
    }

    /// Appends a `String`.
    package mutating func appendMessagePack(text: String) {
        unsafe appendMessagePack(string: text.utf8.span.bytes)
    }

    /// Appends a literal, such as a key, as a string.
    package mutating func appendMessagePack(literal: StaticString) {
        appendHeader(.string, literal.utf8CodeUnitCount)
        append(literal)
    }

    /// Appends bytes as a binary value.
    package mutating func appendMessagePack(binary bytes: RawSpan) {
        appendHeader(.binary, bytes.byteCount)
        append(bytes)
    }

    /// Appends the head of an array; `count` values must follow.
    package mutating func appendMessagePack(arrayHeader count: Int) {
        appendHeader(.array, count)
    }

    /// Appends the head of a map; `count` keys must follow, each with its value.
    package mutating func appendMessagePack(mapHeader count: Int) {
        appendHeader(.map, count)
    }

    mutating func appendMessagePack(_ number: JSONNumber) {
        switch number {
        case .unsigned(let value): appendMessagePack(unsigned: value)
        case .negative(let value): appendMessagePack(negative: value)
        case .double(let value):
            append(0xCB as UInt8)
            append(bigEndian: value.bitPattern)
        }
    }

    private mutating func appendMessagePack(unsigned number: UInt64) {
        switch number {
        case 0..<0x80:
            append(UInt8(truncatingIfNeeded: number))
        case 0..<0x100:
            append(0xCC as UInt8)
            append(UInt8(truncatingIfNeeded: number))
        case 0..<0x1_0000:
            append(0xCD as UInt8)
            append(bigEndian: UInt16(truncatingIfNeeded: number))
        case 0..<0x1_0000_0000:
            append(0xCE as UInt8)
            append(bigEndian: UInt32(truncatingIfNeeded: number))
        default:
            append(0xCF as UInt8)
            append(bigEndian: number)
        }
    }

    private mutating func appendMessagePack(negative number: Int64) {
        switch number {
        case (-0x20)...:
            append(UInt8(truncatingIfNeeded: number))
        case (-0x80)...:
            append(0xD0 as UInt8)
            append(UInt8(truncatingIfNeeded: number))
        case (-0x8000)...:
            append(0xD1 as UInt8)
            append(bigEndian: Int16(truncatingIfNeeded: number))
        case (-0x8000_0000)...:
            append(0xD2 as UInt8)
            append(bigEndian: Int32(truncatingIfNeeded: number))
        default:
            append(0xD3 as UInt8)
            append(bigEndian: number)
        }
    }

    private mutating func appendHeader(_ family: HeaderFamily, _ count: Int) {
        let header = family.header(count)
        append(header.format)
        switch header.countBytes {
        case 0: break
        case 1: append(UInt8(truncatingIfNeeded: count))
        case 2: append(bigEndian: UInt16(truncatingIfNeeded: count))
        default: append(bigEndian: UInt32(truncatingIfNeeded: count))
        }
    }
}

/// The kinds of values that begin with a length or a count.
enum HeaderFamily {
    case string
    case binary
    case array
    case map

    /// The shortest form for `count`: its first byte, and how many bytes hold the count after it.
    ///
    /// Traps beyond 32 bits, as MessagePack has nothing longer.
    func header(_ count: Int) -> (format: UInt8, countBytes: Int) {
        precondition(count >= 0 && count <= UInt32.max, "too long for MessagePack")
        let small = UInt8(truncatingIfNeeded: count)
        switch self {
        case .string where count < 32: return (0xA0 | small, 0)
        case .array where count < 16: return (0x90 | small, 0)
        case .map where count < 16: return (0x80 | small, 0)
        case .string where count < 0x100: return (0xD9, 1)
        case .binary where count < 0x100: return (0xC4, 1)
        default: break
        }
        let isLong = count >= 0x1_0000
        switch self {
        case .string: return isLong ? (0xDB, 4) : (0xDA, 2)
        case .binary: return isLong ? (0xC6, 4) : (0xC5, 2)
        case .array: return isLong ? (0xDD, 4) : (0xDC, 2)
        case .map: return isLong ? (0xDF, 4) : (0xDE, 2)
        }
    }
}
