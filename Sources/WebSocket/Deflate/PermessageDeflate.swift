package import Bytes

/// Compression of one connection's messages (RFC 7692 §7).
///
/// Owns zlib contexts only where the peers have agreed to keep their windows from message to
/// message, and only from the first such message on.
package struct PermessageDeflate: ~Copyable {
    private let parameters: DeflateParameters
    private var deflater: Deflater?
    private var inflater: Inflater?

    /// The start of a connection that has agreed upon `parameters`.
    package init(_ parameters: DeflateParameters) {
        self.parameters = parameters
    }

    /// Whether a compressed frame serves all connections with the same `windowBits`.
    package var sharesFrames: Bool { parameters.serverNoContextTakeover }

    /// The server's window.
    package var windowBits: UInt8 { parameters.serverMaxWindowBits }

    /// A frame with `message` compressed; nil if that would not be shorter.
    ///
    /// Frames must be sent in the order in which they are made, unless they are shared.
    package mutating func frame(
        _ opcode: Opcode,
        _ message: RawSpan,
        _ contexts: inout DeflateContexts
    ) -> SharedBytes? {
        guard !message.isEmpty, message.byteCount <= DeflatePolicy.maxMessageBytes else {
            return nil
        }
        if parameters.serverNoContextTakeover {
            return contexts.frame(opcode, message, windowBits: windowBits)
        }
        return contexts.frame(opcode, message, by: &deflater, windowBits: windowBits)
    }

    /// Decompresses a message that came with RSV1 (§7.2.2).
    ///
    /// - Parameters:
    ///   - opcode: Text is checked to be UTF-8 (RFC 6455 §8.1).
    ///   - payload: What its frames carried, in one piece.
    ///   - limit: How many bytes it may have.
    ///   - contexts: Those of the loop.
    /// - Returns: The message.
    /// - Throws: `messageTooBig`, `invalidDeflateData`, `invalidUTF8`, `noMemory`.
    package mutating func inflate(
        _ opcode: Opcode,
        _ payload: RawSpan,
        limit: Int,
        _ contexts: inout DeflateContexts
    ) throws(ProtocolViolation) -> SharedBytes {
        let message =
            parameters.clientNoContextTakeover
            ? try contexts.inflate(payload, limit: limit)
            : try inflateInContext(payload, limit: limit)
        if opcode == .text, !message.bytes.isValidUTF8 { throw .invalidUTF8 }
        return message
    }

    private mutating func inflateInContext(
        _ payload: RawSpan,
        limit: Int
    ) throws(ProtocolViolation) -> SharedBytes {
        if inflater == nil { inflater = Inflater(windowBits: parameters.clientMaxWindowBits) }
        guard let message = try inflater?.inflate(payload, limit: limit) else { throw .noMemory }
        return message
    }
}
