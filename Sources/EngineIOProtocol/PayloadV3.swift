package import Bytes

/// The packets of a body, one after the other, whatever its framing.
package protocol PacketSplitter {
    /// The next packet of `body`, the same at every call; nil after the last one and after an
    /// error.
    mutating func next(in body: RawSpan) throws(EnginePacketError) -> EnginePacket?
}

extension PayloadSplitter: PacketSplitter {}

/// Walks through the packets of a text body of version 3, `<length>:<packet>` (protocol.md §13).
///
/// The length counts UTF-16 code units. Packets without any are skipped. Linear in the body: each
/// byte is passed once for its length, and once by whoever reads it.
package struct PayloadSplitterV3: PacketSplitter, Sendable {
    /// Where the next length begins; nil after the last packet.
    private var position: Int? = 0

    /// A splitter at the start of a body.
    package init() {}

    /// The next packet of `body`, the same at every call; nil after the last one.
    ///
    /// Ranges are those of `body`. A unit must be UTF-8, as in version 4.
    package mutating func next(in body: RawSpan) throws(EnginePacketError) -> EnginePacket? {
        guard var start = position else { return nil }
        position = nil
        guard !body.isEmpty else { throw .emptyUnit }
        while start < body.byteCount {
            let length = try Self.length(in: body, at: &start)
            guard length > 0 else { continue }
            guard let end = body.end(ofUTF16Units: length, from: start) else {
                throw .invalidLength
            }
            guard body.extracting(start..<end).isValidUTF8 else { throw .invalidUTF8 }
            let packet = try EnginePacket(parsing: body, in: start..<end, version: .v3)
            position = end
            return packet
        }
        return nil
    }

    /// The decimal number before the colon; `offset` is then after it.
    private static func length(
        in body: RawSpan,
        at offset: inout Int
    ) throws(EnginePacketError) -> Int {
        let start = offset
        var length = 0
        while offset < body.byteCount, ASCII.isDigit(body.byte(at: offset)) {
            length = length * 10 + Int(body.byte(at: offset) - ASCII.zero)
            // No character has fewer bytes than units.
            guard length <= body.byteCount else { throw .invalidLength }
            offset += 1
        }
        guard offset > start, offset < body.byteCount, body.byte(at: offset) == ASCII.colon else {
            throw .invalidLength
        }
        offset += 1
        return length
    }
}

/// Walks through the packets of a binary body of version 3 (protocol.md §13).
///
/// ```
/// 00 | 01     text or binary
/// 02 00       the length in bytes, 20: decimal, a digit per byte
/// FF
/// 34 32 …     text: type and payload; binary: the byte 04 and the message
/// ```
package struct BinaryPayloadSplitterV3: PacketSplitter, Sendable {
    private static let binaryKind: UInt8 = 1

    /// Where the next packet begins; nil after the last one.
    private var position: Int? = 0

    /// A splitter at the start of a body.
    package init() {}

    /// The next packet of `body`, the same at every call; nil after the last one.
    ///
    /// Ranges are those of `body`; binary messages are copied.
    package mutating func next(in body: RawSpan) throws(EnginePacketError) -> EnginePacket? {
        guard let start = position, start < body.byteCount || start == 0 else { return nil }
        position = nil
        guard !body.isEmpty else { throw .emptyUnit }
        let kind = body.byte(at: start)
        guard kind <= Self.binaryKind else { throw .unknownType(kind) }
        var offset = start + 1
        let length = try Self.length(in: body, at: &offset)
        guard length <= body.byteCount - offset else { throw .invalidLength }
        let range = offset..<offset + length
        let unit = body.extracting(range)
        let packet: EnginePacket
        if kind == Self.binaryKind {
            let message = try EnginePacket.message(typed: unit)
            packet = .binary(SharedBytes(copying: unit.extracting(message)))
        } else {
            guard unit.isValidUTF8 else { throw .invalidUTF8 }
            packet = try EnginePacket(parsing: body, in: range, version: .v3)
        }
        position = range.upperBound
        return packet
    }

    /// The number before the byte FF; `offset` is then after it.
    private static func length(
        in body: RawSpan,
        at offset: inout Int
    ) throws(EnginePacketError) -> Int {
        let start = offset
        var length = 0
        while offset < body.byteCount, body.byte(at: offset) <= 9 {
            length = length * 10 + Int(body.byte(at: offset))
            guard length <= body.byteCount else { throw .invalidLength }
            offset += 1
        }
        guard offset > start, offset < body.byteCount,
            body.byte(at: offset) == BinaryPayloadWriterV3.lengthEnd
        else { throw .invalidLength }
        offset += 1
        return length
    }
}

/// Joins packets into a text body of version 3, binary messages as `b4` and base64 (§13).
package struct PayloadWriterV3: ~Copyable {
    private var buffer = ByteBuffer()

    /// A writer without packets, which owns no memory.
    package init() {}

    /// Appends a unit that was encoded before, type digit included; it is UTF-8.
    package mutating func append(unit: RawSpan) {
        appendLength(unit.utf16Count)
        buffer.append(unit)
    }

    /// Appends a binary message.
    package mutating func append(binary: RawSpan) {
        let count = EnginePacket.textCount(ofBinary: binary.byteCount, .v3)
        appendLength(count)
        buffer.reserve(count)
        EnginePacket.append(binary, as: .v3, to: &buffer)
    }

    /// Gives the body away and starts a new one.
    package mutating func takeShared() -> SharedBytes {
        buffer.takeShared()
    }

    private mutating func appendLength(_ count: Int) {
        buffer.append(decimal: UInt64(count))
        buffer.append(ASCII.colon)
    }
}

/// Joins packets into a binary body of version 3; see `BinaryPayloadSplitterV3`.
package struct BinaryPayloadWriterV3: ~Copyable {
    /// What ends a length.
    static let lengthEnd: UInt8 = 0xFF

    private var buffer = ByteBuffer()

    /// A writer without packets, which owns no memory.
    package init() {}

    /// Appends a unit that was encoded before, type digit included.
    package mutating func append(unit: RawSpan) {
        append(kind: 0, length: unit.byteCount)
        buffer.append(unit)
    }

    /// Appends a binary message.
    package mutating func append(binary: RawSpan) {
        append(kind: 1, length: binary.byteCount + 1)
        buffer.append(EnginePacket.typeByte)
        buffer.append(binary)
    }

    /// Gives the body away and starts a new one.
    package mutating func takeShared() -> SharedBytes {
        buffer.takeShared()
    }

    private mutating func append(kind: UInt8, length: Int) {
        buffer.append(kind)
        var power = 1
        while power <= length / 10 { power *= 10 }
        while power > 0 {
            buffer.append(UInt8(truncatingIfNeeded: length / power % 10))
            power /= 10
        }
        buffer.append(Self.lengthEnd)
    }
}
