import Bytes

/// The value of a JSON number as JavaScript sees it.
///
/// Integers that JavaScript would round are kept exact as long as they are written without fraction
/// and exponent and fit 64 bits.
enum JSONNumber {
    /// An integer that is not negative.
    case unsigned(UInt64)
    /// An integer below 0.
    case negative(Int64)
    /// A number with a fraction, or one too large.
    case double(Double)

    /// The largest integer up to which a double holds every one.
    static let largestExact: UInt64 = 1 << 53

    /// A number as it is, or as an integer if it is one that a double holds exactly.
    init(_ value: Double) {
        guard value.magnitude <= Double(Self.largestExact), value.rounded(.towardZero) == value
        else {
            self = .double(value)
            return
        }
        let integer = Int64(value)
        self = integer < 0 ? .negative(integer) : .unsigned(integer.magnitude)
    }

    /// Reads the validated number at `offset`, which moves behind it.
    init(in json: RawSpan, at offset: inout Int) {
        let start = offset
        let isNegative = json.byte(at: offset) == ASCII.minus
        if isNegative { offset += 1 }
        var digits = Digits()
        digits.take(in: json, at: &offset)
        var exponent = 0
        var isInteger = true
        if offset < json.byteCount, json.byte(at: offset) == ASCII.dot {
            isInteger = false
            offset += 1
            let fraction = offset
            digits.take(in: json, at: &offset)
            exponent = fraction - offset
        }
        if offset < json.byteCount, json.byte(at: offset) | 0x20 == 0x65 {
            isInteger = false
            offset += 1
            exponent += Self.exponent(in: json, at: &offset)
        }
        let value = digits.value
        if isInteger, digits.fit, !isNegative {
            self = .unsigned(value)
        } else if isInteger, digits.fit, value == 0 {
            self = .unsigned(0)
        } else if isInteger, digits.fit, value <= 1 << 63 {
            self = .negative(Int64(truncatingIfNeeded: 0 &- value))
        } else if digits.fit, value <= Self.largestExact, -22...22 ~= exponent {
            // Both are exact as doubles, so one operation rounds once (Clinger 1990).
            let magnitude = Self.scaled(Double(value), by: exponent)
            self.init(isNegative ? -magnitude : magnitude)
        } else {
            self.init(Double(json.extracting(start..<offset).text) ?? .nan)
        }
    }

    private struct Digits {
        private(set) var value: UInt64 = 0
        /// Whether all digits are in `value`.
        private(set) var fit = true

        mutating func take(in json: RawSpan, at offset: inout Int) {
            while offset < json.byteCount {
                let digit = json.byte(at: offset) &- ASCII.zero
                guard digit < 10 else { return }
                offset += 1
                let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
                let (sum, overflows) = product.addingReportingOverflow(UInt64(digit))
                if isTooLarge || overflows { fit = false } else { value = sum }
            }
        }
    }

    /// The exponent behind the `e`; one with more than four digits is as good as another.
    private static func exponent(in json: RawSpan, at offset: inout Int) -> Int {
        var isNegative = false
        if offset < json.byteCount {
            let sign = json.byte(at: offset)
            isNegative = sign == ASCII.minus
            if isNegative || sign == ASCII.plus { offset += 1 }
        }
        var value = 0
        while offset < json.byteCount, ASCII.isDigit(json.byte(at: offset)) {
            value = min(value * 10 + Int(json.byte(at: offset) - ASCII.zero), 9999)
            offset += 1
        }
        return isNegative ? -value : value
    }

    /// `value` times a power of ten that a double holds exactly.
    private static func scaled(_ value: Double, by exponent: Int) -> Double {
        var power = 1.0
        for _ in 0..<abs(exponent) { power *= 10 }
        return exponent < 0 ? value / power : value * power
    }
}

extension ByteBuffer {
    /// Appends an integer in decimal.
    mutating func append(signed number: Int64) {
        if number < 0 { append(ASCII.minus) }
        append(decimal: number.magnitude)
    }

    /// Appends a double as a JSON number, in the fewest digits that read back the same.
    ///
    /// Integers up to 2^53 have no fraction; what is not finite becomes `null`.
    mutating func append(jsonNumber number: Double) {
        guard number.isFinite else {
            append("null")
            return
        }
        switch JSONNumber(number) {
        case .unsigned(let integer): append(decimal: integer)
        case .negative(let integer): append(signed: integer)
        case .double(let double): append(text: double.description)
        }
    }
}
