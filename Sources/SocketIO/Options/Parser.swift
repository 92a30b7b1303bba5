import SocketIOProtocol

/// How packets are written on the wire (protocol.md §14, §23).
///
/// Nothing on the wire names the parser: server and clients have to agree, and a client that uses
/// another one is disconnected at its first packet. Handlers see the same arguments with either;
/// servers of a cluster may use different ones.
public struct Parser: Hashable, Sendable {
    let format: PacketFormat

    /// JSON as text, and a binary message for each `Data`; what clients use unless told otherwise.
    public static let `default` = Parser(format: .text)

    /// MessagePack, one binary message for each packet, as `socket.io-msgpack-parser` writes it.
    ///
    /// For JavaScript the client's file `socket.io.msgpack.min.js`, for Python
    /// `socketio.Client(serializer="msgpack")`.
    ///
    /// Dates arrive as the strings that `JSON.stringify` makes of them, and `undefined` as there:
    /// left out of objects, `null` in arrays. `maxAttachments` bounds the `Data` of a packet. A
    /// client is disconnected for `Data` in its `auth`, which has none with the default parser
    /// either, and for an object with `_placeholder: true` next to `Data`, which stands for `Data`
    /// there. Of clients of Socket.IO v2, whose own MessagePack parser sends the CONNECT of other
    /// namespaces as JSON text, only those in `/` are served.
    public static let messagePack = Parser(format: .messagePack)
}
