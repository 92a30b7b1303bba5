package import Bytes
package import EngineIO
public import Foundation
package import Loop
package import SocketIOProtocol

/// An event on its way to sockets: name, arguments, attachments.
///
/// What adapters carry.
public struct EventPacket: Sendable {
    /// The event's name.
    public let name: String
    /// Its arguments.
    public let arguments: Arguments

    /// An event to be broadcast.
    ///
    /// - Throws: `EmitError.reservedEvent`.
    public init(name: String, arguments: Arguments) throws {
        guard !ReservedEvents.contains(name) else { throw EmitError.reservedEvent(name) }
        self.name = name
        self.arguments = arguments
    }

    /// An event whose name has been checked before, here or by another server.
    package init(unchecked name: String, arguments: Arguments) {
        self.name = name
        self.arguments = arguments
    }

    /// The arguments as the text of a JSON array.
    public var argumentsJSON: String { "[\(arguments.json.text)]" }

    /// What the placeholders in `argumentsJSON` stand for.
    public var attachments: [Data] { arguments.attachments.map { Data($0) } }

    /// The packet encoded for one namespace, once for all its receivers.
    package func encoded(
        as format: PacketFormat,
        namespace: SharedBytes?,
        id: UInt64? = nil,
        isCompressible: Bool = true,
        isVolatile: Bool = false
    ) -> EncodedPacket {
        EncodedPacket(
            format,
            attachments: arguments.attachments,
            isCompressible: isCompressible,
            role: isVolatile ? .volatileEvent : .event
        ) { buffer in
            format.appendEvent(
                name: name,
                arguments: arguments.json.bytes,
                attachments: arguments.attachments,
                namespace: namespace,
                id: id,
                to: &buffer
            )
        }
    }
}

/// A Socket.IO packet as engine messages: its text, then its attachments.
///
/// As MessagePack it is one binary message, which holds the attachments.
package struct EncodedPacket: Sendable {
    /// The text; with MessagePack, the one message there is.
    package let text: OutgoingPacket
    package let attachments: [OutgoingPacket]

    /// Encodes what `write` appends, which is in `format`, as Engine.IO messages.
    package init(
        _ format: PacketFormat,
        attachments: [SharedBytes] = [],
        isCompressible: Bool = true,
        role: OutgoingPacket.Role = .required,
        _ write: (inout ByteBuffer) -> Void
    ) {
        var buffer = ByteBuffer(capacity: 128)
        var text: OutgoingPacket
        var separate = attachments
        switch format {
        case .text:
            buffer.append(ASCII.zero + 4)
            write(&buffer)
            text = OutgoingPacket(text: buffer.bytes)
        case .messagePack:
            write(&buffer)
            text = OutgoingPacket(binary: buffer.bytes)
            separate = []
        }
        text.isCompressible = isCompressible
        text.role = role
        self.text = text
        self.attachments = separate.map { bytes in
            var attachment = OutgoingPacket(binary: bytes.bytes)
            attachment.isCompressible = isCompressible
            attachment.role = .attachment
            return attachment
        }
    }

    /// Queues it for one of many receivers; `tickets` are its frames, enlisted in this turn.
    package func send(to session: EngineSession, _ tickets: PacketTickets) {
        session.send(text, tickets.text)
        for index in attachments.indices {
            session.send(attachments[index], tickets.attachments[index])
        }
    }

    /// Enlists its frames for this turn of `loop`.
    package func enlist(on loop: EventLoop) -> PacketTickets {
        PacketTickets(
            text: loop.enlist(text.frame),
            attachments: attachments.map { loop.enlist($0.frame) }
        )
    }

    /// Queues it; text and attachments stay together because nothing else runs in between.
    package func send(to session: EngineSession) {
        session.send(text)
        for attachment in attachments { session.send(attachment) }
    }
}

/// A packet's frames as one turn of a loop writes them to many.
package struct PacketTickets {
    let text: FrameTicket
    let attachments: [FrameTicket]
}
