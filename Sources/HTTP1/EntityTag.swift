package import Bytes

/// Entity tags (RFC 9110 §8.8.3).
package enum EntityTag {
    /// Whether an `If-None-Match` value names `tag`, by weak comparison (RFC 9110 §13.1.2).
    ///
    /// `tag` is a whole entity tag with its quotes, weak or not. `*` matches every tag. What
    /// follows a malformed part of the list is not looked at.
    package static func isListed(_ tag: String, inIfNoneMatch value: SharedBytes) -> Bool {
        let wanted = SharedBytes(tag)
        let opaque = wanted.bytes.hasPrefix("W/") ? wanted[2..<wanted.count] : wanted
        let bytes = value.bytes
        if bytes.isEqual(to: "*") { return true }
        var offset = 0
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if byte == ASCII.comma || Grammar.isSpace(byte) {
                offset += 1
                continue
            }
            if bytes.extracting(offset..<bytes.byteCount).hasPrefix("W/") { offset += 2 }
            guard offset < bytes.byteCount, bytes.byte(at: offset) == ASCII.quote,
                let end = bytes.firstIndex(of: ASCII.quote, from: offset + 1)
            else { return false }
            if bytes.extracting(offset..<end + 1).isEqual(to: opaque.bytes) { return true }
            offset = end + 1
        }
        return false
    }
}
