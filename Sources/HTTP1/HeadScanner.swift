import Bytes

/// Parses a head line by line as its lines become complete (RFC 9112 §2–§6).
///
/// Every error depends only on the lines before it, so all splits of the bytes meet the same one.
/// All offsets count from the first byte of the head.
struct HeadScanner {
    private var line: RequestLine?
    private var entries: [HeaderList.Entry] = []
    private var lineStart = 0
    private var scanned = 0
    private var framing = Framing()

    /// What the fields say about the message itself.
    private struct Framing {
        var hostCount = 0
        var contentLength: Int?
        var hasTransferEncoding = false
        var isChunked = false
        var hasClose = false
        var hasKeepAlive = false
        var hasExpectation = false
    }

    /// Goes on in `bytes`, the head so far; the length of the head once that is known.
    ///
    /// At most `maxHeadBytes` are looked at.
    mutating func advance(
        in bytes: RawSpan,
        limits: HTTPLimits
    ) throws(HTTPParseError) -> Int? {
        let window = bytes.extracting(first: min(bytes.byteCount, limits.maxHeadBytes))
        while let end = window.firstIndex(of: ASCII.lineFeed, from: scanned) {
            guard end > lineStart, window.byte(at: end - 1) == ASCII.carriageReturn else {
                throw .bareLineFeed
            }
            let range = lineStart..<end - 1
            scanned = end + 1
            lineStart = end + 1
            if line == nil {
                line = try RequestLine(window, range, maxTargetBytes: limits.maxTargetBytes)
            } else if range.isEmpty {
                return end + 1
            } else {
                try takeField(window, range, maxCount: limits.maxFieldCount)
            }
        }
        scanned = window.byteCount
        guard scanned >= limits.maxHeadBytes else { return nil }
        let isInTarget = line == nil && window.firstIndex(of: ASCII.space) != nil
        throw isInTarget ? .targetTooLong : .headTooLarge
    }

    /// The same for a head that is kept in `pieces`.
    mutating func advance(
        in pieces: borrowing ByteBuffer,
        limits: HTTPLimits
    ) throws(HTTPParseError) -> Int? {
        try advance(in: pieces.bytes, limits: limits)
    }

    /// The head that `bytes` is, after `advance` has found its end.
    func finish(_ bytes: SharedBytes) throws(HTTPParseError) -> RequestHead {
        guard let line else { throw .malformedRequestLine }
        if framing.hostCount == 0, !line.isHTTP10 { throw .missingHost }
        if framing.hasTransferEncoding {
            if framing.contentLength != nil { throw .contentLengthWithTransferEncoding }
            // RFC 9112 §6.1: with HTTP/1.0 the framing is faulty.
            if line.isHTTP10 || !framing.isChunked { throw .invalidTransferEncoding }
        }
        var flags: RequestHead.Flags = []
        if framing.isChunked { flags.insert(.isChunked) }
        if line.isHTTP10 {
            flags.insert(.isHTTP10)
            if framing.hasKeepAlive, !framing.hasClose { flags.insert(.keepsAlive) }
        } else {
            if !framing.hasClose { flags.insert(.keepsAlive) }
            // Nothing is waited for where no body follows.
            if framing.hasExpectation, framing.isChunked || framing.contentLength ?? 0 > 0 {
                flags.insert(.expectsContinue)
            }
        }
        return RequestHead(
            line: line,
            fields: HeaderList(bytes: bytes, entries: entries),
            contentLength: framing.contentLength,
            flags: flags
        )
    }

