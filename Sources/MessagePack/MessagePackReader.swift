package import Bytes

/// Reads MessagePack value by value, as a cursor.
///
/// Strings and binary values are slices that share the storage of the bytes read. A value of
/// another kind than the one asked for is left unread, so it can be asked for in another way; after
/// any other error the reader is of no use. Nothing recurses, and nothing is allocated for a length
/// or count that a peer claims.
package struct MessagePackReader: ~Copyable {
    let bytes: SharedBytes
    var offset = 0
    let limits: MessagePackLimits

    /// A reader at the first of `bytes`.
    package init(_ bytes: SharedBytes, limits: MessagePackLimits = MessagePackLimits()) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Whether everything has been read.
    package var isAtEnd: Bool { offset == bytes.count }

    /// What the next value is; it stays unread.
    ///
    /// - Throws: `MessagePackError`.
    package func peekKind() throws(MessagePackError) -> MessagePackKind {
        var place = offset
        return try MessagePackToken.read(in: bytes.bytes, at: &place).kind
    }

    /// Reads the head of an array: as many values follow.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readArrayHeader() throws(MessagePackError) -> Int {
        var place = offset
        let token = try MessagePackToken.read(in: bytes.bytes, at: &place)
        guard case .array(let count) = token else { throw .unexpectedKind(token.kind, at: offset) }
        offset = place
        return count
    }

    /// Reads the head of a map: as many keys follow, each with its value.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readMapHeader() throws(MessagePackError) -> Int {
        var place = offset
        let token = try MessagePackToken.read(in: bytes.bytes, at: &place)
        guard case .map(let count) = token else { throw .unexpectedKind(token.kind, at: offset) }
        offset = place
        return count
    }

    /// Reads a string; what is not UTF-8 in it becomes U+FFFD.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readString() throws(MessagePackError) -> SharedBytes {
        var place = offset
        let token = try MessagePackToken.read(in: bytes.bytes, at: &place)
        guard case .string(let range) = token else {
            throw .unexpectedKind(token.kind, at: offset)
        }
        offset = place
        let slice = bytes[range]
        return slice.bytes.isValidUTF8 ? slice : UTF8Repair.repaired(slice.bytes)
    }

    /// Reads a string, or an integer as its text, as JavaScript treats keys and rooms.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readText() throws(MessagePackError) -> SharedBytes {
        var place = offset
        var text = ByteBuffer()
        switch try MessagePackToken.read(in: bytes.bytes, at: &place) {
        case .unsigned(let number): text.append(decimal: number)
        case .negative(let number): text.append(signed: number)
        default: return try readString()
        }
        offset = place
        return text.takeShared()
    }

    /// Reads a binary value.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readBinary() throws(MessagePackError) -> SharedBytes {
        var place = offset
        let token = try MessagePackToken.read(in: bytes.bytes, at: &place)
        guard case .binary(let range) = token else {
            throw .unexpectedKind(token.kind, at: offset)
        }
        offset = place
        return bytes[range]
    }

    /// Reads an integer, which may be written as a double too, as JavaScript knows no difference.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readInteger() throws(MessagePackError) -> Int {
        var place = offset
        let token = try MessagePackToken.read(in: bytes.bytes, at: &place)
        let value: Int?
        switch token {
        case .unsigned(let number): value = Int(exactly: number)
        case .negative(let number): value = Int(exactly: number)
        case .double(let number):
            guard number.isFinite, number.rounded(.towardZero) == number else {
                throw .unexpectedKind(.double, at: offset)
            }
            value = Int(exactly: number)
        default: throw .unexpectedKind(token.kind, at: offset)
        }
        guard let value else { throw .integerOutOfRange(at: offset) }
        offset = place
        return value
    }

    /// Reads a number.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readDouble() throws(MessagePackError) -> Double {
        var place = offset
        let token = try MessagePackToken.read(in: bytes.bytes, at: &place)
        let value: Double
        switch token {
        case .unsigned(let number): value = Double(number)
        case .negative(let number): value = Double(number)
        case .double(let number): value = number
        default: throw .unexpectedKind(token.kind, at: offset)
        }
        offset = place
        return value
    }

    /// Reads `true` or `false`.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readBool() throws(MessagePackError) -> Bool {
        var place = offset
        let token = try MessagePackToken.read(in: bytes.bytes, at: &place)
        guard case .boolean(let value) = token else {
            throw .unexpectedKind(token.kind, at: offset)
        }
        offset = place
        return value
    }

    /// Reads nil or `undefined`, if that is what comes; else reads nothing and gives false.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readNil() throws(MessagePackError) -> Bool {
        var place = offset
        guard try MessagePackToken.read(in: bytes.bytes, at: &place).kind == .null else {
            return false
        }
        offset = place
        return true
    }

    /// Reads the `undefined` of notepack 2, if that is what comes; else reads nothing, gives false.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func readUndefined() throws(MessagePackError) -> Bool {
        var place = offset
        guard case .undefined = try MessagePackToken.read(in: bytes.bytes, at: &place) else {
            return false
        }
        offset = place
        return true
    }

    /// Passes over the next value, whatever it is and however deep.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func skipValue() throws(MessagePackError) {
        let bytes = bytes
        let span = bytes.bytes
        var awaited = 1
        while awaited > 0 {
            awaited -= 1
            switch try MessagePackToken.read(in: span, at: &offset) {
            case .array(let count): awaited += count
            case .map(let count): awaited += 2 * count
            default: break
            }
            // Each takes a byte at least; so the sum stays small, and a lie is found early.
            guard awaited <= span.byteCount - offset else { throw .unexpectedEnd }
        }
    }

    /// The bytes of the next value, to be read later by a reader of their own.
    ///
    /// - Throws: `MessagePackError`.
    package mutating func takeValue() throws(MessagePackError) -> SharedBytes {
        let start = offset
        try skipValue()
        return bytes[start..<offset]
    }
}
