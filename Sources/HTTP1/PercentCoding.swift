import Bytes

/// Percent-decoding (RFC 3986 §2.1).
enum PercentCoding {
    /// The bytes of a form value: `+` is a space, escapes that are none stay as they are.
    static func decodedForm(_ bytes: RawSpan) -> SharedBytes {
        var decoded = ByteBuffer(capacity: bytes.byteCount)
        var offset = 0
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if byte == ASCII.percent, let value = escape(bytes, at: offset) {
                decoded.append(value)
                offset += 3
            } else {
                decoded.append(byte == ASCII.plus ? ASCII.space : byte)
                offset += 1
            }
        }
        return decoded.takeShared()
    }

    /// The byte that the escape at `offset` stands for, or nil where there is none.
    static func escape(_ bytes: RawSpan, at offset: Int) -> UInt8? {
        guard offset + 2 < bytes.byteCount,
            let high = ASCII.hexValue(bytes.byte(at: offset + 1)),
            let low = ASCII.hexValue(bytes.byte(at: offset + 2))
        else { return nil }
        return high << 4 | low
    }
}
