package import Bytes

/// One of a cluster's 16,384 slots (Redis cluster specification, "Key distribution model").
package struct KeySlot: Hashable, Sendable {
    /// How many there are.
    package static let count = 16_384

    package let number: UInt16

    /// The slot of the given number, or nil.
    init?(number: Int) {
        guard (0..<Self.count).contains(number) else { return nil }
        self.number = UInt16(number)
    }

    /// The slot of a key or of a sharded channel; what stands between its first `{` and the next
    /// `}` decides alone, if anything does.
    package init(of key: SharedBytes) {
        let bytes = key.bytes
        var range = 0..<bytes.byteCount
        if let open = bytes.firstIndex(of: ASCII.openBrace),
            let close = bytes.firstIndex(of: ASCII.closeBrace, from: open + 1), close > open + 1
        {
            range = open + 1..<close
        }
        var sum: UInt16 = 0
        for index in range {
            sum = sum << 8 ^ Self.table[Int(sum >> 8 ^ UInt16(bytes.byte(at: index)))]
        }
        number = sum % UInt16(Self.count)
    }

    /// CRC-16/XMODEM (polynomial 0x1021) of each byte.
    private static let table: [UInt16] = (0..<256).map { byte in
        var sum = UInt16(byte) << 8
        for _ in 0..<8 { sum = sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021 }
        return sum
    }
}
