import Bytes

/// The fuzz entry point of the packet parser, the assembler, the state machine and the writer.
package enum SocketIOFuzz {
    private final class Socket {}

    /// Takes any input as one packet, and as the messages of a connection; true if all agree.
    ///
    /// Messages end at bytes 0x00 (text) and 0x01 (binary). It must neither trap nor hang.
    package static func run(_ input: [UInt8]) -> Bool {
        let whole = SharedBytes(input)
        return isConsistent(whole) && runConnection(whole)
    }

    private static func runConnection(_ input: SharedBytes) -> Bool {
        var assembler = BinaryAssembler(limits: PacketLimits(maxAttachmentBytes: 64))
        var namespaces = NamespaceConnections<Socket>(maxNamespaces: 3)
        var start = 0
        for offset in 0...input.count {
            let end = offset < input.count ? input.bytes.byte(at: offset) : 0
            guard end < 2 else { continue }
            let message = input[start..<offset]
            start = offset + 1
            do throws(PacketError) {
                if end == 0 {
                    switch try assembler.take(text: message) {
                    case .deliver(let head):
                        guard head.attachments == 0 else { return false }
                        take(head, message, &namespaces)
                    case .wait:
                        guard assembler.isCollecting else { return false }
                    }
                } else {
                    switch try assembler.take(binary: message) {
                    case .deliver(let packet):
                        guard packet.attachments.count == packet.head.attachments else {
                            return false
                        }
                        take(packet.head, packet.text, &namespaces)
                    case .wait:
                        guard assembler.isCollecting else { return false }
                    }
                }
            } catch {
                guard !assembler.isCollecting, !error.message.isEmpty else { return false }
            }
        }
        return namespaces.count <= 3
    }

    private static func take(
        _ head: PacketHead,
        _ text: SharedBytes,
        _ namespaces: inout NamespaceConnections<Socket>
    ) {
        switch namespaces.take(head, in: text.bytes) {
        case .connect: _ = namespaces.accept(head.namespace.map { text[$0] }, Socket())
        case .deliver, .disconnect, .ignore, .violation: break
        }
    }

    /// Whether a packet that parses has a head that is true, and parses the same written again.
    private static func isConsistent(_ text: SharedBytes) -> Bool {
        do throws(PacketError) {
            let head = try PacketParser.parse(text.bytes)
            var written = ByteBuffer()
            PacketWriter.appendHead(
                head.type,
                attachments: head.attachments,
                namespace: head.namespace.map { text[$0] },
                id: head.id,
                to: &written
            )
            if let data = head.data {
                _ = try JSONSlice.packetData(text[data])
                written.append(text[data])
            }
            let copy = written.takeShared()
            let again = try PacketParser.parse(copy.bytes)
            guard again.type == head.type, again.id == head.id,
                again.attachments == head.attachments,
                again.namespace.map({ copy[$0] }) == head.namespace.map({ text[$0] }),
                again.data.map({ copy[$0] }) == head.data.map({ text[$0] }),
                again.arguments.map({ copy[$0] }) == head.arguments.map({ text[$0] })
            else { return false }
            return argumentsAgree(head, text)
        } catch {
            return !isParsed(text)
        }
    }

    /// Whether the arguments are the elements of the array, for an EVENT without the name.
    private static func argumentsAgree(_ head: PacketHead, _ text: SharedBytes) -> Bool {
        guard let data = head.data, let arguments = head.arguments else { return true }
        var elements = JSONSlice(validated: text[data]).elements()
        if let name = head.eventName {
            guard !elements.isEmpty else { return false }
            let first = elements.removeFirst()
            guard name.text(in: text.bytes) == first.string ?? first.bytes.text else {
                return false
            }
        }
        return JSONSlice.list(text[arguments]) == elements
    }

    private static func isParsed(_ text: SharedBytes) -> Bool {
        do throws(PacketError) {
            _ = try PacketParser.parse(text.bytes)
            return true
        } catch {
            return false
        }
    }
}

extension JSONSlice {
    /// The data of a packet, validated once more.
    fileprivate static func packetData(_ text: SharedBytes) throws(PacketError) -> JSONSlice {
        do throws(JSONError) {
            return try JSONSlice(validating: text)
        } catch {
            throw .invalidPayload
        }
    }
}
