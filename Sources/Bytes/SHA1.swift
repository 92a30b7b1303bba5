/// SHA-1 (RFC 3174), which the WebSocket handshake asks for; of no use against attackers.
package enum SHA1 {
    /// The 20-byte digest of `bytes`.
    package static func digest(of bytes: RawSpan) -> [20 of UInt8] {
        var state: [5 of UInt32] = [
            0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0,
        ]
        var offset = 0
        while offset + 64 <= bytes.byteCount {
            mix(bytes.extracting(offset..<offset + 64), into: &state)
            offset += 64
        }

        // §4: a one bit, zeros, and the length in bits, filling one or two more blocks.
        var tail = [128 of UInt8](repeating: 0)
        let rest = bytes.byteCount - offset
        for index in 0..<rest { tail[index] = bytes.byte(at: offset + index) }
        tail[rest] = 0x80
        let end = rest < 56 ? 64 : 128
        let bitCount = UInt64(bytes.byteCount) &* 8
        for index in 0..<8 {
            tail[end - 1 - index] = UInt8(truncatingIfNeeded: bitCount >> (8 * UInt64(index)))
        }
        let padded = RawSpan(_elements: tail.span)
        mix(padded.extracting(0..<64), into: &state)
        if end == 128 { mix(padded.extracting(64..<128), into: &state) }

        var digest = [20 of UInt8](repeating: 0)
        for index in 0..<20 {
            let shift = UInt32(24 - 8 * (index % 4))
            digest[index] = UInt8(truncatingIfNeeded: state[index / 4] >> shift)
        }
        return digest
    }

    /// §6.1: one block of 64 bytes.
    private static func mix(_ block: RawSpan, into state: inout [5 of UInt32]) {
        var schedule = [80 of UInt32](repeating: 0)
        for index in 0..<16 {
            let pair = block.word(at: index / 2 * 8).byteSwapped
            schedule[index] = UInt32(truncatingIfNeeded: index % 2 == 0 ? pair >> 32 : pair)
        }
        for index in 16..<80 {
            let word =
                schedule[index - 3] ^ schedule[index - 8]
                ^ schedule[index - 14] ^ schedule[index - 16]
            schedule[index] = rotate(word, by: 1)
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for index in 0..<80 {
            let (choice, constant): (UInt32, UInt32) =
                switch index {
                case 0..<20: ((b & c) | (~b & d), 0x5A82_7999)
                case 20..<40: (b ^ c ^ d, 0x6ED9_EBA1)
                case 40..<60: ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = rotate(a, by: 5) &+ choice &+ e &+ schedule[index] &+ constant
            (e, d, c, b, a) = (d, c, rotate(b, by: 30), a, next)
        }
        state[0] &+= a
        state[1] &+= b
        state[2] &+= c
        state[3] &+= d
        state[4] &+= e
    }

    private static func rotate(_ word: UInt32, by count: UInt32) -> UInt32 {
        word << count | word >> (32 - count)
    }
}
