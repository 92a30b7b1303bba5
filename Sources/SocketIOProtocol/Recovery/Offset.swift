/// A position in what a namespace has sent, as clients carry it (protocol.md §20).
///
/// Milliseconds since 1970 in base 64, then `.` and a counter for the second and later ones of the
/// same millisecond: `Q7y3bES`, `Q7y3bES.0`. Clients treat it as opaque; positions have an order.
package struct Offset: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let milliseconds: UInt64
    /// 0 for the first of its millisecond.
    private let number: UInt64

    private static let digits = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_".utf8
    )

    /// Before everything.
    package static let start = Offset(milliseconds: 0, number: 0)

    private init(milliseconds: UInt64, number: UInt64) {
        self.milliseconds = milliseconds
        self.number = number
    }

    /// The next position at a time; later than this one, whatever the clock says.
    package func next(milliseconds now: UInt64) -> Offset {
        now > milliseconds
            ? Offset(milliseconds: now, number: 0)
            : Offset(milliseconds: milliseconds, number: number + 1)
    }

    /// A position that a client has sent; nil if it cannot be one.
    package init?(_ text: String) {
        let utf8 = text.utf8
        guard utf8.count <= 24 else { return nil }
        let parts = utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2,
            let milliseconds = Self.value(first)
        else { return nil }
        var number: UInt64 = 0
        if parts.count == 2 {
            guard let counter = Self.value(parts[1]), counter < .max else { return nil }
            number = counter + 1
        }
        self.init(milliseconds: milliseconds, number: number)
    }

    /// As clients carry it.
    package var description: String {
        let time = Self.text(milliseconds)
        return number == 0 ? time : "\(time).\(Self.text(number - 1))"
    }

    /// Whether `left` was sent before `right`.
    package static func < (left: Offset, right: Offset) -> Bool {
        (left.milliseconds, left.number) < (right.milliseconds, right.number)
    }

    private static func text(_ value: UInt64) -> String {
        var digits: [UInt8] = []
        var rest = value
        repeat {
            digits.append(Self.digits[Int(rest & 63)])
            rest >>= 6
        } while rest > 0
        return String(decoding: digits.reversed(), as: UTF8.self)
    }

    /// At most ten digits are 60 bits, so nothing overflows.
    private static func value(_ text: some Collection<UInt8>) -> UInt64? {
        guard (1...10).contains(text.count) else { return nil }
        var value: UInt64 = 0
        for byte in text {
            guard let digit = digits.firstIndex(of: byte) else { return nil }
            value = value << 6 | UInt64(digit)
        }
        return value
    }
}
