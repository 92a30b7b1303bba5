import Bytes
import CZlib

/// Compresses whole bodies (RFC 1952, RFC 1950), once per file.
enum Gzip {
    /// The framing around the deflate stream.
    enum Format: CInt {
        case gzip = 31
        /// HTTP's `deflate`, which is zlib's format (RFC 9110 §8.4.1.2).
        case zlib = 15
    }

    /// `bytes` compressed, or nil where zlib has no memory.
    static func compress(_ bytes: SharedBytes, _ format: Format) -> SharedBytes? {
        var stream = z_stream()
        guard czlib_deflate_init(&stream, 9, format.rawValue) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.count)))
        let output = UnsafeMutablePointer<UInt8>.allocate(capacity: bound)
        defer { output.deallocate() }
        let result = bytes.withUnsafeBytes { input in
            stream.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress!.assumingMemoryBound(to: UInt8.self)
            )
            stream.avail_in = UInt32(input.count)
            stream.next_out = output
            stream.avail_out = UInt32(bound)
            return deflate(&stream, Z_FINISH)
        }
        guard result == Z_STREAM_END else { return nil }
        return SharedBytes(
            copying: RawSpan(
                _unsafeStart: UnsafeRawPointer(output),
                byteCount: bound - Int(stream.avail_out)
            )
        )
    }
}