    /// Parses `field-name ":" OWS field-value OWS` (RFC 9112 §5).
    private mutating func takeField(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        maxCount: Int
    ) throws(HTTPParseError) {
        if Grammar.isSpace(bytes.byte(at: range.lowerBound)) { throw .lineFolding }
        var offset = range.lowerBound
        while offset < range.upperBound, Grammar.isToken(bytes.byte(at: offset)) { offset += 1 }
        guard offset < range.upperBound else { throw .malformedField }
        let stop = bytes.byte(at: offset)
        if Grammar.isSpace(stop) { throw .whitespaceBeforeColon }
        guard stop == ASCII.colon, offset > range.lowerBound else { throw .invalidFieldName }
        let name = range.lowerBound..<offset
        let value = Grammar.trimmed(bytes, offset + 1..<range.upperBound)
        guard Grammar.firstInvalid(in: bytes, value) == nil else { throw .invalidFieldValue }
        guard entries.count < maxCount else { throw .tooManyFields }
        if entries.isEmpty { entries.reserveCapacity(16) }
        entries.append(HeaderList.Entry(name: name, value: value))
        try interpret(bytes, name: bytes.extracting(name), value)
    }

    /// Notes what the message itself depends on; the name's length rules out most fields.
    private mutating func interpret(
        _ bytes: RawSpan,
        name: RawSpan,
        _ value: Range<Int>
    ) throws(HTTPParseError) {
        if name.isEqualIgnoringCase(to: "host") {
            framing.hostCount += 1
            if framing.hostCount > 1 { throw .duplicateHost }
            if !Grammar.isHost(bytes, value) { throw .invalidHost }
        } else if name.isEqualIgnoringCase(to: "connection") {
            var elements = ListElements(value)
            while let element = elements.next(in: bytes) {
                let option = bytes.extracting(element)
                if option.isEqualIgnoringCase(to: "close") { framing.hasClose = true }
                if option.isEqualIgnoringCase(to: "keep-alive") { framing.hasKeepAlive = true }
            }
        } else if name.isEqualIgnoringCase(to: "content-length") {
            try takeContentLength(bytes, value)
        } else if name.isEqualIgnoringCase(to: "transfer-encoding") {
            try takeTransferEncoding(bytes, value)
        } else if name.isEqualIgnoringCase(to: "expect") {
            let expectation = bytes.extracting(value)
            if expectation.isEqualIgnoringCase(to: "100-continue") { framing.hasExpectation = true }
        }
    }

    /// One or more equal decimal numbers (RFC 9112 §6.3, item 5).
    private mutating func takeContentLength(
        _ bytes: RawSpan,
        _ value: Range<Int>
    ) throws(HTTPParseError) {
        var elements = ListElements(value)
        var count = 0
        while let element = elements.next(in: bytes) {
            count += 1
            let length = try Self.decimal(bytes, element)
            guard framing.contentLength ?? length == length else { throw .conflictingContentLength }
            framing.contentLength = length
        }
        if count == 0 { throw .invalidContentLength }
    }

    /// The number of `1*DIGIT` (RFC 9110 §8.6); one that no `Int` holds is over every limit.
    private static func decimal(
        _ bytes: RawSpan,
        _ range: Range<Int>
    ) throws(HTTPParseError) -> Int {
        for offset in range where !ASCII.isDigit(bytes.byte(at: offset)) {
            throw .invalidContentLength
        }
        var number = 0
        for offset in range {
            let (product, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let digit = Int(bytes.byte(at: offset) - ASCII.zero)
            let (sum, isOver) = product.addingReportingOverflow(digit)
            if isTooLarge || isOver { throw .bodyTooLarge }
            number = sum
        }
        return number
    }

    /// `chunked`, once and alone (RFC 9112 §6.1, §7).
    private mutating func takeTransferEncoding(
        _ bytes: RawSpan,
        _ value: Range<Int>
    ) throws(HTTPParseError) {
        framing.hasTransferEncoding = true
        var elements = ListElements(value)
        while let element = elements.next(in: bytes) {
            var end = element.lowerBound
            while end < element.upperBound, Grammar.isToken(bytes.byte(at: end)) { end += 1 }
            guard end > element.lowerBound else { throw .invalidTransferEncoding }
            guard bytes.extracting(element.lowerBound..<end).isEqualIgnoringCase(to: "chunked")
            else { throw .unsupportedTransferCoding }
            // A parameter of `chunked` is an error, and so is a second `chunked`.
            guard end == element.upperBound, !framing.isChunked else {
                throw .invalidTransferEncoding
            }
            framing.isChunked = true
        }
    }
}
