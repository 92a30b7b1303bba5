package import Bytes

/// Walks through the packets of a POST body, separated by 0x1E (protocol.md §6).
///
/// The packets before one that cannot be read are handed out first; the caller stops at the error.
package struct PayloadSplitter: Sendable {
    /// Where the next unit begins; nil after the last one.
    private var position: Int? = 0

    /// A splitter at the start of a body.
    package init() {}

    /// The next packet of `body`, the same at every call; nil after the last one.
    ///
    /// Ranges are those of `body`. A unit must be UTF-8: passed on to a WebSocket, anything else
    /// would make the recipients close with 1007.
    package mutating func next(in body: RawSpan) throws(EnginePacketError) -> EnginePacket? {
        guard let start = position else { return nil }
        let separator = body.firstIndex(of: ASCII.recordSeparator, from: start)
        position = separator.map { $0 + 1 }
        let unit = start..<(separator ?? body.byteCount)
        guard body.extracting(unit).isValidUTF8 else {
            position = nil
            throw .invalidUTF8
        }
        do throws(EnginePacketError) {
            return try EnginePacket(parsing: body, in: unit)
        } catch {
            position = nil
            throw error
        }
    }
}

/// Joins packets into the body of a poll response (protocol.md §6).
package struct PayloadWriter: ~Copyable {
    private var buffer = ByteBuffer()

    /// A writer without packets, which owns no memory.
    package init() {}

    /// How many bytes the body has so far.
    package var count: Int { buffer.count }

    /// Whether nothing was appended.
    package var isEmpty: Bool { buffer.isEmpty }

    /// Appends a packet of `type`.
    package mutating func append(_ type: EnginePacketType, payload: RawSpan = RawSpan()) {
        separate()
        buffer.append(type.rawValue)
        buffer.append(payload)
    }

    /// Appends a unit that was encoded before, type digit included.
    package mutating func append(unit: RawSpan) {
        precondition(!unit.isEmpty, "a unit has at least its type")
        separate()
        buffer.append(unit)
    }

    /// Appends a binary message as `b` and base64.
    package mutating func append(binary: RawSpan) {
        separate()
        buffer.reserve(1 + Base64.encodedCount(of: binary.byteCount))
        buffer.append(EnginePacket.binaryMark)
        Base64.encode(binary, into: &buffer)
    }

    /// Gives the body away and starts a new one.
    package mutating func takeShared() -> SharedBytes {
        buffer.takeShared()
    }

    private mutating func separate() {
        if !buffer.isEmpty { buffer.append(ASCII.recordSeparator) }
    }
}
