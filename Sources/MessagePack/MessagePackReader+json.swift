package import Bytes

/// MessagePack to JSON, in one pass over the bytes.
///
/// What is written is valid JSON in UTF-8. A binary value becomes the placeholder of an attachment
/// (protocol.md §14). As JSON.stringify has it: dates are strings, `undefined` is `null` in arrays
/// and leaves its member out in maps, and so is `null` what is no number in JSON. Extensions of
/// other types than the JavaScript codecs' become `null` too.
extension MessagePackReader {
    /// An array or a map whose closing bracket has not been written.
    private struct Level {
        var isMap: Bool
        /// How many elements or members have not been read.
        var remaining: Int
        var isEmpty = true
    }

    /// Reads the next value and appends it as JSON.
    ///
    /// Attachments are slices of what is read; whoever keeps them calls `compact`. `attachments`
    /// may hold some already: placeholders are numbered from there. After an error both hold what
    /// was read until then.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readJSON(
        to json: inout ByteBuffer,
        attachments: inout [SharedBytes]
    ) throws(MessagePackError) {
        try readValues(1, depth: 0, &json, &attachments)
    }

    /// Reads the next `count` elements of an array and appends them, joined by commas.
    ///
    /// As the arguments of an event, for which the head of the array and its name were read before.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readJSONElements(
        _ count: Int,
        to json: inout ByteBuffer,
        attachments: inout [SharedBytes]
    ) throws(MessagePackError) {
        try readValues(count, depth: 1, &json, &attachments)
    }

    private mutating func readValues(
        _ count: Int,
        depth: Int,
        _ json: inout ByteBuffer,
        _ attachments: inout [SharedBytes]
    ) throws(MessagePackError) {
        let bytes = bytes
        let span = bytes.bytes
        var level = Level(isMap: false, remaining: count)
        var open = ShallowStack(filler: level)
        while true {
            guard level.remaining > 0 else {
                guard let outer = open.pop() else { return }
                json.append(level.isMap ? ASCII.closeBrace : ASCII.closeBracket)
                level = outer
                continue
            }
            level.remaining -= 1
            let start = json.count
            let wasEmpty = level.isEmpty
            if !wasEmpty { json.append(ASCII.comma) }
            level.isEmpty = false
            if level.isMap { try readKey(in: span, to: &json) }
            switch try MessagePackToken.read(in: span, at: &offset) {
            case .undefined where level.isMap:
                json.truncate(to: start)
                level.isEmpty = wasEmpty
            case .null, .undefined, .unknown: json.append("null")
            case .boolean(let value): json.append(value ? "true" : "false")
            case .unsigned(let number): json.append(decimal: number)
            case .negative(let number): json.append(signed: number)
            case .double(let number): json.append(jsonNumber: number)
            case .string(let range): json.append(jsonText: span.extracting(range))
            case .date(let milliseconds): json.append(jsonDate: milliseconds)
            case .binary(let range):
                // A placeholder is an object.
                try checkDepth(depth + open.count)
                guard attachments.count < limits.maxAttachments else {
                    throw .tooManyAttachments(limit: limits.maxAttachments)
                }
                json.append(placeholder: attachments.count)
                attachments.append(bytes[range])
            case .array(let count):
                try checkDepth(depth + open.count)
                open.push(level)
                level = Level(isMap: false, remaining: count)
                json.append(ASCII.openBracket)
            case .map(let count):
                try checkDepth(depth + open.count)
                open.push(level)
                level = Level(isMap: true, remaining: count)
                json.append(ASCII.openBrace)
            }
        }
    }

    /// Reads a key and appends it with its colon.
    private mutating func readKey(
        in span: RawSpan,
        to json: inout ByteBuffer
    ) throws(MessagePackError) {
        let start = offset
        let token = try MessagePackToken.read(in: span, at: &offset)
        switch token {
        case .string(let range):
            json.append(jsonText: span.extracting(range))
        case .unsigned(let number):
            json.append(ASCII.quote)
            json.append(decimal: number)
            json.append(ASCII.quote)
        case .negative(let number):
            json.append(ASCII.quote)
            json.append(signed: number)
            json.append(ASCII.quote)
        default:
            throw .unsupportedKey(token.kind, at: start)
        }
        json.append(ASCII.colon)
    }

    private func checkDepth(_ depth: Int) throws(MessagePackError) {
        guard depth < limits.maxDepth else { throw .tooDeep(limit: limits.maxDepth) }
    }
}

extension ByteBuffer {
    /// Appends text as a JSON string; what is not UTF-8 in it becomes U+FFFD.
    fileprivate mutating func append(jsonText bytes: RawSpan) {
        if bytes.isValidUTF8 {
            append(jsonString: bytes)
        } else {
            let text = UTF8Repair.repaired(bytes)
            append(jsonString: text.bytes)
        }
    }
}
