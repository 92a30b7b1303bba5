import Bytes

/// The zlib contexts that all connections of a loop share: those of messages without takeover.
///
/// Each is made when it is first needed and then kept.
package struct DeflateContexts: ~Copyable {
    private let policy: DeflatePolicy
    /// By the bits of their window, from 9.
    private var deflaters = InlineArray<7, Deflater?> { _ in nil }
    private var inflater: Inflater?
    /// Where messages are compressed to before their length is known.
    private var scratch = ByteBuffer()

    /// No context yet.
    package init(_ policy: DeflatePolicy) {
        self.policy = policy
    }

    /// A frame with `message` compressed by itself; nil if that would not be shorter.
    mutating func frame(_ opcode: Opcode, _ message: RawSpan, windowBits: UInt8) -> SharedBytes? {
        let slot = Int(min(max(windowBits, 9), 15)) - 9
        if deflaters[slot] == nil { deflaters[slot] = makeDeflater(windowBits: windowBits) }
        deflaters[slot]?.reset()
        let isShorter = deflaters[slot]?.compress(message, into: &scratch) ?? false
        return takeFrame(opcode, isShorter)
    }

    /// As above, with the messages before as context.
    mutating func frame(
        _ opcode: Opcode,
        _ message: RawSpan,
        by deflater: inout Deflater?,
        windowBits: UInt8
    ) -> SharedBytes? {
        if deflater == nil { deflater = makeDeflater(windowBits: windowBits) }
        let isShorter = deflater?.compress(message, into: &scratch) ?? false
        return takeFrame(opcode, isShorter)
    }

    /// Decompresses a message that stands by itself.
    mutating func inflate(
        _ payload: RawSpan,
        limit: Int
    ) throws(ProtocolViolation) -> SharedBytes {
        // A client without takeover uses what window it likes, up to the largest.
        if inflater == nil { inflater = Inflater(windowBits: 15) }
        inflater?.reset()
        guard let message = try inflater?.inflate(payload, limit: limit) else { throw .noMemory }
        return message
    }

    private func makeDeflater(windowBits: UInt8) -> Deflater? {
        Deflater(
            .raw,
            windowBits: windowBits,
            level: policy.level,
            memoryLevel: policy.memoryLevel
        )
    }

    private mutating func takeFrame(_ opcode: Opcode, _ isShorter: Bool) -> SharedBytes? {
        defer { scratch.removeAll(keepingCapacity: scratch.capacity <= 64 * 1024) }
        guard isShorter else { return nil }
        return FrameWriter.frame(opcode, payload: scratch.bytes, reservedBits: .rsv1)
    }
}
