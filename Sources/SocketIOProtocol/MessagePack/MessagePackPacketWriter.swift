package import Bytes
import MessagePack

/// Writes packets as maps of MessagePack, as `PacketWriter` does as text (protocol.md §23).
///
/// The members are `type`, `nsp` and, where there are any, `data` and `id`, in this order. Binary
/// values are inline: placeholders become the attachments they stand for.
package enum MessagePackPacketWriter {
    /// Appends the CONNECT that tells a client its socket id, and its private id with recovery.
    package static func appendConnect(
        namespace: SharedBytes? = nil,
        sid: SharedBytes,
        pid: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.connect, namespace, hasData: true, to: &buffer)
        buffer.appendMessagePack(mapHeader: pid == nil ? 1 : 2)
        buffer.appendMessagePack(literal: "sid")
        buffer.appendMessagePack(string: sid.bytes)
        if let pid {
            buffer.appendMessagePack(literal: "pid")
            buffer.appendMessagePack(string: pid.bytes)
        }
    }

    /// Appends the CONNECT that tells a client of revision 4 that it has joined: no data.
    package static func appendConnect(
        namespace: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.connect, namespace, hasData: false, to: &buffer)
    }

    /// Appends a DISCONNECT.
    package static func appendDisconnect(
        namespace: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.disconnect, namespace, hasData: false, to: &buffer)
    }

    /// Appends an EVENT.
    ///
    /// `arguments` are JSON values joined by commas, without brackets; may be empty.
    package static func appendEvent(
        name: String,
        arguments: RawSpan,
        attachments: [SharedBytes] = [],
        namespace: SharedBytes? = nil,
        id: UInt64? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.event, namespace, hasData: true, id: id, to: &buffer)
        buffer.appendMessagePackArray(first: name, list: arguments, attachments: attachments)
        appendID(id, to: &buffer)
    }

    /// Appends an ACK.
    ///
    /// `arguments` are JSON values joined by commas, without brackets; may be empty.
    package static func appendAck(
        id: UInt64,
        arguments: RawSpan,
        attachments: [SharedBytes] = [],
        namespace: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.ack, namespace, hasData: true, id: id, to: &buffer)
        buffer.appendMessagePackArray(list: arguments, attachments: attachments)
        appendID(id, to: &buffer)
    }

    /// Appends a CONNECT_ERROR; `data` is one JSON value, left out when nil (protocol.md §16).
    package static func appendConnectError(
        namespace: SharedBytes? = nil,
        message: String,
        data: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.connectError, namespace, hasData: true, to: &buffer)
        buffer.appendMessagePack(mapHeader: data == nil ? 1 : 2)
        buffer.appendMessagePack(literal: "message")
        buffer.appendMessagePack(text: message)
        if let data {
            buffer.appendMessagePack(literal: "data")
            buffer.appendMessagePack(json: data.bytes)
        }
    }

    /// Appends the ERROR of revision 4, whose data is any JSON value: the message, or the app's own.
    package static func appendError(
        namespace: SharedBytes? = nil,
        data: SharedBytes,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.connectError, namespace, hasData: true, to: &buffer)
        buffer.appendMessagePack(json: data.bytes)
    }

    /// Appends the map's head, type and namespace, and the name of `data` if that follows.
    private static func appendHead(
        _ type: PacketType,
        _ namespace: SharedBytes?,
        hasData: Bool,
        id: UInt64? = nil,
        to buffer: inout ByteBuffer
    ) {
        buffer.appendMessagePack(mapHeader: 2 + (hasData ? 1 : 0) + (id == nil ? 0 : 1))
        buffer.appendMessagePack(literal: "type")
        buffer.appendMessagePack(integer: type.rawValue)
        buffer.appendMessagePack(literal: "nsp")
        if let namespace {
            buffer.appendMessagePack(string: namespace.bytes)
        } else {
            buffer.appendMessagePack(literal: "/")
        }
        if hasData { buffer.appendMessagePack(literal: "data") }
    }

    private static func appendID(_ id: UInt64?, to buffer: inout ByteBuffer) {
        guard let id else { return }
        buffer.appendMessagePack(literal: "id")
        buffer.appendMessagePack(integer: id)
    }
}
