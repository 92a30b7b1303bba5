import Bytes

/// Dates as JavaScript writes them in JSON (ECMA-262 §21.4.1.32, `Date.prototype.toJSON`).
extension ByteBuffer {
    /// Appends a date as a JSON string such as `"1994-11-06T08:49:37.000Z"`.
    ///
    /// `null` for what is no date in JavaScript: 100 million days from 1970 and more. Years outside
    /// of 0…9999 have a sign and six digits.
    mutating func append(jsonDate milliseconds: Int64) {
        guard milliseconds.magnitude <= 8_640_000_000_000_000 else {
            append("null")
            return
        }
        let time = Int(milliseconds)
        let ofDay = (time % 86_400_000 + 86_400_000) % 86_400_000
        let (year, month, day) = Self.civil((time - ofDay) / 86_400_000)
        append(ASCII.quote)
        if 0...9999 ~= year {
            append(year, digits: 4)
        } else {
            append(year < 0 ? ASCII.minus : ASCII.plus)
            append(abs(year), digits: 6)
        }
        append(ASCII.minus)
        append(month, digits: 2)
        append(ASCII.minus)
        append(day, digits: 2)
        append("T")
        append(ofDay / 3_600_000, digits: 2)
        append(ASCII.colon)
        append(ofDay / 60_000 % 60, digits: 2)
        append(ASCII.colon)
        append(ofDay / 1000 % 60, digits: 2)
        append(ASCII.dot)
        append(ofDay % 1000, digits: 3)
        append("Z\"")
    }

    private mutating func append(_ number: Int, digits: Int) {
        var divisor = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(truncatingIfNeeded: number / divisor % 10) + ASCII.zero)
            divisor /= 10
        }
    }

    /// The Gregorian date of a day counted from 1970-01-01.
    ///
    /// Counts in eras of 400 years (146,097 days) that begin in March, so that the leap day comes
    /// last.
    private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let dayOfEra = (shifted % 146_097 + 146_097) % 146_097
        let era = (shifted - dayOfEra) / 146_097
        let leaps = dayOfEra / 1460 - dayOfEra / 36_524 + dayOfEra / 146_096
        let yearOfEra = (dayOfEra - leaps) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfMonth)
    }
}
