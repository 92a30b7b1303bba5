import Glibc

/// A moment of Universal Time, to the millisecond.
package struct Timestamp: Equatable, Sendable {
    private let millisecondsSince1970: Int64

    /// A moment counted from 1970-01-01T00:00:00Z.
    package init(millisecondsSince1970: Int64) {
        self.millisecondsSince1970 = millisecondsSince1970
    }

    /// What the system's clock says.
    package static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(
            millisecondsSince1970: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        )
    }
}

extension Timestamp: CustomStringConvertible {
    /// The moment as ISO 8601 has it, for example `2026-11-21T08:30:00.250Z`.
    package var description: String {
        let (days, inDay) = Self.floored(millisecondsSince1970, by: 86_400_000)
        let date = Self.civil(daysSince1970: days)
        let clock =
            Self.padded(inDay / 3_600_000, to: 2) + ":" + Self.padded(inDay / 60_000 % 60, to: 2)
            + ":" + Self.padded(inDay / 1000 % 60, to: 2) + "." + Self.padded(inDay % 1000, to: 3)
        return "\(date)T\(clock)Z"
    }

    /// The Gregorian date `days` after 1970-01-01.
    ///
    /// Counts in eras of 400 years that begin on 1 March, so a leap day is the last of its year.
    private static func civil(daysSince1970 days: Int64) -> String {
        let (era, dayOfEra) = floored(days + 719_468, by: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(padded(year, to: 4))-\(padded(month, to: 2))-\(padded(day, to: 2))"
    }

    private static func floored(_ value: Int64, by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func padded(_ number: Int64, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
