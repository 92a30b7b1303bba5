package import Bytes

/// JSON to MessagePack, in one pass over text that has been validated.
///
/// On any other text what is written means nothing. Integers are as small as they can be, other
/// numbers doubles; a placeholder becomes the attachment it stands for (protocol.md §14).
extension ByteBuffer {
    /// Appends one JSON value; nil if there is none in the text.
    ///
    /// An object that is exactly a placeholder with the index of an attachment becomes a binary
    /// value. A peer could repeat one placeholder to make much of little: what is written more than
    /// once is bounded by 1 MB, and stays an object beyond.
    package mutating func appendMessagePack(json: RawSpan, attachments: [SharedBytes] = []) {
        let start = count
        appendMessagePack(values: json, in: OpenContainer(header: nil), attachments)
        if count == start { appendMessagePackNil() }
    }

    /// Appends an array of JSON values joined by commas, after `first` if that is given.
    ///
    /// The `data` of a packet, that is: `["message",{…},…]` of an event's name and its arguments.
    /// Placeholders are treated as in `appendMessagePack(json:attachments:)`.
    package mutating func appendMessagePackArray(
        first: String? = nil,
        list: RawSpan,
        attachments: [SharedBytes] = []
    ) {
        var array = OpenContainer(header: count)
        append(0x90 as UInt8)
        if let first {
            appendMessagePack(text: first)
            array.values = 1
        }
        appendMessagePack(values: list, in: array, attachments)
    }

    /// Appends the values of `json`, and closes `outermost`.
    private mutating func appendMessagePack(
        values json: RawSpan,
        in outermost: OpenContainer,
        _ attachments: [SharedBytes]
    ) {
        var container = outermost
        var outer = ShallowStack(filler: outermost)
        var outgrown: [OpenContainer] = []
        var budget = attachments.reduce(1 << 20) { $0 + $1.count }
        var offset = 0
        while offset < json.byteCount {
            switch json.byte(at: offset) {
            case ASCII.comma, ASCII.colon, ASCII.space, ASCII.lineFeed, ASCII.carriageReturn,
                ASCII.tab:
                offset += 1
                continue
            case ASCII.closeBrace, ASCII.closeBracket:
                offset += 1
                if let parent = outer.pop() {
                    close(container, &outgrown)
                    container = parent
                }
                continue
            case ASCII.openBrace:
                container.values += 1
                var end = offset
                if !attachments.isEmpty,
                    let index = ObjectForm.placeholder(in: json, at: &end),
                    index < attachments.count, attachments[index].count <= budget
                {
                    let attachment = attachments[index]
                    budget -= attachment.count
                    appendMessagePack(binary: attachment.bytes)
                    offset = end
                    continue
                }
                outer.push(container)
                container = OpenContainer(header: count, isMap: true)
                append(0x80 as UInt8)
                offset += 1
            case ASCII.openBracket:
                container.values += 1
                outer.push(container)
                container = OpenContainer(header: count)
                append(0x90 as UInt8)
                offset += 1
            case ASCII.quote:
                container.values += 1
                appendMessagePack(jsonString: json, at: &offset)
            case 0x74:
                container.values += 1
                appendMessagePack(boolean: true)
                offset += 4
            case 0x66:
                container.values += 1
                appendMessagePack(boolean: false)
                offset += 5
            case ASCII.minus, ASCII.zero...ASCII.nine:
                container.values += 1
                appendMessagePack(JSONNumber(in: json, at: &offset))
            default:
                container.values += 1
                appendMessagePackNil()
                offset = JSONScanner.skipScalar(in: json, at: offset)
            }
        }
        close(container, &outgrown)
        if !outgrown.isEmpty { widen(outgrown) }
    }

    /// Writes the count into the one-byte header of a container, if it fits.
    private mutating func close(_ container: OpenContainer, _ outgrown: inout [OpenContainer]) {
        guard let header = container.header else { return }
        let (format, countBytes) = container.family.header(container.count)
        if countBytes == 0 {
            var bytes = mutableBytes
            bytes.setByte(format, at: header)
        } else {
            outgrown.append(container)
        }
    }

    /// Makes room for the headers that need more than one byte, from the last one to the first.
    ///
    /// All at once, at the end: every byte moves once, however deep the containers are nested.
    private mutating func widen(_ containers: [OpenContainer]) {
        let headers = containers.compactMap { container in
            container.header.map { ($0, container.count, container.family) }
        }.sorted { $0.0 < $1.0 }
        var end = count
        var shift = headers.reduce(0) { $0 + $1.2.header($1.1).countBytes }
        append(zeros: shift)
        for (header, count, family) in headers.reversed() {
            move((header + 1)..<end, to: header + 1 + shift)
            shift -= family.header(count).countBytes
            setHeader(family, count, at: header + shift)
            end = header
        }
    }

    /// Appends the JSON string whose opening quote is at `offset`, which moves behind it.
    private mutating func appendMessagePack(jsonString json: RawSpan, at offset: inout Int) {
        let start = offset + 1
        let stop = JSONScanner.firstSpecial(in: json, from: start)
        if stop < json.byteCount, json.byte(at: stop) == ASCII.quote {
            appendMessagePack(string: json.extracting(start..<stop))
            offset = stop + 1
            return
        }
        offset = JSONScanner.skipString(in: json, at: offset)
        let header = count
        append(unescaping: json.extracting(start..<max(start, offset - 1)))
        let length = count - header
        // What the text means is shorter than the text, so its header is known only now.
        let headerBytes = 1 + HeaderFamily.string.header(length).countBytes
        append(zeros: headerBytes)
        move(header..<(header + length), to: header + headerBytes)
        setHeader(.string, length, at: header)
    }

    /// Overwrites bytes with the shortest header for `count`.
    private mutating func setHeader(_ family: HeaderFamily, _ count: Int, at offset: Int) {
        let (format, countBytes) = family.header(count)
        var bytes = mutableBytes
        bytes.setByte(format, at: offset)
        for place in 0..<countBytes {
            let shift = 8 * (countBytes - 1 - place)
            bytes.setByte(UInt8(truncatingIfNeeded: count >> shift), at: offset + 1 + place)
        }
    }
}

/// An array or object of which not all values have been written.
private struct OpenContainer {
    /// Where its header is, of one byte until the count is known; nil for a value on its own.
    let header: Int?
    let isMap: Bool
    /// How many values have been written, keys among them.
    var values = 0

    init(header: Int?, isMap: Bool = false) {
        self.header = header
        self.isMap = isMap
    }

    /// The count of elements or members.
    var count: Int { isMap ? values / 2 : values }

    var family: HeaderFamily { isMap ? .map : .array }
}
