/// The kinds of JSON values (RFC 8259 §3).
package enum JSONKind: Equatable, Sendable {
    case object
    case array
    case string
    case number
    case boolean(Bool)
    case null
}

/// The text of one validated JSON value, sharing the storage of the text it was found in.
///
/// Nothing is decoded before it is asked for, and then only one level. Usable from any thread.
package struct JSONSlice: Equatable, Sendable {
    /// The text of the value, without white space around it.
    package let bytes: SharedBytes

    /// Checks that `text` is one JSON value.
    ///
    /// - Throws: `JSONError`.
    package init(
        validating text: SharedBytes,
        maxDepth: Int = JSONScanner.deepestNesting
    ) throws(JSONError) {
        try JSONScanner.validate(text.bytes, maxDepth: maxDepth)
        let start = JSONScanner.skipWhitespace(in: text.bytes, at: 0)
        bytes = text[start..<JSONScanner.skipValue(in: text.bytes, at: start)]
    }

    /// Takes text that is known to be one JSON value without white space around it.
    package init(validated text: SharedBytes) {
        bytes = text
    }

    /// The values of a comma-separated list, as between the brackets of a validated array.
    package static func list(_ text: SharedBytes) -> [JSONSlice] {
        var values: [JSONSlice] = []
        var offset = JSONScanner.skipWhitespace(in: text.bytes, at: 0)
        while offset < text.count {
            let end = JSONScanner.skipValue(in: text.bytes, at: offset)
            values.append(JSONSlice(validated: text[offset..<end]))
            offset = JSONScanner.skipSeparator(in: text.bytes, at: end)
        }
        return values
    }

    /// What kind of value this is, from its first byte.
    package var kind: JSONKind {
        guard !bytes.isEmpty else { return .null }
        return switch bytes.bytes.byte(at: 0) {
        case ASCII.openBrace: .object
        case ASCII.openBracket: .array
        case ASCII.quote: .string
        case 0x74: .boolean(true)
        case 0x66: .boolean(false)
        case 0x6E: .null
        default: .number
        }
    }

    /// The elements of an array, none for any other value.
    package func elements() -> [JSONSlice] {
        kind == .array ? Self.list(inside) : []
    }

    /// The members of an object in the order of the text, none for any other value.
    package func members() -> [(name: String, value: JSONSlice)] {
        var members: [(name: String, value: JSONSlice)] = []
        forEachMember { name, value in
            members.append((JSONText.unescaped(name), value))
        }
        return members
    }

    /// The value of the member called `name`; of several, the last, as in JSON.parse.
    package func member(named name: String) -> JSONSlice? {
        var found: JSONSlice?
        forEachMember { candidate, value in
            let isSame =
                candidate.firstIndex(of: ASCII.backslash) == nil
                ? unsafe candidate.isEqual(to: name.utf8.span.bytes)
                : JSONText.unescaped(candidate).utf8.elementsEqual(name.utf8)
            if isSame { found = value }
        }
        return found
    }

    /// The text of a string, unescaped; nil for any other value.
    package var string: String? {
        kind == .string ? JSONText.unescaped(inside.bytes) : nil
    }

    /// The value of a number written without fraction and exponent that fits; else nil.
    package var integer: Int? {
        kind == .number ? Int(bytes.text) : nil
    }

    /// The value of a number; nil for any other value.
    package var number: Double? {
        kind == .number ? Double(bytes.text) : nil
    }

    /// The value of `true` or `false`; nil for any other value.
    package var boolean: Bool? {
        if case .boolean(let value) = kind { value } else { nil }
    }

    /// What is between the brackets, braces or quotes.
    private var inside: SharedBytes {
        bytes.count >= 2 ? bytes[1..<(bytes.count - 1)] : SharedBytes()
    }

    private func forEachMember(_ body: (_ name: RawSpan, _ value: JSONSlice) -> Void) {
        guard kind == .object else { return }
        let text = inside
        let span = text.bytes
        var offset = JSONScanner.skipWhitespace(in: span, at: 0)
        while offset < span.byteCount {
            let nameEnd = JSONScanner.skipValue(in: span, at: offset)
            let start = JSONScanner.skipSeparator(in: span, at: nameEnd)
            let end = JSONScanner.skipValue(in: span, at: start)
            guard nameEnd >= offset + 2 else { return }
            body(
                span.extracting((offset + 1)..<(nameEnd - 1)),
                JSONSlice(validated: text[start..<end])
            )
            offset = JSONScanner.skipSeparator(in: span, at: end)
        }
    }
}

extension JSONScanner {
    /// The offset after a comma or colon and the white space around it, in validated text.
    package static func skipSeparator(in bytes: RawSpan, at start: Int) -> Int {
        let separator = skipWhitespace(in: bytes, at: start)
        guard separator < bytes.byteCount else { return bytes.byteCount }
        return skipWhitespace(in: bytes, at: separator + 1)
    }
}
