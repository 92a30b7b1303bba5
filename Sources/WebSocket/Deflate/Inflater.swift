import Bytes
import CZlib

/// Decompresses messages in zlib's raw format (RFC 1951); frees zlib's memory at its end.
///
/// zlib keeps the address of its stream, so that is on the heap.
@safe
struct Inflater: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>

    /// An inflater with a window of 2^`windowBits` bytes; nil where there is no memory.
    init?(windowBits: UInt8) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        guard unsafe czlib_inflate_init(stream, -CInt(windowBits)) == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = stream
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Forgets the messages before.
    mutating func reset() {
        unsafe inflateReset(stream)
    }

    /// Decompresses a message's payload (RFC 7692 §7.2.2).
    ///
    /// The output is never larger than `limit` bytes, nor is the memory taken for it; the time is
    /// linear in both. A payload without a byte is an empty message, as other servers have it.
    /// - Throws: `messageTooBig`; `invalidDeflateData`, also for a payload that has been cut short.
    mutating func inflate(
        _ payload: RawSpan,
        limit: Int
    ) throws(ProtocolViolation) -> SharedBytes {
        guard !payload.isEmpty else { return SharedBytes() }
        var output = ByteBuffer()
        output.reserve(total: min(limit, max(payload.byteCount * 4, 256)))
        // A stream that ends with its payload needs no tail (§7.2.3.4).
        if try feed(payload, into: &output, limit) { return output.takeShared() }
        let tail: [4 of UInt8] = [0x00, 0x00, 0xFF, 0xFF]
        let hasEnded = try feed(RawSpan(_elements: tail.span), into: &output, limit)
        // 128: between two blocks, with no bit left over.
        guard !hasEnded, unsafe stream.pointee.data_type == 128 else { throw .invalidDeflateData }
        return output.takeShared()
    }

    /// Decompresses `input` to its end; whether a stream ended right there.
    private mutating func feed(
        _ input: RawSpan,
        into output: inout ByteBuffer,
        _ limit: Int
    ) throws(ProtocolViolation) -> Bool {
        let count = input.byteCount
        var consumed = 0
        while true {
            // All output but the last byte over the limit has its place: that one is not kept.
            if output.freeCapacity == 0 { grow(&output, limit) }
            let isFull = output.freeCapacity == 0
            let start = consumed
            let step =
                isFull
                ? probe(input, from: start)
                : output.append(atMost: output.freeCapacity) { free in
                    fill(&free, from: input, start)
                }
            consumed += step.consumed
            switch step.code {
            case Z_OK, Z_BUF_ERROR:
                if isFull, step.hasFilled { throw .messageTooBig(limit: limit) }
                if !step.hasFilled { return false }
            case Z_STREAM_END:
                if isFull, step.hasFilled { throw .messageTooBig(limit: limit) }
                // §7.2.3.4: a block may be marked as the last; the window goes on.
                unsafe inflateResetKeep(stream)
                if consumed == count { return true }
            case Z_MEM_ERROR:
                throw .noMemory
            default:
                throw .invalidDeflateData
            }
        }
    }

    private func grow(_ output: inout ByteBuffer, _ limit: Int) {
        output.reserve(total: min(limit, max(output.count * 2, 256)))
    }

    /// What one call of zlib has done.
    private struct Step {
        var code: CInt
        var consumed: Int
        /// Whether there may be more output.
        var hasFilled: Bool
    }

    private func fill(
        _ free: inout OutputRawSpan,
        from input: RawSpan,
        _ start: Int
    ) -> Step {
        unsafe free.withUnsafeMutableBytes { memory, count in
            unsafe run(input, from: start, memory, &count)
        }
    }

    /// Whether there is a byte more, without keeping it.
    private func probe(_ input: RawSpan, from start: Int) -> Step {
        var byte: UInt8 = 0
        return unsafe withUnsafeMutableBytes(of: &byte) { memory in
            var count = 0
            return unsafe run(input, from: start, memory, &count)
        }
    }

    @unsafe private func run(
        _ input: RawSpan,
        from start: Int,
        _ memory: UnsafeMutableRawBufferPointer,
        _ count: inout Int
    ) -> Step {
        unsafe input.extracting(start..<input.byteCount).withUnsafeBytes { source in
            // zlib reads no byte where it is told of none, but wants no null either.
            let bytes = unsafe source.baseAddress ?? UnsafeRawPointer(memory.baseAddress!)
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: bytes.assumingMemoryBound(to: UInt8.self)
            )
            let offered = min(source.count, Int(UInt32.max))
            let room = min(memory.count - count, Int(UInt32.max))
            unsafe stream.pointee.avail_in = UInt32(offered)
            unsafe stream.pointee.next_out = (memory.baseAddress! + count)
                .assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = UInt32(room)
            let code = unsafe CZlib.inflate(stream, Z_SYNC_FLUSH)
            let left = unsafe Int(stream.pointee.avail_out)
            count += room - left
            return Step(
                code: code,
                consumed: offered - (unsafe Int(stream.pointee.avail_in)),
                hasFilled: left == 0
            )
        }
    }
}
