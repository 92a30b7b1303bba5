import Bytes

/// The fuzz entry point of the parser and the writer of MessagePack packets.
package enum MessagePackPacketFuzz {
    private static let limits = PacketLimits(maxAttachments: 4)

    /// Takes any input as one message of a client; true if all ways to read the packet agree.
    ///
    /// It must neither trap nor hang, whatever the bytes.
    package static func run(_ input: [UInt8]) -> Bool {
        var assembler = BinaryAssembler(limits: limits, format: .messagePack)
        do throws(PacketError) {
            let message = SharedBytes(input)
            guard case .deliver(let packet) = try assembler.take(binary: message) else {
                return false
            }
            guard !assembler.isCollecting else { return false }
            _ = try? MessagePackPacketParser.parse(message, limits: limits, revision: .four)
            return agreesWithText(packet) && isWrittenBack(packet)
        } catch {
            return !assembler.isCollecting && !error.message.isEmpty
        }
    }

    /// Whether the default format's parser reads the same in the packet's text.
    private static func agreesWithText(_ packet: AssembledPacket) -> Bool {
        let text = packet.text.bytes
        guard packet.attachments.count == packet.head.attachments,
            packet.attachments.count <= limits.maxAttachments
        else { return false }
        if let data = packet.head.data {
            guard (try? JSONSlice(validating: packet.text[data])) != nil,
                packet.attachments.isEmpty
                    || (try? Placeholders.check(
                        text.extracting(data),
                        attachments: packet.attachments.count
                    )) != nil
            else { return false }
        }
        var head = packet.head
        head.attachments = 0
        guard let parsed = try? PacketParser.parse(text, limits: limits) else {
            return isOutsideOfText(packet)
        }
        return parsed == head || isOutsideOfText(packet)
    }

    /// Whether it is one of the packets that only MessagePack can say (§15, §23).
    private static func isOutsideOfText(_ packet: AssembledPacket) -> Bool {
        if let namespace = packet.head.namespace,
            packet.text[namespace].bytes.firstIndex(of: ASCII.comma) != nil
        {
            return true
        }
        guard packet.head.type == .event else { return false }
        guard let name = packet.head.eventName else { return true }
        return ReservedEvents.contains(name.text(in: packet.text.bytes))
    }

    /// Whether an EVENT or ACK is the same once it has been written and read again.
    private static func isWrittenBack(_ packet: AssembledPacket) -> Bool {
        let head = packet.head
        guard let arguments = head.arguments else { return true }
        var written = ByteBuffer()
        switch (head.type, head.eventName, head.id) {
        case (.event, .plain?, _), (.event, .escaped?, _):
            guard let name = head.eventName?.text(in: packet.text.bytes) else { return false }
            MessagePackPacketWriter.appendEvent(
                name: name,
                arguments: packet.text[arguments].bytes,
                attachments: packet.attachments,
                namespace: head.namespace.map { packet.text[$0] },
                id: head.id,
                to: &written
            )
        case (.ack, _, let id?):
            MessagePackPacketWriter.appendAck(
                id: id,
                arguments: packet.text[arguments].bytes,
                attachments: packet.attachments,
                namespace: head.namespace.map { packet.text[$0] },
                to: &written
            )
        default:
            return true
        }
        let again = try? MessagePackPacketParser.parse(written.takeShared(), limits: limits)
        return again == packet
    }
}
