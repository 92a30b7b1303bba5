/// A small generator with a seed, so that a failure comes again.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// `input` with one to four changes: a byte set, dropped or doubled, a part of another put in.
    mutating func mutated(_ input: [UInt8], with others: [[UInt8]]) -> [UInt8] {
        let likely = Array("\r\n\0 \t:,;/?%&=0f\u{7F}".utf8) + [0x80, 0xFF]
        var bytes = input
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<6, using: &self) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &self)
            case 1: bytes[place] = likely.randomElement(using: &self) ?? 0
            case 2: bytes.insert(likely.randomElement(using: &self) ?? 0, at: place)
            case 3: bytes.remove(at: place)
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + 8))
            default:
                let other = others.randomElement(using: &self) ?? []
                let start = Int.random(in: 0...other.count, using: &self)
                bytes.insert(contentsOf: other[start..<min(other.count, start + 24)], at: place)
            }
        }
        return bytes
    }
}
