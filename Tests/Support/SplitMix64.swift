/// A small generator with a seed, so that a failure comes again.
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    /// A generator whose numbers follow from `seed`.
    package init(seed: UInt64) {
        state = seed
    }

    /// The next number.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// `example` with up to four changes: a byte set, put in, dropped, some doubled or cut off, or
    /// a part of another example put in.
    ///
    /// - Parameters:
    ///   - example: What is changed.
    ///   - alphabet: Bytes that mean something to the parser under test.
    ///   - others: Examples to take parts from.
    /// - Returns: The changed example.
    package mutating func mutated(
        _ example: [UInt8],
        alphabet: [UInt8],
        others: [[UInt8]] = []
    ) -> [UInt8] {
        var bytes = example
        for _ in 0..<Int.random(in: 0...4, using: &self) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<7, using: &self) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &self)
            case 1: bytes[place] = alphabet.randomElement(using: &self) ?? 0
            case 2: bytes.insert(alphabet.randomElement(using: &self) ?? 0, at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + 8))
            case 4: bytes.removeSubrange(place...)
            case 5: bytes.insert(contentsOf: bytes[place...].prefix(9), at: place)
            default:
                let other = others.randomElement(using: &self) ?? []
                let start = Int.random(in: 0...other.count, using: &self)
                bytes.insert(contentsOf: other[start..<min(other.count, start + 24)], at: place)
            }
        }
        return bytes
    }
}
