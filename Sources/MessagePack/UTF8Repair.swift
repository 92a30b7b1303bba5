import Bytes

/// Makes UTF-8 of strings that are not.
enum UTF8Repair {
    /// A copy of `bytes` in which U+FFFD stands for whatever is not UTF-8.
    ///
    /// A surrogate written as three bytes, which is what a JavaScript encoder makes of a lone one,
    /// becomes one U+FFFD, as its JSON escape does; for all else the standard library decides.
    static func repaired(_ bytes: RawSpan) -> SharedBytes {
        var text = ByteBuffer(capacity: bytes.byteCount + 16)
        var start = 0
        var search = 0
        while let lead = bytes.firstIndex(of: 0xED, from: search) {
            search = lead + 1
            guard lead + 2 < bytes.byteCount, 0xA0...0xBF ~= bytes.byte(at: lead + 1),
                0x80...0xBF ~= bytes.byte(at: lead + 2)
            else { continue }
            text.append(text: bytes.extracting(start..<lead).text)
            text.append("\u{FFFD}")
            start = lead + 3
            search = start
        }
        text.append(text: bytes.extracting(start..<bytes.byteCount).text)
        return text.takeShared()
    }
}
