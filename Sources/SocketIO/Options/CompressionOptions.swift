/// How WebSocket messages are compressed (RFC 7692, protocol.md §7).
///
/// Without context takeover, the default, connections share one compressor per loop: an idle one
/// costs no memory, and a broadcast is compressed once for all receivers of a loop. With takeover
/// small messages that resemble each other get smaller, each connection keeps about 300 KB, and a
/// broadcast is compressed for each receiver.
///
/// Compression tells an eavesdropper how much a message resembles itself: do not put secrets and
/// what others can choose into one message.
public struct DeflateOptions: Sendable {
    /// How many bytes a message must have to be compressed; those above 1 MiB never are.
    public var threshold = 1024
    /// Whether the server compresses each message by itself.
    public var serverNoContextTakeover = true
    /// Whether clients are told to compress each message by itself.
    public var clientNoContextTakeover = true
    /// The server's window is 2 to the power of this, 9…15; clients may ask for less.
    public var serverMaxWindowBits = 15
    /// What clients are told of their window, 9…15; below 15, those that cannot be told so send
    /// and receive uncompressed.
    public var clientMaxWindowBits = 15
    /// From 1, fast, to 9, small.
    public var level = 1
    /// From 1 to 9: how much memory a compressor takes besides its window, 2^(9 + this) bytes.
    public var memoryLevel = 8

    /// The defaults.
    public init() {}
}

/// How polling's responses are compressed, by gzip or deflate as the client asks (protocol.md §11).
public struct HTTPCompressionOptions: Sendable {
    /// How many bytes a response must have to be compressed; those above 1 MiB never are.
    public var threshold = 1024

    /// The defaults.
    public init() {}
}
