package import Bytes

/// Writes packets in the exact form of protocol.md §14.
///
/// Everything is appended to a buffer of the caller's, who may have put an engine packet's or a
/// frame's head there, and who reserves `headCount` and the size of the JSON for one allocation.
package enum PacketWriter {
    /// Appends what precedes a packet's JSON: type, attachments, namespace and ack id.
    ///
    /// A namespace of nil, or `/`, is left out. `attachments` is written for binary types only.
    package static func appendHead(
        _ type: PacketType,
        attachments: Int = 0,
        namespace: SharedBytes? = nil,
        id: UInt64? = nil,
        to buffer: inout ByteBuffer
    ) {
        buffer.append(type.digit)
        if type.isBinary {
            buffer.append(decimal: attachments.magnitude)
            buffer.append(ASCII.minus)
        }
        if let namespace, namespace.count > 1 {
            buffer.append(namespace)
            buffer.append(ASCII.comma)
        }
        if let id { buffer.append(decimal: id) }
    }

    /// How many bytes `appendHead` writes.
    package static func headCount(
        _ type: PacketType,
        attachments: Int = 0,
        namespace: SharedBytes? = nil,
        id: UInt64? = nil
    ) -> Int {
        var count = 1
        if type.isBinary { count += digits(in: UInt64(attachments.magnitude)) + 1 }
        if let namespace, namespace.count > 1 { count += namespace.count + 1 }
        if let id { count += digits(in: id) }
        return count
    }

    /// Appends the CONNECT that tells a client its socket id, and its private id with recovery.
    package static func appendConnect(
        namespace: SharedBytes? = nil,
        sid: SharedBytes,
        pid: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.connect, namespace: namespace, to: &buffer)
        buffer.append("{\"sid\":")
        buffer.append(jsonString: sid.bytes)
        if let pid {
            buffer.append(",\"pid\":")
            buffer.append(jsonString: pid.bytes)
        }
        buffer.append(ASCII.closeBrace)
    }

    /// Appends a DISCONNECT.
    package static func appendDisconnect(
        namespace: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.disconnect, namespace: namespace, to: &buffer)
    }

    /// Appends an EVENT, or a BINARY_EVENT if there are attachments.
    ///
    /// `arguments` are JSON values joined by commas, without brackets; may be empty.
    package static func appendEvent(
        name: String,
        arguments: RawSpan,
        attachments: Int = 0,
        namespace: SharedBytes? = nil,
        id: UInt64? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(
            attachments > 0 ? .binaryEvent : .event,
            attachments: attachments,
            namespace: namespace,
            id: id,
            to: &buffer
        )
        buffer.append(ASCII.openBracket)
        buffer.append(jsonString: name)
        if !arguments.isEmpty {
            buffer.append(ASCII.comma)
            buffer.append(arguments)
        }
        buffer.append(ASCII.closeBracket)
    }

    /// Appends an ACK, or a BINARY_ACK if there are attachments.
    ///
    /// `arguments` are JSON values joined by commas, without brackets; may be empty.
    package static func appendAck(
        id: UInt64,
        arguments: RawSpan,
        attachments: Int = 0,
        namespace: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(
            attachments > 0 ? .binaryAck : .ack,
            attachments: attachments,
            namespace: namespace,
            id: id,
            to: &buffer
        )
        buffer.append(ASCII.openBracket)
        buffer.append(arguments)
        buffer.append(ASCII.closeBracket)
    }

    /// Appends a CONNECT_ERROR; `data` is one JSON value, left out when nil (protocol.md §16).
    package static func appendConnectError(
        namespace: SharedBytes? = nil,
        message: String,
        data: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.connectError, namespace: namespace, to: &buffer)
        buffer.append("{\"message\":")
        buffer.append(jsonString: message)
        if let data {
            buffer.append(",\"data\":")
            buffer.append(data)
        }
        buffer.append(ASCII.closeBrace)
    }

    /// Appends the placeholder of attachment `index`.
    package static func appendPlaceholder(_ index: Int, to buffer: inout ByteBuffer) {
        buffer.append("{\"_placeholder\":true,\"num\":")
        buffer.append(decimal: index.magnitude)
        buffer.append(ASCII.closeBrace)
    }

    private static func digits(in number: UInt64) -> Int {
        var count = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }
}
