/// What a server wants of permessage-deflate (RFC 7692 §7.1).
///
/// By default neither side keeps its window from message to message, so that a connection owns no
/// zlib context (a deflater takes 256 KB, an inflater 40 KB) and a broadcast is compressed once for
/// all its receivers.
package struct DeflatePolicy: Equatable, Sendable {
    /// How many bytes a message must have to be compressed.
    package var threshold = 1024
    package var serverNoContextTakeover = true
    package var clientNoContextTakeover = true
    /// 9…15: zlib has no raw deflate with a window of 256 bytes.
    package var serverMaxWindowBits = 15
    /// 9…15; below 15 only clients that can be told so are compressed with.
    package var clientMaxWindowBits = 15
    /// 1…9, as zlib has it.
    ///
    /// Half the time of 6 for a tenth more bytes: 8 ms against 16 for 1 MiB of JSON (zlib 1.2.13).
    package var level = 1
    /// 1…9: a deflater takes 2^(level + 9) bytes besides four times its window.
    package var memoryLevel = 8

    /// The defaults.
    package init() {}

    /// Longer messages leave uncompressed, so that none holds up its loop for long.
    package static let maxMessageBytes = 1 << 20
}

/// What both sides have agreed upon (RFC 7692 §7.1).
package struct DeflateParameters: Equatable, Sendable {
    package var serverNoContextTakeover = false
    package var clientNoContextTakeover = false
    /// The server's window, 9…15 bits.
    package var serverMaxWindowBits: UInt8 = 15
    /// The client's window, 9…15 bits.
    package var clientMaxWindowBits: UInt8 = 15

    /// The defaults of the extension, unless given.
    package init(serverNoContextTakeover: Bool = false, clientNoContextTakeover: Bool = false) {
        self.serverNoContextTakeover = serverNoContextTakeover
        self.clientNoContextTakeover = clientNoContextTakeover
    }

    /// The value of `Sec-WebSocket-Extensions` in the response; what is the default is left out.
    package var field: String {
        var field = DeflateNegotiation.name
        if serverNoContextTakeover { field += "; server_no_context_takeover" }
        if clientNoContextTakeover { field += "; client_no_context_takeover" }
        if serverMaxWindowBits < 15 { field += "; server_max_window_bits=\(serverMaxWindowBits)" }
        if clientMaxWindowBits < 15 { field += "; client_max_window_bits=\(clientMaxWindowBits)" }
        return field
    }
}
