import Bytes
import SocketIO

/// JSON of the servers' messages, as `JSON.stringify` would write it.
extension ByteBuffer {
    /// Appends `["a","b"]`.
    mutating func append(jsonStrings strings: some Sequence<String>) {
        append(ASCII.openBracket)
        var isFirst = true
        for string in strings {
            if !isFirst { append(ASCII.comma) }
            isFirst = false
            append(jsonString: string)
        }
        append(ASCII.closeBracket)
    }

    /// Appends `{"name":"value",…}`, in the order of the names.
    mutating func append(jsonStrings members: [String: String]) {
        append(ASCII.openBrace)
        var isFirst = true
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            if !isFirst { append(ASCII.comma) }
            isFirst = false
            append(jsonString: name)
            append(ASCII.colon)
            append(jsonString: value)
        }
        append(ASCII.closeBrace)
    }

    /// Appends a whole number.
    mutating func append(jsonNumber number: Int) {
        if number < 0 { append(UInt8(ascii: "-")) }
        append(decimal: number.magnitude)
    }

    /// Appends `{"rooms":[…],"except":[…]}`, and with `flags` also `,"flags":{…}`.
    mutating func append(json options: BroadcastOptions, flags: Bool) {
        append("{\"rooms\":")
        append(jsonStrings: options.rooms.lazy.map(\.name))
        append(",\"except\":")
        append(jsonStrings: options.except.lazy.map(\.name))
        if flags {
            append(",\"flags\":{")
            var isFirst = true
            if options.isVolatile {
                append("\"volatile\":true")
                isFirst = false
            }
            if !options.isCompressed {
                if !isFirst { append(ASCII.comma) }
                append("\"compress\":false")
                isFirst = false
            }
            if let timeout = options.timeout {
                if !isFirst { append(ASCII.comma) }
                append("\"timeout\":")
                append(jsonNumber: timeout.milliseconds)
            }
            append(ASCII.closeBrace)
        }
        append(ASCII.closeBrace)
    }
}

extension Duration {
    /// Whole milliseconds, rounded up.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        guard abs(seconds) < 1 << 50 else { return seconds < 0 ? 0 : 1 << 53 }
        return Int(seconds) * 1000
            + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}

/// What the servers' messages say of sockets and options, read with nothing taken for granted.
extension JSONSlice {
    /// The strings of an array; numbers count as their text, as rooms in Node may be numbers.
    var rooms: [Room]? {
        guard kind == .array else { return nil }
        return elements().compactMap(\.name).map { Room($0) }
    }

    /// A string, or a number's text.
    var name: String? {
        switch kind {
        case .string: string
        case .number: bytes.text
        case .object, .array, .boolean, .null: nil
        }
    }

    /// The options in an object; what is missing or of another type is as if nobody had set it.
    var broadcastOptions: BroadcastOptions {
        var options = BroadcastOptions()
        options.rooms = member(named: "rooms")?.rooms ?? []
        options.except = member(named: "except")?.rooms ?? []
        guard let flags = member(named: "flags") else { return options }
        options.isVolatile = flags.member(named: "volatile")?.boolean ?? false
        options.isCompressed = flags.member(named: "compress")?.boolean ?? true
        options.timeout = flags.member(named: "timeout")?.number.flatMap(
            Duration.init(milliseconds:)
        )
        return options
    }
}

extension Duration {
    /// A time as another server has written it; nil if it makes no sense.
    init?(milliseconds: Double) {
        guard milliseconds >= 0, milliseconds <= 1e12 else { return nil }
        self = .milliseconds(Int64(milliseconds))
    }
}
