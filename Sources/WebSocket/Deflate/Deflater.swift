package import Bytes
import CZlib

/// Compresses with zlib, and frees its memory at its end.
///
/// zlib keeps the address of its stream, so that is on the heap.
@safe
package struct Deflater: ~Copyable {
    /// The framing around the deflate stream.
    package enum Format: Sendable {
        /// None (RFC 1951), for WebSocket.
        case raw
        /// zlib's (RFC 1950), HTTP's `deflate` (RFC 9110 §8.4.1.2).
        case zlib
        /// gzip's (RFC 1952).
        case gzip
    }

    private let stream: UnsafeMutablePointer<z_stream>

    /// A deflater of 2^(`windowBits` + 2) + 2^(`memoryLevel` + 9) bytes; nil where there is no memory.
    ///
    /// - Parameters:
    ///   - format: What the output is.
    ///   - windowBits: 9…15.
    ///   - level: 1…9.
    ///   - memoryLevel: 1…9.
    package init?(_ format: Format, windowBits: UInt8 = 15, level: Int, memoryLevel: Int = 8) {
        let window = CInt(windowBits)
        let bits: CInt =
            switch format {
            case .raw: -window
            case .zlib: window
            case .gzip: window + 16
            }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let level = CInt(min(max(level, 1), 9))
        let memory = CInt(min(max(memoryLevel, 1), 9))
        guard unsafe czlib_deflate_init(stream, level, bits, memory) == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = stream
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Forgets the messages before.
    mutating func reset() {
        unsafe deflateReset(stream)
    }

    /// Compresses a message, without the tail that the peer appends (RFC 7692 §7.2.1).
    ///
    /// - Returns: False if that would not be shorter; the messages before are forgotten then.
    mutating func compress(_ message: RawSpan, into output: inout ByteBuffer) -> Bool {
        let start = output.count
        let room = message.byteCount + 4
        output.reserve(room)
        let isWhole = output.append(atMost: room) { free in
            unsafe run(message, Z_SYNC_FLUSH, into: &free)
        }
        // Output that fills its room may be cut, and is too long anyhow.
        if isWhole, output.count - start < room, output.bytes.hasSuffix([0x00, 0x00, 0xFF, 0xFF]) {
            output.truncate(to: output.count - 4)
            return true
        }
        output.truncate(to: start)
        reset()
        return false
    }

    /// `body` compressed by itself; nil where zlib fails.
    package mutating func compress(whole body: RawSpan) -> SharedBytes? {
        reset()
        let bound = unsafe Int(deflateBound(stream, UInt(body.byteCount)))
        var output = ByteBuffer(capacity: bound)
        let isWhole = output.append(atMost: bound) { free in
            unsafe run(body, Z_FINISH, into: &free)
        }
        return isWhole ? SharedBytes(copying: output.bytes) : nil
    }

    /// Compresses all of `input` with one call of zlib; whether that has succeeded.
    @unsafe private func run(
        _ input: RawSpan,
        _ flush: CInt,
        into free: inout OutputRawSpan
    ) -> Bool {
        guard input.byteCount <= Int(Int32.max), free.freeCapacity <= Int(UInt32.max) else {
            return false
        }
        return unsafe free.withUnsafeMutableBytes { memory, count in
            unsafe input.withUnsafeBytes { source in
                let bytes = unsafe source.baseAddress ?? UnsafeRawPointer(memory.baseAddress!)
                let room = memory.count - count
                unsafe stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: bytes.assumingMemoryBound(to: UInt8.self)
                )
                unsafe stream.pointee.avail_in = UInt32(source.count)
                unsafe stream.pointee.next_out = (memory.baseAddress! + count)
                    .assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.avail_out = UInt32(room)
                let code = unsafe deflate(stream, flush)
                count += room - (unsafe Int(stream.pointee.avail_out))
                return unsafe stream.pointee.avail_in == 0
                    && code == (flush == Z_FINISH ? Z_STREAM_END : Z_OK)
            }
        }
    }
}

extension RawSpan {
    /// Whether the bytes end with `suffix`.
    fileprivate func hasSuffix(_ suffix: [4 of UInt8]) -> Bool {
        guard byteCount >= 4 else { return false }
        return extracting(byteCount - 4..<byteCount).isEqual(to: RawSpan(_elements: suffix.span))
    }
}
