package import Bytes

/// The packets of a server in either format: as `PacketWriter` has them, or as
/// `MessagePackPacketWriter`.
extension PacketFormat {
    /// Appends the CONNECT that tells a client its socket id, and its private id with recovery.
    package func appendConnect(
        namespace: SharedBytes?,
        sid: SharedBytes,
        pid: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        switch self {
        case .text:
            PacketWriter.appendConnect(namespace: namespace, sid: sid, pid: pid, to: &buffer)
        case .messagePack:
            MessagePackPacketWriter.appendConnect(
                namespace: namespace,
                sid: sid,
                pid: pid,
                to: &buffer
            )
        }
    }

    /// Appends the CONNECT that tells a client of revision 4 that it has joined: no data.
    package func appendConnect(namespace: SharedBytes?, to buffer: inout ByteBuffer) {
        switch self {
        case .text: PacketWriter.appendConnect(namespace: namespace, to: &buffer)
        case .messagePack: MessagePackPacketWriter.appendConnect(namespace: namespace, to: &buffer)
        }
    }

    /// Appends a DISCONNECT.
    package func appendDisconnect(namespace: SharedBytes?, to buffer: inout ByteBuffer) {
        switch self {
        case .text: PacketWriter.appendDisconnect(namespace: namespace, to: &buffer)
        case .messagePack:
            MessagePackPacketWriter.appendDisconnect(namespace: namespace, to: &buffer)
        }
    }

    /// Appends an EVENT; as text, its attachments must follow.
    package func appendEvent(
        name: String,
        arguments: RawSpan,
        attachments: [SharedBytes],
        namespace: SharedBytes?,
        id: UInt64?,
        to buffer: inout ByteBuffer
    ) {
        switch self {
        case .text:
            PacketWriter.appendEvent(
                name: name,
                arguments: arguments,
                attachments: attachments.count,
                namespace: namespace,
                id: id,
                to: &buffer
            )
        case .messagePack:
            MessagePackPacketWriter.appendEvent(
                name: name,
                arguments: arguments,
                attachments: attachments,
                namespace: namespace,
                id: id,
                to: &buffer
            )
        }
    }

    /// Appends an ACK; as text, its attachments must follow.
    package func appendAck(
        id: UInt64,
        arguments: RawSpan,
        attachments: [SharedBytes],
        namespace: SharedBytes?,
        to buffer: inout ByteBuffer
    ) {
        switch self {
        case .text:
            PacketWriter.appendAck(
                id: id,
                arguments: arguments,
                attachments: attachments.count,
                namespace: namespace,
                to: &buffer
            )
        case .messagePack:
            MessagePackPacketWriter.appendAck(
                id: id,
                arguments: arguments,
                attachments: attachments,
                namespace: namespace,
                to: &buffer
            )
        }
    }

    /// Appends a CONNECT_ERROR; `data` is one JSON value, left out when nil.
    package func appendConnectError(
        namespace: SharedBytes?,
        message: String,
        data: SharedBytes?,
        to buffer: inout ByteBuffer
    ) {
        switch self {
        case .text:
            PacketWriter.appendConnectError(
                namespace: namespace,
                message: message,
                data: data,
                to: &buffer
            )
        case .messagePack:
            MessagePackPacketWriter.appendConnectError(
                namespace: namespace,
                message: message,
                data: data,
                to: &buffer
            )
        }
    }

    /// Appends the ERROR of revision 4, whose data is any JSON value.
    package func appendError(
        namespace: SharedBytes?,
        data: SharedBytes,
        to buffer: inout ByteBuffer
    ) {
        switch self {
        case .text: PacketWriter.appendError(namespace: namespace, data: data, to: &buffer)
        case .messagePack:
            MessagePackPacketWriter.appendError(namespace: namespace, data: data, to: &buffer)
        }
    }
}
