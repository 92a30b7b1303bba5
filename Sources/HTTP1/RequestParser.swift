import Bytes

/// Parses the requests of one connection (RFC 9112), bytes in, events out.
///
/// A head that lies in one piece is parsed where it lies and copied once; of a head in pieces the
/// parser keeps the pieces. Body bytes are never copied. Between requests it owns no memory.
/// Once it has thrown it throws the same error again: the connection must be closed.
package struct RequestParser: ~Copyable {
    /// What the bytes have brought.
    package enum Event: Sendable {
        /// All bytes are used up.
        case needsMore
        /// A head; `setBodyLimit` may now be called.
        case head(RequestHead)
        /// A piece of the body: a range in the bytes at hand.
        case body(Range<Int>)
        /// The request is complete, the next may follow.
        case end
    }

    private enum Phase {
        case betweenRequests
        case head
        case beforeBody(RequestBody)
        case body(left: Int)
        case chunkedBody
        case failed(HTTPParseError)
    }

    private enum RequestBody {
        case length(Int)
        case chunked
    }

    private let limits: HTTPLimits
    private var phase = Phase.betweenRequests
    private var bodyLimit: Int
    private var emptyLines = 0
    private var isInsideEmptyLine = false
    private var pieces = ByteBuffer()
    private var scanner = HeadScanner()
    private var chunks = ChunkedBody()

    /// A parser that waits for the first request of a connection.
    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
        bodyLimit = limits.maxBodyBytes
    }

    /// Whether no byte of a next request has been seen; empty lines do not count.
    package var isBetweenRequests: Bool {
        if case .betweenRequests = phase { true } else { false }
    }

    /// Whether a head has begun and is not complete.
    package var isReadingHead: Bool {
        if case .head = phase { true } else { false }
    }

    /// Whether a head is complete and its `end` is still to come, even where no body follows.
    package var isReadingBody: Bool {
        switch phase {
        case .beforeBody, .body, .chunkedBody: true
        case .betweenRequests, .head, .failed: false
        }
    }

    /// Sets how long the body of the current request may be; for this request only.
    ///
    /// Called after `head`. A longer `Content-Length` fails the next call of `next`.
    package mutating func setBodyLimit(_ limitInBytes: Int) {
        bodyLimit = max(0, limitInBytes)
    }

    /// The next event in `bytes` from `offset` on, which moves behind what has been used.
    ///
    /// Called until it answers `needsMore`; then all of `bytes` is used and may be forgotten.
    /// - Throws: what is wrong with the request; where `offset` then stands is not defined.
    package mutating func next(
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(HTTPParseError) -> Event {
        do throws(HTTPParseError) {
            return try advance(in: bytes, at: &offset)
        } catch {
            phase = .failed(error)
            pieces.removeAll()
            scanner = HeadScanner()
            throw error
        }
    }

    private mutating func advance(
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(HTTPParseError) -> Event {
        switch phase {
        case .betweenRequests:
            guard try findRequest(in: bytes, at: &offset) else { return .needsMore }
            phase = .head
            return try readHead(in: bytes, at: &offset)
        case .head:
            return try readHead(in: bytes, at: &offset)
        case .beforeBody(.length(let length)):
            guard length <= bodyLimit else { throw .bodyTooLarge }
            return readBody(left: length, in: bytes, at: &offset)
        case .body(let left):
            return readBody(left: left, in: bytes, at: &offset)
        case .beforeBody(.chunked), .chunkedBody:
            return try readChunks(in: bytes, at: &offset)
        case .failed(let error):
            throw error
        }
    }

    /// Skips the few empty lines that may stand before a request line (RFC 9112 §2.2).
    private mutating func findRequest(
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(HTTPParseError) -> Bool {
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if isInsideEmptyLine {
                guard byte == ASCII.lineFeed else { throw .malformedRequestLine }
                isInsideEmptyLine = false
            } else if byte == ASCII.carriageReturn {
                emptyLines += 1
                guard emptyLines <= limits.maxEmptyLines else { throw .malformedRequestLine }
                isInsideEmptyLine = true
            } else if Grammar.isToken(byte) {
                emptyLines = 0
                return true
            } else {
                // No method begins so; a TLS handshake, say, is refused at its first byte.
                throw byte == ASCII.lineFeed ? .bareLineFeed : .malformedRequestLine
            }
            offset += 1
        }
        return false
    }

    private mutating func readHead(
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(HTTPParseError) -> Event {
        let rest = bytes.extracting(offset..<bytes.byteCount)
        guard !pieces.isEmpty else {
            guard let end = try scanner.advance(in: rest, limits: limits) else {
                pieces.append(rest)
                offset = bytes.byteCount
                return .needsMore
            }
            offset += end
            return try finishHead(SharedBytes(copying: rest.extracting(first: end)))
        }
        let before = pieces.count
        let room = limits.maxHeadBytes - before
        pieces.append(rest.extracting(first: min(rest.byteCount, room)))
        guard let end = try scanner.advance(in: pieces, limits: limits) else {
            offset = bytes.byteCount
            return .needsMore
        }
        offset += end - before
        return try finishHead(pieces.takeShared()[0..<end])
    }

    private mutating func finishHead(_ bytes: SharedBytes) throws(HTTPParseError) -> Event {
        let head = try scanner.finish(bytes)
        scanner = HeadScanner()
        bodyLimit = limits.maxBodyBytes
        phase = .beforeBody(head.isChunked ? .chunked : .length(head.contentLength ?? 0))
        return .head(head)
    }

    private mutating func readBody(
        left: Int,
        in bytes: RawSpan,
        at offset: inout Int
    ) -> Event {
        guard left > 0 else {
            phase = .betweenRequests
            return .end
        }
        let start = offset
        offset += min(left, bytes.byteCount - offset)
        phase = .body(left: left - (offset - start))
        return offset == start ? .needsMore : .body(start..<offset)
    }

    private mutating func readChunks(
        in bytes: RawSpan,
        at offset: inout Int
    ) throws(HTTPParseError) -> Event {
        phase = .chunkedBody
        let event = try chunks.next(
            in: bytes,
            at: &offset,
            limits: limits,
            bodyLimit: bodyLimit
        )
        if case .end = event {
            phase = .betweenRequests
            chunks = ChunkedBody()
        }
        return event
    }
}
