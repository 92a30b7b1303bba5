import Bytes

/// Lengths in UTF-16 code units, which version 3 counts packets in (protocol.md §13).
extension RawSpan {
    /// How many UTF-16 code units the bytes, which are UTF-8, have.
    ///
    /// By words: 2 for each first byte of four, 0 for each continuation byte, 1 for all others.
    var utf16Count: Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var count = byteCount
        var offset = 0
        while offset + 8 <= byteCount {
            let word = word(at: offset)
            offset += 8
            let high = word >> 7 & ones
            guard high != 0 else { continue }
            let second = word >> 6 & ones
            count += (high & second & word >> 5 & word >> 4).nonzeroBitCount
            count -= (high & ~second).nonzeroBitCount
        }
        while offset < byteCount {
            count += Self.unitsBeyondOne(byte(at: offset))
            offset += 1
        }
        return count
    }

    /// Where the text of `count` UTF-16 code units that begins at `start` ends.
    ///
    /// Nil if the bytes end earlier, or if the end is inside a surrogate pair. Whether they are
    /// UTF-8 is for the caller to check.
    func end(ofUTF16Units count: Int, from start: Int) -> Int? {
        var left = count
        var offset = start
        // Continuation bytes count nothing: those of the last character are still to be passed.
        while offset < byteCount {
            if left >= 8, offset + 8 <= byteCount,
                word(at: offset) & 0x8080_8080_8080_8080 == 0
            {
                left -= 8
                offset += 8
                continue
            }
            let units = 1 + Self.unitsBeyondOne(byte(at: offset))
            guard units <= left else { break }
            left -= units
            offset += 1
        }
        return left == 0 ? offset : nil
    }

    private static func unitsBeyondOne(_ byte: UInt8) -> Int {
        if byte & 0xC0 == 0x80 { return -1 }
        return byte >= 0xF0 ? 1 : 0
    }
}
