import Bytes

// Binary messages of version 3, which have a type of their own (protocol.md §13).
extension EnginePacket {
    /// The byte before a binary message on a WebSocket and in a binary body: its type's number.
    package static let typeByte: UInt8 = 4

    /// The message in a binary frame, or in a binary unit of a body, without its type.
    ///
    /// Clients send messages alone so; another type is an error.
    package static func message(typed bytes: RawSpan) throws(EnginePacketError) -> Range<Int> {
        guard !bytes.isEmpty else { throw .emptyUnit }
        let type = bytes.byte(at: 0)
        guard type == typeByte else { throw .unknownType(type) }
        return 1..<bytes.byteCount
    }

    /// The base64 that follows `4` in `range`: what comes after the `b` of a text unit.
    static func base64(
        typedIn bytes: RawSpan,
        _ range: Range<Int>
    ) throws(EnginePacketError) -> Range<Int> {
        guard !range.isEmpty else { throw .emptyUnit }
        let type = bytes.byte(at: range.lowerBound)
        guard type == EnginePacketType.message.rawValue else { throw .unknownType(type) }
        return range.lowerBound + 1..<range.upperBound
    }

    /// How many bytes the text unit of a binary message has.
    static func textCount(ofBinary count: Int, _ version: EngineVersion) -> Int {
        switch version {
        case .v3: 2 + Base64.encodedCount(of: count)
        case .v4: 1 + Base64.encodedCount(of: count)
        }
    }

    /// Appends the text unit of a binary message.
    static func append(_ binary: RawSpan, as version: EngineVersion, to buffer: inout ByteBuffer) {
        buffer.append(binaryMark)
        switch version {
        case .v3: buffer.append(EnginePacketType.message.rawValue)
        case .v4: break
        }
        Base64.encode(binary, into: &buffer)
    }
}
