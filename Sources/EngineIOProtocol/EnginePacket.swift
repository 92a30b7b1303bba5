package import Bytes

/// The type of an Engine.IO packet; its raw value is the digit on the wire (protocol.md §5).
package enum EnginePacketType: UInt8, Sendable {
    case open = 0x30
    case close = 0x31
    case ping = 0x32
    case pong = 0x33
    case message = 0x34
    case upgrade = 0x35
    case noop = 0x36
}

/// Why a unit is no packet; the session ends with `CloseReason.parseError` (protocol.md §5).
package enum EnginePacketError: Error, Equatable, Sendable {
    /// A unit of no bytes: an empty body, a doubled or a trailing separator.
    case emptyUnit
    /// A first character that is neither a type nor `b`.
    case unknownType(UInt8)
    /// A binary message with a character that base64 does not have.
    case invalidBase64
    /// A POST body's unit that is not UTF-8.
    case invalidUTF8
    /// Version 3: a unit whose length is missing, not decimal, or not that of what follows.
    case invalidLength
}

/// One packet as received in a text unit (protocol.md §5; §13 for version 3).
package enum EnginePacket: Equatable, Sendable {
    /// A packet, its payload being a range of the bytes it was read from: nothing is copied.
    case text(EnginePacketType, payload: Range<Int>)
    /// A binary message, which came as `b` and base64, or in a binary body of version 3.
    case binary(SharedBytes)

    /// Reads the unit that is `range` of `bytes`: a WebSocket text message, or a part of a body.
    ///
    /// The type is one character, so `44…` is a message whose payload is `4…`. The versions differ
    /// in binary messages alone: `b4` precedes their base64 in version 3.
    package init(
        parsing bytes: RawSpan,
        in range: Range<Int>,
        version: EngineVersion = .v4
    ) throws(EnginePacketError) {
        guard !range.isEmpty else { throw .emptyUnit }
        let first = bytes.byte(at: range.lowerBound)
        let payload = range.lowerBound + 1..<range.upperBound
        if let type = EnginePacketType(rawValue: first) {
            self = .text(type, payload: payload)
            return
        }
        guard first == Self.binaryMark else { throw .unknownType(first) }
        let text =
            switch version {
            case .v4: payload
            case .v3: try Self.base64(typedIn: bytes, payload)
            }
        guard let decoded = Base64.decode(bytes.extracting(text)) else {
            throw .invalidBase64
        }
        self = .binary(decoded)
    }

    /// Reads all of `bytes` as one unit.
    package init(
        parsing bytes: RawSpan,
        version: EngineVersion = .v4
    ) throws(EnginePacketError) {
        try self.init(parsing: bytes, in: 0..<bytes.byteCount, version: version)
    }

    /// The `b` before the base64 of a binary message.
    static let binaryMark: UInt8 = 0x62

    /// The text unit of a binary message, for a peer that takes no binary frames (`b64`, §2).
    package static func textUnit(
        binary: RawSpan,
        version: EngineVersion = .v4
    ) -> SharedBytes {
        var unit = ByteBuffer(capacity: textCount(ofBinary: binary.byteCount, version))
        append(binary, as: version, to: &unit)
        return unit.takeShared()
    }
}
