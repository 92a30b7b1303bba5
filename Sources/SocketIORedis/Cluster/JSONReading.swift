import Bytes
import MessagePack
import SocketIO

/// Events and answers in the JSON of other servers.
extension EventPacket {
    /// `[name, …arguments]`, in which `{"type":"Buffer","data":[…]}` is binary; nil for anything else.
    init?(json slice: JSONSlice) {
        guard slice.kind == .array else { return nil }
        let elements = slice.elements()
        guard let name = elements.first?.name else { return nil }
        self.init(unchecked: name, arguments: Arguments(buffersIn: elements.dropFirst()))
    }
}

extension EventPacket {
    /// `[name, …arguments]` as it stands, sharing its bytes; nil for anything else.
    init?(plainJSON slice: JSONSlice) {
        guard slice.kind == .array else { return nil }
        let list = slice.bytes[1..<(slice.bytes.count - 1)]
        let bytes = list.bytes
        let start = JSONScanner.skipWhitespace(in: bytes, at: 0)
        guard start < list.count else { return nil }
        let end = JSONScanner.skipValue(in: bytes, at: start)
        guard let name = JSONSlice(validated: list[start..<end]).name else { return nil }
        let rest = list[JSONScanner.skipSeparator(in: bytes, at: end)..<list.count]
        self.init(unchecked: name, arguments: Arguments(json: rest, attachments: []))
    }
}

extension Arguments {
    /// One value as it stands, or none.
    init(first value: JSONSlice?) {
        self.init(json: value?.bytes ?? SharedBytes(), attachments: [])
    }

    /// Values of another server, in which `{"type":"Buffer","data":[…]}` is binary.
    init(buffersIn values: some Sequence<JSONSlice>) {
        var json = ByteBuffer()
        var attachments: [SharedBytes] = []
        var isFirst = true
        for value in values {
            if !isFirst { json.append(ASCII.comma) }
            isFirst = false
            json.append(jsonWithNodeBuffers: value.bytes.bytes, attachments: &attachments)
        }
        self.init(json: json.takeShared(), attachments: attachments)
    }
}

/// Binary in JSON, as `JSON.stringify` writes a `Buffer` of Node.
extension ByteBuffer {
    /// Appends `[name, …arguments]`.
    mutating func append(jsonData packet: EventPacket) {
        append(ASCII.openBracket)
        append(jsonString: packet.name)
        for value in packet.arguments.slices {
            append(ASCII.comma)
            append(jsonBuffers: value, attachments: packet.arguments.attachments)
        }
        append(ASCII.closeBracket)
    }

    /// A value with its placeholders replaced by `{"type":"Buffer","data":[…]}`.
    mutating func append(jsonBuffers value: JSONSlice, attachments: [SharedBytes]) {
        switch value.kind {
        case _ where attachments.isEmpty, .string, .number, .boolean, .null:
            append(value.bytes)
        case .array:
            append(ASCII.openBracket)
            for (index, element) in value.elements().enumerated() {
                if index > 0 { append(ASCII.comma) }
                append(jsonBuffers: element, attachments: attachments)
            }
            append(ASCII.closeBracket)
        case .object:
            if value.member(named: "_placeholder")?.boolean == true,
                let number = value.member(named: "num")?.integer,
                attachments.indices.contains(number)
            {
                append(jsonBuffer: attachments[number])
                return
            }
            append(ASCII.openBrace)
            for (index, member) in value.members().enumerated() {
                if index > 0 { append(ASCII.comma) }
                append(jsonString: member.name)
                append(ASCII.colon)
                append(jsonBuffers: member.value, attachments: attachments)
            }
            append(ASCII.closeBrace)
        }
    }

    private mutating func append(jsonBuffer bytes: SharedBytes) {
        append("{\"type\":\"Buffer\",\"data\":[")
        for index in 0..<bytes.count {
            if index > 0 { append(ASCII.comma) }
            append(decimal: bytes.bytes.byte(at: index))
        }
        append("]}")
    }
}
