package import Bytes

/// What a connection's bytes meant: the events with the pieces of each body joined.
///
/// Two splits of the same bytes must give equal transcripts.
package struct HTTPTranscript: Equatable, Sendable {
    /// One request, as far as it came.
    package struct Request: Equatable, Sendable {
        /// The raw head.
        package var head: SharedBytes
        /// `method target minor-version`, then a line per field, then what the framing says.
        package var summary: String
        /// The body without its framing.
        package var body: [UInt8] = []
        /// Whether the request ended.
        package var isComplete = false
    }

    /// The requests in their order.
    package var requests: [Request] = []

    /// What ended the reading.
    package var error: HTTPParseError?

    /// Whether the parser broke a promise: no progress, or bytes left where it wanted more.
    package var isStuck = false

    /// Whether the last request is incomplete.
    package var isBetweenRequests = true

    /// Feeds `parts`, one after the other, to a new parser.
    package init(of parts: [SharedBytes], limits: HTTPLimits = HTTPLimits()) {
        var parser = RequestParser(limits: limits)
        for part in parts where error == nil && !isStuck {
            feed(part, to: &parser)
        }
        isBetweenRequests = parser.isBetweenRequests
    }

    private mutating func feed(_ part: SharedBytes, to parser: inout RequestParser) {
        let bytes = part.bytes
        var offset = 0
        // Every event but `end` uses bytes up, and an `end` follows each head.
        var budget = 2 * bytes.byteCount + 4
        while budget > 0 {
            budget -= 1
            do throws(HTTPParseError) {
                switch try parser.next(in: bytes, at: &offset) {
                case .needsMore:
                    isStuck = offset != bytes.byteCount
                    return
                case .head(let head):
                    requests.append(Request(head: head.bytes, summary: Self.summary(of: head)))
                case .body(let range):
                    guard !range.isEmpty, !requests.isEmpty else {
                        isStuck = true
                        return
                    }
                    requests[requests.count - 1].body += part[range].array
                case .end:
                    requests[requests.count - 1].isComplete = true
                }
            } catch {
                self.error = error
                return
            }
        }
        isStuck = true
    }

    private static func summary(of head: RequestHead) -> String {
        var lines = ["\(head.method.name) \(head.target.text) \(head.minorVersion)"]
        lines.append("path \(head.path.text) authority \(head.authority?.text ?? "none")")
        for pair in head.query.pairs { lines.append("query \(pair.name) = \(pair.value)") }
        for field in head.fields { lines.append("\(field.name.text): \(field.value.text)") }
        if let length = head.contentLength { lines.append("length \(length)") }
        if head.isChunked { lines.append("chunked") }
        if head.keepsAlive { lines.append("keeps alive") }
        if head.expectsContinue { lines.append("expects continue") }
        if head.wantsUpgrade(to: "websocket") { lines.append("upgrade") }
        return lines.joined(separator: "\n")
    }
}

/// The fuzz entry point of this target (style.md B9).
package enum HTTP1Fuzz {
    /// Limits that short inputs can reach.
    package static let tightLimits = {
        var limits = HTTPLimits()
        limits.maxHeadBytes = 96
        limits.maxFieldCount = 3
        limits.maxTargetBytes = 24
        limits.maxBodyBytes = 8
        limits.maxChunkExtensionBytes = 4
        limits.maxTrailerBytes = 8
        limits.maxEmptyLines = 1
        return limits
    }()

    /// Parses `input` whole and split in two; whether both gave the same.
    ///
    /// The place of the split comes from the input. The small parsers of the target get the input
    /// too. Must neither trap nor hang.
    package static func run(_ input: [UInt8]) -> Bool {
        let bytes = SharedBytes(input)
        var hash: UInt32 = 2_166_136_261
        for byte in input { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        let cut = Int(hash % UInt32(input.count + 1))
        for limits in [HTTPLimits(), tightLimits] {
            let whole = HTTPTranscript(of: [bytes], limits: limits)
            let parts = [bytes[0..<cut], bytes[cut..<bytes.count]]
            let split = HTTPTranscript(of: parts, limits: limits)
            if whole != split || whole.isStuck { return false }
        }
        return exercise(bytes)
    }

    /// Gives `bytes` to everything that reads a part of a head.
    private static func exercise(_ bytes: SharedBytes) -> Bool {
        let query = Query(bytes)
        let hasValue = query.value(of: "sid") != nil
        let isSound = query.pairs.contains { $0.name == "sid" } == hasValue
        let components = StaticPath.components(of: bytes) ?? []
        _ = AcceptEncoding.preferred(in: [bytes])
        _ = EntityTag.isListed("\"a\"", inIfNoneMatch: bytes)
        return isSound && components.allSatisfy { !$0.hasPrefix(".") && !$0.contains("/") }
    }
}
