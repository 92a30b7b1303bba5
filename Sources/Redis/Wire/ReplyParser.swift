import Bytes
import CHiredis

/// Replies out of a stream of bytes, by hiredis's reader.
///
/// On its loop, like the connection it reads for. Bounds what one reply may cost: in bytes, with
/// 32 more for each value, and in depth.
final class ReplyParser {
    private struct Level {
        var elements: [RedisReply]
        var left: Int
    }

    /// hiredis 0.14 stops at 7 arrays within each other, 1.x at none.
    private static let deepest = 7
    /// Bytes that hiredis gets at once: it moves what is left of them after each 1,024 parsed.
    private static let portion = 16 * 1024
    private static let keptBuffer = 64 * 1024
    /// The longest strings that are compared with those before, to be used again.
    private static let longestReused = 256
    private static let reusedPlaces = 4

    private let reader: UnsafeMutablePointer<redisReader>
    private let events: UnsafeMutablePointer<chiredis_events>
    private let limit: Int
    private let reusesStrings: Bool
    private var levels: [Level] = []
    private var complete: RedisReply?
    private var cost = 0
    private var fault: RedisFault?
    /// The strings seen last at the first places of an array: a push's kind, its pattern or channel.
    private var reused: [SharedBytes]
    private var spare: [RedisReply] = []

    /// A parser at the beginning of a connection.
    ///
    /// - Parameters:
    ///   - limitInBytes: The largest reply.
    ///   - reusesStrings: Whether the short first strings of arrays are likely to come again, as
    ///     those of messages.
    init(limitInBytes: Int, reusesStrings: Bool = false) {
        limit = limitInBytes
        self.reusesStrings = reusesStrings
        reused =
            reusesStrings ? [SharedBytes](repeating: SharedBytes(), count: Self.reusedPlaces) : []
        events = .allocate(capacity: 1)
        guard let reader = chiredis_reader_make(events, Self.keptBuffer) else {
            preconditionFailure("out of memory")
        }
        self.reader = reader
        events.initialize(
            to: chiredis_events(
                owner: Unmanaged.passUnretained(self).toOpaque(),
                string: { ReplyParser.of($0).tookString($1, $2, $3) },
                array: { ReplyParser.of($0).tookArray($1) },
                integer: { ReplyParser.of($0).took(.integer(Int($1)), cost: 0) },
                null: { ReplyParser.of($0).took(.null, cost: 0) }
            )
        )
    }

    deinit {
        redisReaderFree(reader)
        events.deallocate()
    }

    /// Parses `bytes` and gives each complete reply to `take`, until that returns false.
    ///
    /// - Throws: `RedisFault` when the bytes are none of RESP2 or a reply is too large; the parser
    ///   is of no use then.
    func feed(_ bytes: RawSpan, take: (consuming RedisReply) -> Bool) throws(RedisFault) {
        var offset = 0
        while offset < bytes.byteCount {
            let end = min(offset + Self.portion, bytes.byteCount)
            try feedPortion(bytes.extracting(offset..<end))
            offset = end
            while try parseNext() {
                guard let reply = complete.take() else { break }
                cost = 0
                if !take(reply) { return }
            }
            guard cost + chiredis_reader_buffered(reader) <= limit else {
                throw .replyTooLong(limitInBytes: limit)
            }
        }
    }

    /// Takes the memory of a reply back that nobody needs any more.
    func recycle(_ reply: consuming RedisReply) {
        guard case .array(var elements) = consume reply else { return }
        elements.removeAll(keepingCapacity: true)
        if elements.capacity <= 8 { spare = elements }
    }

    private func feedPortion(_ bytes: RawSpan) throws(RedisFault) {
        let isFed = bytes.withUnsafeBytes {
            chiredis_reader_feed(reader, $0.baseAddress, $0.count) != 0
        }
        guard isFed else { throw .protocolViolation(readerError) }
    }

    private func parseNext() throws(RedisFault) -> Bool {
        switch chiredis_reader_next(reader) {
        case 0: return false
        case 1: return true
        default: throw fault ?? .protocolViolation(readerError)
        }
    }

    private var readerError: String { String(cString: chiredis_reader_error(reader)) }

    // MARK: Called by hiredis

    private static func of(_ owner: UnsafeMutableRawPointer?) -> ReplyParser {
        guard let owner else { preconditionFailure("hiredis has lost its owner") }
        return Unmanaged<ReplyParser>.fromOpaque(owner).takeUnretainedValue()
    }

    private func tookString(_ type: CInt, _ start: UnsafePointer<CChar>?, _ count: Int) -> CInt {
        guard let start else { return 0 }
        let bytes = RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: count)
        switch type {
        case REDIS_REPLY_STRING: return took(.bulk(keep(bytes)), cost: count)
        case REDIS_REPLY_STATUS: return took(.status(keep(bytes)), cost: count)
        case REDIS_REPLY_ERROR: return took(.error(bytes.text), cost: count)
        default: return 0
        }
    }

    private func tookArray(_ count: Int) -> CInt {
        guard levels.count < Self.deepest else {
            return refuse(.protocolViolation("arrays are nested too deeply"))
        }
        guard count > 0 else { return took(.array([]), cost: 0) }
        var elements: [RedisReply] = []
        if levels.isEmpty, count <= 8 { swap(&elements, &spare) }
        // What is announced may never come.
        elements.reserveCapacity(min(count, 1024))
        levels.append(Level(elements: elements, left: count))
        return 1
    }

    /// Adds a value to the innermost array, and each array that is full thereby to the one around.
    private func took(_ value: consuming RedisReply, cost: Int) -> CInt {
        self.cost += cost + 32
        guard self.cost <= limit else { return refuse(.replyTooLong(limitInBytes: limit)) }
        var value = value
        while !levels.isEmpty {
            let last = levels.count - 1
            levels[last].elements.append(value)
            levels[last].left -= 1
            if levels[last].left > 0 { return 1 }
            value = .array(levels.removeLast().elements)
        }
        complete = value
        return 1
    }

    /// The bytes on their own; those of the last reply again if they are the same.
    private func keep(_ bytes: RawSpan) -> SharedBytes {
        guard reusesStrings, levels.count == 1, levels[0].left > 1,
            bytes.byteCount <= Self.longestReused, levels[0].elements.count < Self.reusedPlaces
        else { return SharedBytes(copying: bytes) }
        let place = levels[0].elements.count
        let last = reused[place]
        if last.bytes.isEqual(to: bytes) { return last }
        let kept = SharedBytes(copying: bytes)
        reused[place] = kept
        return kept
    }

    private func refuse(_ fault: RedisFault) -> CInt {
        self.fault = fault
        return 0
    }
}
