import Bytes

extension ByteBuffer {
    /// Appends `text` as a JSON string (RFC 8259 §7), escaping as little as `JSON.stringify` does.
    mutating func append(jsonString text: String) {
        append(ASCII.quote)
        for byte in text.utf8 {
            switch byte {
            case ASCII.quote: append("\\\"")
            case ASCII.backslash: append("\\\\")
            case 0x08: append("\\b")
            case ASCII.tab: append("\\t")
            case ASCII.lineFeed: append("\\n")
            case 0x0C: append("\\f")
            case ASCII.carriageReturn: append("\\r")
            case 0x00..<0x20:
                append(byte < 0x10 ? "\\u000" : "\\u001")
                append(byte & 0xF < 10 ? ASCII.zero + (byte & 0xF) : 0x61 - 10 + (byte & 0xF))
            default: append(byte)
            }
        }
        append(ASCII.quote)
    }
}
