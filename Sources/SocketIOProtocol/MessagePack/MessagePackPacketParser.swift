package import Bytes
import MessagePack

/// Parses the packets of socket.io-msgpack-parser, which are one map each (protocol.md §23).
///
/// What comes out is what the default format would have brought: the packet's text, though without
/// a number of attachments, with ranges of it, and for each binary value a placeholder and an
/// attachment. Nobody above needs to know which format a client speaks.
package enum MessagePackPacketParser {
    /// Text may have six times as many bytes as MessagePack, and must fit a `SharedBytes`.
    private static let longestMessage = 1 << 28
    private static let mostAttachments = 1 << 20

    /// Parses one binary message.
    ///
    /// As in the reference, the first element of an EVENT is not checked; where it is no name, the
    /// event reaches nobody. Stricter than there are three rules: names of namespaces begin with a
    /// slash, as all that the default format can name do; ids are no negative numbers; and CONNECT
    /// has no attachments (§14). Nil counts as absent `data`, because python-socketio writes it.
    ///
    /// - Throws: `PacketError`.
    package static func parse(
        _ message: SharedBytes,
        limits: PacketLimits = PacketLimits(),
        revision: ProtocolRevision = .five
    ) throws(PacketError) -> AssembledPacket {
        guard message.count <= longestMessage else { throw .malformedMessagePack }
        let members = try PacketMembers(of: message)
        var head = PacketHead(type: try members.packetType())
        let namespace = try members.namespaceName(limits)
        head.id = try members.ackID()
        var text = ByteBuffer(capacity: message.count + 32)
        PacketWriter.appendHead(head.type, namespace: namespace, id: head.id, to: &text)
        if namespace.count > 1 {
            let name = 1..<1 + namespace.count
            switch revision {
            case .five: head.namespace = name
            case .four: head.namespace = PacketHead.path(of: name, in: text.bytes)
            }
        }
        var attachments: [SharedBytes] = []
        let hasRightShape: Bool
        do throws(MessagePackError) {
            hasRightShape = try append(members.data, limits, &head, &text, &attachments)
        } catch {
            guard case .tooManyAttachments(let limit) = error else { throw .invalidPayload }
            throw .tooManyAttachments(limit: limit)
        }
        guard hasRightShape else { throw .invalidPayload }
        head.attachments = attachments.count
        try checkPlaceholders(head, text.bytes)
        // The app may keep them, and much of the message may be padding that nobody reads.
        attachments.compact()
        return AssembledPacket(text: text.takeShared(), head: head, attachments: attachments)
    }

    /// Refuses maps that look like placeholders, which would stand for attachments of others.
    ///
    /// Without attachments they can stand for nothing, and are maps like any other.
    private static func checkPlaceholders(
        _ head: PacketHead,
        _ text: RawSpan
    ) throws(PacketError) {
        guard head.attachments > 0, let data = head.data else { return }
        guard Placeholders.count(in: text.extracting(data)) == head.attachments else {
            throw .illegalPlaceholder
        }
    }

    /// Appends the data as JSON; false if it does not have the shape that the type asks for.
    private static func append(
        _ data: SharedBytes?,
        _ limits: PacketLimits,
        _ head: inout PacketHead,
        _ text: inout ByteBuffer,
        _ attachments: inout [SharedBytes]
    ) throws(MessagePackError) -> Bool {
        let mayHaveAttachments = head.type == .event || head.type == .ack
        var reader = MessagePackReader(
            data ?? SharedBytes(),
            limits: MessagePackLimits(
                maxDepth: limits.maxDepth,
                maxAttachments: mayHaveAttachments ? min(limits.maxAttachments, mostAttachments) : 0
            )
        )
        let kind = data == nil ? .null : try reader.peekKind()
        switch (head.type, kind) {
        case (.connect, .null), (.disconnect, .null):
            return true
        case (.connect, .map), (.connectError, .map), (.connectError, .string):
            let start = text.count
            try reader.readJSON(to: &text, attachments: &attachments)
            head.data = start..<text.count
            return true
        case (.event, .array), (.ack, .array):
            guard limits.maxDepth > 0 else { return false }
            try appendArray(&reader, &head, &text, &attachments)
            return true
        case (.connect, _), (.disconnect, _), (.connectError, _), (.event, _), (.ack, _),
            (.binaryEvent, _), (.binaryAck, _):
            return false
        }
    }

    /// Appends the array of an EVENT or ACK.
    private static func appendArray(
        _ reader: inout MessagePackReader,
        _ head: inout PacketHead,
        _ text: inout ByteBuffer,
        _ attachments: inout [SharedBytes]
    ) throws(MessagePackError) {
        let start = text.count
        text.append(ASCII.openBracket)
        var count = try reader.readArrayHeader()
        if head.type == .event, count > 0 {
            let name = text.count
            try reader.readJSONElements(1, to: &text, attachments: &attachments)
            head.eventName = eventName(name..<text.count, in: text.bytes)
            count -= 1
            if count > 0 { text.append(ASCII.comma) }
        }
        let arguments = text.count
        try reader.readJSONElements(count, to: &text, attachments: &attachments)
        head.arguments = arguments..<text.count
        text.append(ASCII.closeBracket)
        head.data = start..<text.count
    }

    /// What the JSON in `range` is as the name of an event; nil if it is neither string nor number.
    private static func eventName(_ range: Range<Int>, in text: RawSpan) -> EventName? {
        switch text.byte(at: range.lowerBound) {
        case ASCII.quote:
            let contents = range.lowerBound + 1..<range.upperBound - 1
            let hasEscapes = text.extracting(contents).firstIndex(of: ASCII.backslash) != nil
            return hasEscapes ? .escaped(contents) : .plain(contents)
        case ASCII.minus, ASCII.zero...ASCII.nine:
            return .number(range)
        default:
            return nil
        }
    }
}
