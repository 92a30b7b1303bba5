import Bytes
import Support

/// Makes random JSON values, each in two notations.
struct JSONGenerator {
    /// One value, as the reader writes it and as anybody may write it.
    struct Value {
        var canonical: String
        var loose: String
    }

    private var random: SplitMix64
    /// What the placeholders made so far stand for.
    private(set) var attachments: [SharedBytes] = []

    /// A generator whose values follow from `seed`.
    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

    /// A value, nested up to `depth` times.
    mutating func makeValue(depth: Int) -> Value {
        switch pick(depth > 0 ? 12 : 8) {
        case 0: return both(["null", "true", "false"][pick(3)])
        case 1, 2: return makeInteger()
        case 3: return makeDouble()
        case 4: return makePlaceholder()
        case 5, 6, 7: return makeString()
        case 8, 9:
            let elements = (0..<makeCount()).map { _ in makeValue(depth: depth - 1) }
            return joined(elements, "[", "]")
        default:
            let members = (0..<makeCount()).map { _ in
                let name = makeString()
                let value = makeValue(depth: depth - 1)
                return Value(
                    canonical: name.canonical + ":" + value.canonical,
                    loose: name.loose + makeSpace() + ":" + makeSpace() + value.loose
                )
            }
            return joined(members, "{", "}")
        }
    }

    private mutating func makeInteger() -> Value {
        let bits = random.next() >> UInt64(pick(64))
        if pick(2) == 0 { return both("\(bits)") }
        let text = "\(Int64(truncatingIfNeeded: bits))"
        guard bits < 1 << 50, bits > 0 else { return both(text) }
        return Value(canonical: text, loose: [text + ".0", text + "00e-2", text][pick(3)])
    }

    private mutating func makeDouble() -> Value {
        let number = Double(bitPattern: random.next())
        guard number.isFinite, number.magnitude < 1e300, number.magnitude > 1e-300 else {
            return both("0.5")
        }
        let decimal = Double(pick(1_000_000)) + 0.25
        return both(pick(2) == 0 ? number.description : decimal.description)
    }

    private mutating func makePlaceholder() -> Value {
        let index = attachments.count
        attachments.append(SharedBytes((0..<pick(300)).map { UInt8(truncatingIfNeeded: $0) }))
        let loose = "{ \"num\" :\(index), \"_placeholder\":true\n}"
        let canonical = "{\"_placeholder\":true,\"num\":\(index)}"
        return Value(canonical: canonical, loose: pick(2) == 0 ? loose : canonical)
    }

    private mutating func makeString() -> Value {
        let count = pick(4) == 0 ? pick(300) : pick(20)
        var canonical = ByteBuffer()
        var loose = "\""
        var text = ""
        for _ in 0..<count {
            let scalar = makeScalar()
            text.unicodeScalars.append(scalar)
            let needsEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if needsEscape || pick(16) == 0 {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    loose += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            } else {
                loose.unicodeScalars.append(scalar)
            }
        }
        canonical.append(jsonString: text)
        return Value(canonical: canonical.takeShared().text, loose: loose + "\"")
    }

    private mutating func makeScalar() -> Unicode.Scalar {
        switch pick(8) {
        case 0: Unicode.Scalar(UInt32(pick(0x11_0000))) ?? "x"
        case 1: Unicode.Scalar(UInt32(pick(0x800))) ?? "x"
        default: Unicode.Scalar(UInt8(pick(0x80)))
        }
    }

    private mutating func makeCount() -> Int {
        pick(10) == 0 ? 14 + pick(5) : pick(5)
    }

    private mutating func makeSpace() -> String {
        ["", "", "", " ", "\n\t"][pick(5)]
    }

    private mutating func joined(_ parts: [Value], _ open: String, _ close: String) -> Value {
        var loose = open + makeSpace()
        for (index, part) in parts.enumerated() {
            if index > 0 { loose += makeSpace() + "," + makeSpace() }
            loose += part.loose
        }
        let canonical = parts.map(\.canonical).joined(separator: ",")
        return Value(canonical: open + canonical + close, loose: loose + makeSpace() + close)
    }

    private func both(_ text: String) -> Value {
        Value(canonical: text, loose: text)
    }

    private mutating func pick(_ bound: Int) -> Int {
        Int.random(in: 0..<bound, using: &random)
    }
}
