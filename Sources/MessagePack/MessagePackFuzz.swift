import Bytes

/// The fuzz entry point of the reader, and of both ways between MessagePack and JSON.
package enum MessagePackFuzz {
    /// Takes any input as MessagePack, and as JSON; true if the ways to read it agree.
    ///
    /// It must neither trap nor hang, whatever the bytes.
    package static func run(_ input: [UInt8]) -> Bool {
        let bytes = SharedBytes(input)
        return readsAlike(bytes) && readsAsJSON(bytes) && writesBack(bytes)
    }

    /// Whether values that can be read can be skipped, up to the same byte.
    private static func readsAlike(_ input: SharedBytes) -> Bool {
        var reader = MessagePackReader(input)
        var skipper = MessagePackReader(input)
        while !reader.isAtEnd {
            do throws(MessagePackError) {
                let start = reader.offset
                try read(&reader)
                guard try skipper.takeValue() == input[start..<reader.offset] else { return false }
            } catch {
                // Skipping looks at less: not at keys, and not at how deep it goes.
                return true
            }
        }
        return skipper.isAtEnd
    }

    /// Reads a value by the method for its kind.
    private static func read(_ reader: inout MessagePackReader) throws(MessagePackError) {
        var json = ByteBuffer()
        var attachments: [SharedBytes] = []
        switch try reader.peekKind() {
        case .null: _ = try reader.readNil()
        case .boolean: _ = try reader.readBool()
        case .integer: _ = try reader.readText()
        case .double: _ = try reader.readDouble()
        case .string: _ = try reader.readString()
        case .binary: _ = try reader.readBinary()
        case .map, .date, .unknown: try reader.readJSON(to: &json, attachments: &attachments)
        case .array:
            let count = try reader.readArrayHeader()
            try reader.readJSONElements(count, to: &json, attachments: &attachments)
        }
    }

    /// Whether what becomes of MessagePack is JSON, and becomes the same again on the way back.
    private static func readsAsJSON(_ input: SharedBytes) -> Bool {
        guard let (json, attachments) = json(of: input) else { return true }
        guard isValid(json) else { return false }
        // Maps that look like placeholders are not told apart from those that are written here.
        guard count(of: "_placeholder", in: json) == attachments.count else { return true }
        var written = ByteBuffer()
        written.appendMessagePack(json: json.bytes, attachments: attachments)
        guard let again = self.json(of: written.takeShared()) else { return false }
        return again.json == json && again.attachments == attachments
    }

    /// Whether JSON becomes MessagePack that can be read, and the same again from the JSON of that.
    private static func writesBack(_ input: SharedBytes) -> Bool {
        let given = [SharedBytes("a"), SharedBytes()]
        var written = ByteBuffer()
        written.appendMessagePack(json: input.bytes, attachments: given)
        guard isValid(input) else {
            // What is written of other text means nothing, but the text is not left.
            written.appendMessagePackArray(list: input.bytes, attachments: given)
            return true
        }
        guard listAgrees(input, written.bytes), liftsBuffers(input) else { return false }
        let first = written.takeShared()
        guard let (json, attachments) = json(of: first), isValid(json) else { return false }
        guard count(of: "_placeholder", in: json) == attachments.count else { return true }
        written.appendMessagePack(json: json.bytes, attachments: attachments)
        // A number beyond a double's range is infinite, which JSON can only call null.
        return written.bytes.isEqual(to: first.bytes) || count(of: "null", in: json) > 0
    }

    /// Whether an array of one element is written like a list of it.
    private static func listAgrees(_ json: SharedBytes, _ value: RawSpan) -> Bool {
        var list = ByteBuffer()
        list.appendMessagePackArray(
            first: "x",
            list: json.bytes,
            attachments: [SharedBytes("a"), SharedBytes()]
        )
        return list.count == value.byteCount + 3
            && list.bytes.extracting(droppingFirst: 3).isEqual(to: value)
    }

    /// Whether JSON is still valid, and without Node Buffers, once they are replaced.
    private static func liftsBuffers(_ json: SharedBytes) -> Bool {
        var lifted = ByteBuffer()
        var attachments: [SharedBytes] = []
        lifted.append(jsonWithNodeBuffers: json.bytes, attachments: &attachments)
        let first = lifted.takeShared()
        let found = attachments.count
        lifted.append(jsonWithNodeBuffers: first.bytes, attachments: &attachments)
        return isValid(first) && attachments.count == found && lifted.bytes.isEqual(to: first.bytes)
    }

    private static func count(of word: String, in json: SharedBytes) -> Int {
        json.text.split(separator: word, omittingEmptySubsequences: false).count - 1
    }

    private static func json(
        of input: SharedBytes
    ) -> (json: SharedBytes, attachments: [SharedBytes])? {
        var reader = MessagePackReader(input)
        var json = ByteBuffer()
        var attachments: [SharedBytes] = []
        do throws(MessagePackError) {
            try reader.readJSON(to: &json, attachments: &attachments)
        } catch {
            return nil
        }
        return (json.takeShared(), attachments)
    }

    private static func isValid(_ json: SharedBytes) -> Bool {
        do throws(JSONError) {
            try JSONScanner.validate(json.bytes)
            return json.bytes.isValidUTF8
        } catch {
            return false
        }
    }
}
