/// Dates in fields (RFC 9110 §5.6.7).
package enum HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The `IMF-fixdate` of a Unix time, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    ///
    /// Times outside the years 1…9999 become the nearest one inside.
    package static func format(secondsSinceEpoch: Int) -> String {
        let seconds = min(max(secondsSinceEpoch, -62_135_596_800), 253_402_300_799)
        let second = (seconds % 86_400 + 86_400) % 86_400
        let day = (seconds - second) / 86_400
        let (year, month, dayOfMonth) = civil(day)
        let weekday = days[((day + 4) % 7 + 7) % 7]
        let date = "\(padded(dayOfMonth, 2)) \(months[month - 1]) \(padded(year, 4))"
        let hours = padded(second / 3600, 2)
        let minutes = padded(second / 60 % 60, 2)
        return "\(weekday), \(date) \(hours):\(minutes):\(padded(second % 60, 2)) GMT"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
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
