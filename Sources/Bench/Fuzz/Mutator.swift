/// splitmix64: the same numbers from the same seed, on every machine.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    /// A generator whose numbers follow from `seed`.
    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Makes one fuzz input: random bytes, random tokens, or changed examples.
///
/// The input follows from the seed and its number alone, so any can be made again by itself.
struct Mutator {
    /// Longer inputs only take longer.
    private static let longestInput = 4096
    /// Lengths and counts at which formats change or integers end.
    private static let numbers: [UInt64] = [
        0, 1, 2, 125, 126, 127, 128, 255, 256, 0x7FFF, 0xFFFF, 0x1_0000, 69_999, 70_000, 70_001,
        0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, 1 << 53, 1 << 53 + 1, 1 << 62,
        .max >> 1, 1 << 63, .max - 1, .max,
    ]

    private var random: SplitMix64
    private let examples: [[UInt8]]
    private let tokens: [[UInt8]]

    /// A source for input `number` of a target with these examples and tokens.
    init(seed: UInt64, _ number: Int, _ examples: [[UInt8]], _ tokens: [[UInt8]]) {
        var seeds = SplitMix64(seed: seed)
        random = SplitMix64(seed: seeds.next() ^ UInt64(bitPattern: Int64(number)))
        self.examples = examples
        self.tokens = tokens
    }

    /// The input.
    mutating func makeInput() -> [UInt8] {
        var bytes: [UInt8] = []
        switch pick(16) {
        case 0:
            for _ in 0..<pick(65) { bytes.append(anyByte()) }
        case 1:
            for _ in 0..<pick(24) { bytes += pick(of: tokens) }
        default:
            for _ in 0...(pick(3) == 0 ? pick(4) : 0) { bytes += pick(of: examples) }
            for _ in 0..<pick(7) { mutate(&bytes) }
        }
        return bytes.count > Self.longestInput ? Array(bytes[..<Self.longestInput]) : bytes
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        let place = pick(bytes.count + 1)
        let end = min(bytes.count, place + pick(24))
        let isInside = place < bytes.count
        switch pick(11) {
        case 0: if isInside { bytes[place] ^= 1 << UInt8(pick(8)) }
        case 1: if isInside { bytes[place] = anyByte() }
        case 2: bytes.insert(anyByte(), at: place)
        case 3: bytes.insert(contentsOf: pick(of: tokens), at: place)
        case 4: bytes.replaceSubrange(place..<end, with: pick(of: tokens))
        case 5: bytes.removeSubrange(place..<end)
        case 6: bytes.insert(contentsOf: bytes[place..<end], at: pick(bytes.count + 1))
        case 7: if pick(4) == 0 { bytes.removeSubrange(place...) }
        case 8: splice(into: &bytes, at: place)
        case 9: setLength(in: &bytes, at: place)
        default: setDecimal(in: &bytes, at: place)
        }
    }

    /// Puts a part of an example over what is at `place`.
    private mutating func splice(into bytes: inout [UInt8], at place: Int) {
        let other = pick(of: examples)
        let start = pick(other.count + 1)
        let part = other[start..<min(other.count, start + pick(64))]
        bytes.replaceSubrange(place..<min(bytes.count, place + pick(16)), with: part)
    }

    /// Overwrites 1, 2, 4 or 8 bytes with a number, highest byte first.
    private mutating func setLength(in bytes: inout [UInt8], at place: Int) {
        let number = pick(of: Self.numbers)
        let width = 1 << pick(4)
        for index in 0..<width where place + index < bytes.count {
            bytes[place + index] = UInt8(
                truncatingIfNeeded: number >> UInt64(8 * (width - 1 - index))
            )
        }
    }

    /// Overwrites the digits at or after `place` with another number, decimal or hexadecimal.
    private mutating func setDecimal(in bytes: inout [UInt8], at place: Int) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let start = bytes[place...].firstIndex(where: digits.contains) else { return }
        let end = bytes[start...].firstIndex { !digits.contains($0) } ?? bytes.count
        var text = String(pick(of: Self.numbers), radix: pick(4) == 0 ? 16 : 10)
        if pick(4) == 0 { text = String(repeating: text, count: pick(4)) }
        bytes.replaceSubrange(start..<end, with: text.utf8)
    }

    private mutating func anyByte() -> UInt8 {
        UInt8(truncatingIfNeeded: random.next() >> 32)
    }

    /// A number below `bound`, which is not 0.
    private mutating func pick(_ bound: Int) -> Int {
        Int(random.next() % UInt64(bound))
    }

    private mutating func pick<Element>(of list: [Element]) -> Element {
        list[pick(list.count)]
    }
}
