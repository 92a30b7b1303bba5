package import Bytes

/// The query of a request target, taken apart when asked (protocol.md §2).
///
/// Decoded as Node's `querystring` does: `+` is a space, escapes that are none stay as they are,
/// and what is not UTF-8 becomes U+FFFD.
package struct Query: Sendable {
    /// The query as it was sent, without its question mark.
    package let bytes: SharedBytes

    /// A query of these bytes.
    package init(_ bytes: SharedBytes) {
        self.bytes = bytes
    }

    /// The decoded value of the last pair of that name, or nil.
    ///
    /// A name without `=` has the value "".
    package func value(of name: StaticString) -> String? {
        let bytes = bytes.bytes
        var found: Range<Int>?
        var walk = PairWalk()
        while let pair = walk.next(in: bytes) {
            if Self.isName(bytes.extracting(pair.name), name) { found = pair.value }
        }
        guard let found else { return nil }
        return Self.decoded(bytes.extracting(found))
    }

    /// All pairs, decoded, in their order.
    package var pairs: [(name: String, value: String)] {
        let bytes = bytes.bytes
        var pairs: [(name: String, value: String)] = []
        var walk = PairWalk()
        while let pair = walk.next(in: bytes) {
            pairs.append(
                (
                    Self.decoded(bytes.extracting(pair.name)),
                    Self.decoded(bytes.extracting(pair.value))
                )
            )
        }
        return pairs
    }

    private static func isName(_ bytes: RawSpan, _ name: StaticString) -> Bool {
        if bytes.isEqual(to: name) { return true }
        // Only an encoded name is longer than what it stands for, or holds a plus.
        guard isEncoded(bytes) else { return false }
        return PercentCoding.decodedForm(bytes).bytes.isEqual(to: name)
    }

    private static func decoded(_ bytes: RawSpan) -> String {
        isEncoded(bytes) ? PercentCoding.decodedForm(bytes).text : bytes.text
    }

    private static func isEncoded(_ bytes: RawSpan) -> Bool {
        bytes.firstIndex(of: ASCII.percent) != nil || bytes.firstIndex(of: ASCII.plus) != nil
    }
}

/// Walks the `name=value` pairs between ampersands; empty ones are skipped.
private struct PairWalk {
    var offset = 0

    mutating func next(in bytes: RawSpan) -> (name: Range<Int>, value: Range<Int>)? {
        while offset < bytes.byteCount {
            let start = offset
            let end = bytes.firstIndex(of: ASCII.ampersand, from: start) ?? bytes.byteCount
            offset = end + 1
            guard end > start else { continue }
            let pair = bytes.extracting(start..<end)
            guard let equals = pair.firstIndex(of: ASCII.equals) else {
                return (start..<end, end..<end)
            }
            return (start..<start + equals, start + equals + 1..<end)
        }
        return nil
    }
}
