import Bytes

/// Parses text packets (protocol.md §14, §15) in one pass, without allocating.
package enum PacketParser {
    /// The largest ack id that a JavaScript peer can count to.
    private static let largestID: UInt64 = 1 << 53
    private static let mostIDDigits = 16

    /// Parses the text of one packet, which is UTF-8.
    ///
    /// The JSON is validated, with the shape rules of its type, as it is walked. A number of
    /// attachments is read as plain decimal digits (the reference also takes `1e0`).
    ///
    /// - Throws: `PacketError`.
    package static func parse(
        _ bytes: RawSpan,
        limits: PacketLimits = PacketLimits()
    ) throws(PacketError) -> PacketHead {
        guard !bytes.isEmpty else { throw .emptyPacket }
        let digit = bytes.byte(at: 0)
        guard let type = PacketType(rawValue: digit &- ASCII.zero) else {
            throw .unknownPacketType(digit)
        }
        var head = PacketHead(type: type)
        var offset = 1
        if type.isBinary {
            head.attachments = try parseAttachments(in: bytes, at: &offset, limits: limits)
            if head.attachments == 0 { head.type = type.withoutAttachments }
        }
        head.namespace = try parseNamespace(in: bytes, at: &offset, limits: limits)
        head.id = try parseID(in: bytes, at: &offset)
        guard offset < bytes.byteCount else { return head }
        let hasRightShape: Bool
        do throws(JSONError) {
            hasRightShape = try parseData(
                in: bytes,
                at: offset,
                maxDepth: limits.maxDepth,
                into: &head
            )
        } catch {
            throw .invalidPayload
        }
        guard hasRightShape else { throw .invalidPayload }
        return head
    }

    private static func parseAttachments(
        in bytes: RawSpan,
        at offset: inout Int,
        limits: PacketLimits
    ) throws(PacketError) -> Int {
        var count = 0
        while offset < bytes.byteCount, ASCII.isDigit(bytes.byte(at: offset)) {
            // Beyond any limit it need not be exact, but must not overflow.
            count = min(count * 10 + Int(bytes.byte(at: offset) - ASCII.zero), 1 << 32)
            offset += 1
        }
        guard offset < bytes.byteCount, bytes.byte(at: offset) == ASCII.minus else {
            throw .illegalAttachmentCount
        }
        guard count <= limits.maxAttachments else {
            throw .tooManyAttachments(limit: limits.maxAttachments)
        }
        offset += 1
        return count
    }

    private static func parseNamespace(
        in bytes: RawSpan,
        at offset: inout Int,
        limits: PacketLimits
    ) throws(PacketError) -> Range<Int>? {
        guard offset < bytes.byteCount, bytes.byte(at: offset) == ASCII.slash else { return nil }
        let comma = bytes.firstIndex(of: ASCII.comma, from: offset)
        let name = offset..<(comma ?? bytes.byteCount)
        guard name.count <= limits.maxNamespaceBytes else {
            throw .namespaceTooLong(limitInBytes: limits.maxNamespaceBytes)
        }
        offset = comma.map { $0 + 1 } ?? bytes.byteCount
        return name.count == 1 ? nil : name
    }

    private static func parseID(
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(PacketError) -> UInt64? {
        let start = offset
        var id: UInt64 = 0
        while offset < bytes.byteCount, ASCII.isDigit(bytes.byte(at: offset)) {
            guard offset - start < mostIDDigits else { throw .invalidPayload }
            id = id * 10 + UInt64(bytes.byte(at: offset) - ASCII.zero)
            offset += 1
        }
        guard id <= largestID else { throw .invalidPayload }
        return offset > start ? id : nil
    }

    /// Walks the JSON; false if it does not have the shape that the type asks for.
    private static func parseData(
        in bytes: RawSpan,
        at start: Int,
        maxDepth: Int,
        into head: inout PacketHead
    ) throws(JSONError) -> Bool {
        let first = JSONScanner.skipWhitespace(in: bytes, at: start)
        let opener = try JSONScanner.byte(in: bytes, at: first)
        switch head.type {
        case .disconnect:
            return false
        case .connect:
            guard opener == ASCII.openBrace else { return false }
        case .connectError:
            guard opener == ASCII.openBrace || opener == ASCII.quote else { return false }
        case .event, .ack, .binaryEvent, .binaryAck:
            guard opener == ASCII.openBracket, maxDepth > 0 else { return false }
            return try parseArray(in: bytes, at: first, maxDepth: maxDepth, into: &head)
        }
        let end = try JSONScanner.validateValue(in: bytes, at: first, maxDepth: maxDepth)
        head.data = first..<end
        return JSONScanner.skipWhitespace(in: bytes, at: end) == bytes.byteCount
    }

    private static func parseArray(
        in bytes: RawSpan,
        at start: Int,
        maxDepth: Int,
        into head: inout PacketHead
    ) throws(JSONError) -> Bool {
        var offset = JSONScanner.skipWhitespace(in: bytes, at: start + 1)
        var wantsValue: Bool
        if head.type == .event || head.type == .binaryEvent {
            guard let nameEnd = try parseEventName(in: bytes, at: offset, into: &head) else {
                return false
            }
            offset = JSONScanner.skipWhitespace(in: bytes, at: nameEnd)
            wantsValue = try JSONScanner.byte(in: bytes, at: offset) == ASCII.comma
            if wantsValue { offset = JSONScanner.skipWhitespace(in: bytes, at: offset + 1) }
        } else {
            wantsValue = try JSONScanner.byte(in: bytes, at: offset) != ASCII.closeBracket
        }
        let argumentsStart = offset
        var argumentsEnd = offset
        while wantsValue {
            argumentsEnd = try JSONScanner.validateValue(
                in: bytes,
                at: offset,
                maxDepth: maxDepth - 1
            )
            offset = JSONScanner.skipWhitespace(in: bytes, at: argumentsEnd)
            wantsValue = try JSONScanner.byte(in: bytes, at: offset) == ASCII.comma
            if wantsValue { offset = JSONScanner.skipWhitespace(in: bytes, at: offset + 1) }
        }
        guard try JSONScanner.byte(in: bytes, at: offset) == ASCII.closeBracket else {
            return false
        }
        head.arguments = argumentsStart..<argumentsEnd
        head.data = start..<(offset + 1)
        return JSONScanner.skipWhitespace(in: bytes, at: offset + 1) == bytes.byteCount
    }

    /// Takes the first element of an EVENT's array; nil if it cannot be the name of an event.
    private static func parseEventName(
        in bytes: RawSpan,
        at start: Int,
        into head: inout PacketHead
    ) throws(JSONError) -> Int? {
        switch try JSONScanner.byte(in: bytes, at: start) {
        case ASCII.quote:
            let string = try JSONScanner.validateString(in: bytes, at: start)
            let contents = (start + 1)..<(string.end - 1)
            let name = bytes.extracting(contents)
            let isReserved =
                string.hasEscapes
                ? ReservedEvents.containsEscaped(name) : ReservedEvents.contains(name)
            head.eventName = string.hasEscapes ? .escaped(contents) : .plain(contents)
            return isReserved ? nil : string.end
        case ASCII.minus, ASCII.zero...ASCII.nine:
            let end = try JSONScanner.validateNumber(in: bytes, at: start)
            head.eventName = .number(start..<end)
            return end
        default:
            return nil
        }
    }
}
