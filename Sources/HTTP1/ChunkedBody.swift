import Bytes

/// Takes the chunked coding apart (RFC 9112 §7.1).
struct ChunkedBody {
    /// Where in the coding the next byte stands.
    private enum State {
        case size
        case spaceAfterSize
        case chunkExtension
        case sizeLineFeed
        case data
        case dataCarriageReturn
        case dataLineFeed
        case trailerStart
        case trailerName
        case trailerValue
        case trailerLineFeed
        case lastLineFeed
    }

    private var state = State.size
    private var digits = 0
    private var size: UInt64 = 0
    private var left = 0
    private var total = 0
    private var extensionBytes = 0
    private var trailerBytes = 0

    /// The next piece of the body, its end, or the wish for more bytes.
    mutating func next(
        in bytes: RawSpan,
        at offset: inout Int,
        limits: HTTPLimits,
        bodyLimit: Int
    ) throws(HTTPParseError) -> RequestParser.Event {
        while offset < bytes.byteCount {
            if case .data = state {
                let start = offset
                offset += min(left, bytes.byteCount - offset)
                left -= offset - start
                if left == 0 { state = .dataCarriageReturn }
                return .body(start..<offset)
            }
            let byte = bytes.byte(at: offset)
            offset += 1
            if try take(byte, limits: limits, bodyLimit: bodyLimit) { return .end }
        }
        return .needsMore
    }

    /// Goes one byte on; true after the last one.
    private mutating func take(
        _ byte: UInt8,
        limits: HTTPLimits,
        bodyLimit: Int
    ) throws(HTTPParseError) -> Bool {
        switch state {
        case .size:
            try takeSize(byte)
        case .spaceAfterSize, .chunkExtension:
            try takeExtension(byte, limit: limits.maxChunkExtensionBytes)
        case .sizeLineFeed:
            guard byte == ASCII.lineFeed else { throw .malformedChunk }
            try beginChunk(bodyLimit: bodyLimit)
        case .data, .dataCarriageReturn:
            guard byte == ASCII.carriageReturn else { throw .malformedChunk }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == ASCII.lineFeed else { throw .malformedChunk }
            state = .size
        case .trailerStart where byte == ASCII.carriageReturn:
            state = .lastLineFeed
        case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed:
            try takeTrailer(byte, limit: limits.maxTrailerBytes)
        case .lastLineFeed:
            guard byte == ASCII.lineFeed else { throw .malformedChunk }
            return true
        }
        return false
    }

    /// `1*HEXDIG`, 16 at most.
    private mutating func takeSize(_ byte: UInt8) throws(HTTPParseError) {
        if let value = ASCII.hexValue(byte) {
            digits += 1
            guard digits <= 16 else { throw .malformedChunk }
            size = size << 4 | UInt64(value)
            return
        }
        guard digits > 0 else { throw .malformedChunk }
        switch byte {
        case ASCII.carriageReturn: state = .sizeLineFeed
        case ASCII.semicolon: state = .chunkExtension
        case ASCII.space, ASCII.tab: state = .spaceAfterSize
        default: throw .malformedChunk
        }
    }

    /// `*( BWS ";" … )` (RFC 9112 §7.1.1): any text without control characters, not looked at.
    private mutating func takeExtension(_ byte: UInt8, limit: Int) throws(HTTPParseError) {
        extensionBytes += 1
        guard extensionBytes <= limit else { throw .malformedChunk }
        if case .spaceAfterSize = state {
            if byte == ASCII.semicolon { state = .chunkExtension }
            guard byte == ASCII.semicolon || Grammar.isSpace(byte) else { throw .malformedChunk }
        } else if byte == ASCII.carriageReturn {
            state = .sizeLineFeed
        } else if !Grammar.isFieldContent(byte) {
            throw .malformedChunk
        }
    }

    /// Checks the size just read against `Int` and the limit.
    private mutating func beginChunk(bodyLimit: Int) throws(HTTPParseError) {
        guard let count = Int(exactly: size) else { throw .malformedChunk }
        digits = 0
        size = 0
        if count == 0 {
            state = .trailerStart
            return
        }
        guard count <= bodyLimit - total else { throw .bodyTooLarge }
        total += count
        left = count
        state = .data
    }

    /// A field line (RFC 9112 §7.1.2), checked and forgotten.
    private mutating func takeTrailer(_ byte: UInt8, limit: Int) throws(HTTPParseError) {
        trailerBytes += 1
        guard trailerBytes <= limit else { throw .trailersTooLarge }
        switch state {
        case .trailerName where byte == ASCII.colon:
            state = .trailerValue
        case .trailerValue where byte == ASCII.carriageReturn:
            state = .trailerLineFeed
        case .trailerValue:
            guard Grammar.isFieldContent(byte) else { throw .invalidFieldValue }
        case .trailerLineFeed:
            guard byte == ASCII.lineFeed else { throw .invalidFieldValue }
            state = .trailerStart
        default:
            guard Grammar.isToken(byte) else { throw .invalidFieldName }
            state = .trailerName
        }
    }
}
