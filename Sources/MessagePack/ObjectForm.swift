import Bytes

/// Finds the two objects in JSON that stand for bytes, by their exact form.
///
/// Both members must be there, in either order, and no others; white space does not matter.
enum ObjectForm {
    /// The index in the placeholder at `offset`, which moves behind it; nil for anything else.
    static func placeholder(in json: RawSpan, at offset: inout Int) -> Int? {
        var end = offset
        guard take("{", in: json, at: &end) else { return nil }
        let index: Int
        if take("\"_placeholder\"", in: json, at: &end) {
            guard takeTrue(in: json, at: &end), take(",", in: json, at: &end),
                take("\"num\"", in: json, at: &end),
                let number = takeIndex(in: json, at: &end)
            else { return nil }
            index = number
        } else {
            guard take("\"num\"", in: json, at: &end),
                let number = takeIndex(in: json, at: &end),
                take(",", in: json, at: &end), take("\"_placeholder\"", in: json, at: &end),
                takeTrue(in: json, at: &end)
            else { return nil }
            index = number
        }
        guard take("}", in: json, at: &end) else { return nil }
        offset = end
        return index
    }

    /// The bytes of the Node Buffer at `offset`, which moves behind it; nil for anything else.
    ///
    /// `{"type":"Buffer","data":[1,2]}` is what JSON.stringify makes of a Buffer.
    static func nodeBuffer(in json: RawSpan, at offset: inout Int) -> SharedBytes? {
        var end = offset
        guard take("{", in: json, at: &end) else { return nil }
        let bytes: SharedBytes
        if take("\"type\"", in: json, at: &end) {
            guard takeBufferType(in: json, at: &end), take(",", in: json, at: &end),
                take("\"data\"", in: json, at: &end),
                let data = takeByteArray(in: json, at: &end)
            else { return nil }
            bytes = data
        } else {
            guard take("\"data\"", in: json, at: &end),
                let data = takeByteArray(in: json, at: &end),
                take(",", in: json, at: &end), take("\"type\"", in: json, at: &end),
                takeBufferType(in: json, at: &end)
            else { return nil }
            bytes = data
        }
        guard take("}", in: json, at: &end) else { return nil }
        offset = end
        return bytes
    }

    /// Whether `text` comes next, after white space; if so, `offset` moves behind it.
    private static func take(
        _ text: StaticString,
        in json: RawSpan,
        at offset: inout Int
    ) -> Bool {
        let start = JSONScanner.skipWhitespace(in: json, at: offset)
        guard json.extracting(droppingFirst: start).hasPrefix(text) else { return false }
        offset = start + text.utf8CodeUnitCount
        return true
    }

    private static func takeTrue(in json: RawSpan, at offset: inout Int) -> Bool {
        take(":", in: json, at: &offset) && take("true", in: json, at: &offset)
    }

    private static func takeBufferType(in json: RawSpan, at offset: inout Int) -> Bool {
        take(":", in: json, at: &offset) && take("\"Buffer\"", in: json, at: &offset)
    }

    /// A colon and an integer of up to nine digits.
    private static func takeIndex(in json: RawSpan, at offset: inout Int) -> Int? {
        guard take(":", in: json, at: &offset) else { return nil }
        return takeNumber(maxDigits: 9, in: json, at: &offset)
    }

    /// A colon and an array of integers from 0 to 255.
    private static func takeByteArray(in json: RawSpan, at offset: inout Int) -> SharedBytes? {
        guard take(":", in: json, at: &offset), take("[", in: json, at: &offset) else {
            return nil
        }
        var bytes = ByteBuffer()
        if take("]", in: json, at: &offset) { return SharedBytes() }
        while true {
            guard let number = takeNumber(maxDigits: 3, in: json, at: &offset),
                let byte = UInt8(exactly: number)
            else { return nil }
            bytes.append(byte)
            if take("]", in: json, at: &offset) { return bytes.takeShared() }
            guard take(",", in: json, at: &offset) else { return nil }
        }
    }

    private static func takeNumber(
        maxDigits: Int,
        in json: RawSpan,
        at offset: inout Int
    ) -> Int? {
        let start = JSONScanner.skipWhitespace(in: json, at: offset)
        var end = start
        var value = 0
        while end < json.byteCount, ASCII.isDigit(json.byte(at: end)) {
            guard end - start < maxDigits else { return nil }
            value = value * 10 + Int(json.byte(at: end) - ASCII.zero)
            end += 1
        }
        guard end > start else { return nil }
        offset = end
        return value
    }
}
