import Bytes

/// `method SP request-target SP HTTP-version` (RFC 9112 §3), as ranges in the head.
struct RequestLine: Sendable {
    /// Two offsets, small enough to be held by the handful.
    struct Bounds: Sendable {
        let lower: UInt32
        let upper: UInt32

        init(_ range: Range<Int>) {
            lower = UInt32(range.lowerBound)
            upper = UInt32(range.upperBound)
        }

        var range: Range<Int> { Int(lower)..<Int(upper) }
    }

    private let methodBounds: Bounds
    private let targetBounds: Bounds
    private var pathBounds: Bounds
    private var queryBounds: Bounds
    private var authorityBounds: Bounds
    let isHTTP10: Bool

    var method: Range<Int> { methodBounds.range }
    var target: Range<Int> { targetBounds.range }
    var path: Range<Int> { pathBounds.range }
    var query: Range<Int> { queryBounds.range }
    /// Empty unless the target is in absolute form.
    var authority: Range<Int> { authorityBounds.range }

    /// Parses the line that `range` holds without its CRLF.
    init(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        maxTargetBytes: Int
    ) throws(HTTPParseError) {
        var offset = range.lowerBound
        while offset < range.upperBound, Grammar.isToken(bytes.byte(at: offset)) { offset += 1 }
        let method = range.lowerBound..<offset
        guard !method.isEmpty, offset < range.upperBound, bytes.byte(at: offset) == ASCII.space
        else { throw .malformedRequestLine }
        offset += 1

        let start = offset
        while offset < range.upperBound, Self.isTargetCharacter(bytes.byte(at: offset)) {
            offset += 1
        }
        let target = start..<offset
        if target.count > maxTargetBytes { throw .targetTooLong }
        guard offset < range.upperBound, !target.isEmpty else { throw .malformedRequestLine }
        guard bytes.byte(at: offset) == ASCII.space else { throw .invalidTarget }

        methodBounds = Bounds(method)
        targetBounds = Bounds(target)
        pathBounds = Bounds(start..<start)
        queryBounds = Bounds(offset..<offset)
        authorityBounds = Bounds(start..<start)
        isHTTP10 = try Self.isHTTP10(bytes, offset + 1..<range.upperBound)
        try parseTarget(bytes)
    }

    /// Whether `byte` may stand in a target; a fragment's `#` may not (RFC 9112 §3.2).
    ///
    /// Characters that RFC 3986 would have encoded (`|`, `"`, …) pass, as browsers send them.
    private static func isTargetCharacter(_ byte: UInt8) -> Bool {
        byte > ASCII.space && byte < ASCII.delete && byte != 0x23
    }

    /// Whether the version (RFC 9112 §2.3) is HTTP/1.0 rather than HTTP/1.1.
    private static func isHTTP10(
        _ bytes: RawSpan,
        _ range: Range<Int>
    ) throws(HTTPParseError) -> Bool {
        let version = bytes.extracting(range)
        if version.isEqual(to: "HTTP/1.1") { return false }
        if version.isEqual(to: "HTTP/1.0") { return true }
        guard version.byteCount == 8, version.hasPrefix("HTTP/"), version.byte(at: 6) == ASCII.dot,
            ASCII.isDigit(version.byte(at: 5)), ASCII.isDigit(version.byte(at: 7))
        else { throw .malformedRequestLine }
        throw .unsupportedVersion
    }

    /// Splits the target by its form (RFC 9112 §3.2.1–§3.2.4).
    private mutating func parseTarget(_ bytes: RawSpan) throws(HTTPParseError) {
        let target = target
        let name = bytes.extracting(method)
        if name.isEqual(to: "CONNECT") {
            try checkConnectTarget(bytes)
        } else if bytes.byte(at: target.lowerBound) == ASCII.slash {
            splitPath(bytes, from: target.lowerBound)
        } else if target.count == 1, bytes.byte(at: target.lowerBound) == 0x2A {
            guard name.isEqual(to: "OPTIONS") else { throw .invalidTarget }
            pathBounds = targetBounds
        } else {
            try parseAbsoluteForm(bytes)
        }
    }

    /// The authority form of `CONNECT`: a host, a colon, a port (RFC 9112 §3.2.3).
    private func checkConnectTarget(_ bytes: RawSpan) throws(HTTPParseError) {
        var port = target.upperBound
        while port > target.lowerBound, ASCII.isDigit(bytes.byte(at: port - 1)) { port -= 1 }
        guard port < target.upperBound, port - 1 > target.lowerBound,
            bytes.byte(at: port - 1) == ASCII.colon, Grammar.isHost(bytes, target)
        else { throw .invalidTarget }
    }

    /// The absolute form, `http://authority/path?query` (RFC 9112 §3.2.2).
    private mutating func parseAbsoluteForm(_ bytes: RawSpan) throws(HTTPParseError) {
        let target = target
        let start: Int
        if target.count >= 7,
            bytes.extracting(target.lowerBound..<target.lowerBound + 7)
                .isEqualIgnoringCase(to: "http://")
        {
            start = target.lowerBound + 7
        } else if target.count >= 8,
            bytes.extracting(target.lowerBound..<target.lowerBound + 8)
                .isEqualIgnoringCase(to: "https://")
        {
            start = target.lowerBound + 8
        } else {
            throw .invalidTarget
        }
        var end = start
        while end < target.upperBound, bytes.byte(at: end) != ASCII.slash,
            bytes.byte(at: end) != ASCII.questionMark
        {
            end += 1
        }
        guard end > start, Grammar.isHost(bytes, start..<end) else { throw .invalidTarget }
        authorityBounds = Bounds(start..<end)
        if end < target.upperBound, bytes.byte(at: end) == ASCII.slash {
            splitPath(bytes, from: end)
        } else {
            // No path means `/` (RFC 9110 §4.2.3): the last one of `://` stands for it.
            pathBounds = Bounds(start - 1..<start)
            queryBounds = Bounds(min(end + 1, target.upperBound)..<target.upperBound)
        }
    }

    /// Parts path and query at the first question mark.
    private mutating func splitPath(_ bytes: RawSpan, from start: Int) {
        let end = target.upperBound
        var mark = start
        while mark < end, bytes.byte(at: mark) != ASCII.questionMark { mark += 1 }
        pathBounds = Bounds(start..<mark)
        queryBounds = Bounds(min(mark + 1, end)..<end)
    }
}
