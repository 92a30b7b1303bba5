import Bytes
import HTTP1
import WebSocket

/// Compresses the responses of one loop to polls (protocol.md §11).
///
/// Each zlib context, of 256 KB, is made when it is first needed and then kept.
struct BodyCompressor: ~Copyable {
    private var gzip: Deflater?
    private var zlib: Deflater?

    /// Longer bodies leave as they are, so that none holds up its loop for long.
    private static let maxBodyBytes = 1 << 20
    /// As for WebSocket messages, see `DeflatePolicy.level`.
    private static let level = 1

    /// `body` in the coding that the request prefers; nil if that is none, or not shorter.
    mutating func compressed(
        _ body: SharedBytes,
        for head: RequestHead
    ) -> (body: SharedBytes, coding: ContentCoding)? {
        guard body.count <= Self.maxBodyBytes,
            let coding = AcceptEncoding.preferred(in: head.fields.all("Accept-Encoding"))
        else { return nil }
        let compressed: SharedBytes?
        switch coding {
        case .gzip:
            if gzip == nil { gzip = Deflater(.gzip, level: Self.level) }
            compressed = gzip?.compress(whole: body.bytes)
        case .deflate:
            if zlib == nil { zlib = Deflater(.zlib, level: Self.level) }
            compressed = zlib?.compress(whole: body.bytes)
        case .identity:
            return nil
        }
        guard let compressed, compressed.count < body.count else { return nil }
        return (compressed, coding)
    }
}
