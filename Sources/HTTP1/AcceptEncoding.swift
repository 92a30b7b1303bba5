package import Bytes

/// How a body may be encoded (RFC 9110 §8.4.1).
package enum ContentCoding: String, Equatable, Sendable {
    case gzip
    case deflate
    case identity
}

/// Chooses a content coding (RFC 9110 §12.5.3).
package enum AcceptEncoding {
    /// Chooses the coding to answer with.
    ///
    /// The highest weight wins; on ties the order of `offered`, and `identity` last. A malformed
    /// weight counts as 0.
    /// - Parameters:
    ///   - values: All values of `Accept-Encoding`; none means that anything goes: `identity`.
    ///   - offered: The codings besides `identity` at hand, best first.
    /// - Returns: nil if not even `identity` is acceptable.
    package static func preferred(
        in values: [SharedBytes],
        of offered: [ContentCoding] = [.gzip, .deflate]
    ) -> ContentCoding? {
        var weights = Weights()
        for value in values { weights.take(value.bytes) }
        var best: (coding: ContentCoding, weight: Int)?
        for coding in offered {
            let weight = weights.weight(of: coding)
            if weight > best?.weight ?? 0 { best = (coding, weight) }
        }
        // Without a word about it `identity` is acceptable, but what is named is preferred.
        let identity = weights.identity ?? (weights.other == 0 ? 0 : 1)
        return identity > best?.weight ?? 0 ? .identity : best?.coding
    }
}

/// Weights in thousandths, nil where not named.
private struct Weights {
    var gzip: Int?
    var deflate: Int?
    var identity: Int?
    var other: Int?

    func weight(of coding: ContentCoding) -> Int {
        switch coding {
        case .gzip: gzip ?? other ?? 0
        case .deflate: deflate ?? other ?? 0
        case .identity: identity ?? other ?? 0
        }
    }

    mutating func take(_ bytes: RawSpan) {
        var elements = ListElements(0..<bytes.byteCount)
        while let element = elements.next(in: bytes) {
            var end = element.lowerBound
            while end < element.upperBound, bytes.byte(at: end) != ASCII.semicolon { end += 1 }
            let name = bytes.extracting(Grammar.trimmed(bytes, element.lowerBound..<end))
            let weight =
                end == element.upperBound
                ? 1000 : Self.weight(bytes, Grammar.trimmed(bytes, end + 1..<element.upperBound))
            if name.isEqualIgnoringCase(to: "gzip") || name.isEqualIgnoringCase(to: "x-gzip") {
                gzip = weight
            } else if name.isEqualIgnoringCase(to: "deflate") {
                deflate = weight
            } else if name.isEqualIgnoringCase(to: "identity") {
                identity = weight
            } else if name.isEqual(to: "*") {
                other = weight
            }
        }
    }

    /// `"q=" qvalue` in thousandths (RFC 9110 §12.4.2); 0 where malformed.
    private static func weight(_ bytes: RawSpan, _ range: Range<Int>) -> Int {
        guard 3...7 ~= range.count, bytes.byte(at: range.lowerBound) | 0x20 == 0x71,
            bytes.byte(at: range.lowerBound + 1) == ASCII.equals
        else { return 0 }
        var weight = 0
        var unit = 1000
        for offset in range.lowerBound + 2..<range.upperBound {
            let byte = bytes.byte(at: offset)
            if offset == range.lowerBound + 3 {
                if byte != ASCII.dot { return 0 }
                continue
            }
            guard ASCII.isDigit(byte) else { return 0 }
            weight += Int(byte - ASCII.zero) * unit
            unit /= 10
        }
        return weight <= 1000 ? weight : 0
    }
}
