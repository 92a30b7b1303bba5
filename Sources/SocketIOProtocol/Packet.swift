import Bytes

/// The packet types of Socket.IO v5 and their digits (protocol.md §14).
package enum PacketType: UInt8, CaseIterable, Sendable {
    case connect
    case disconnect
    case event
    case ack
    case connectError
    case binaryEvent
    case binaryAck

    /// The digit that begins a packet of this type.
    package var digit: UInt8 { ASCII.zero + rawValue }

    /// Whether the digit is followed by a number of attachments.
    package var isBinary: Bool { self == .binaryEvent || self == .binaryAck }

    /// The same type without attachments: EVENT for BINARY_EVENT, ACK for BINARY_ACK.
    package var withoutAttachments: PacketType {
        switch self {
        case .binaryEvent: .event
        case .binaryAck: .ack
        case .connect, .disconnect, .event, .ack, .connectError: self
        }
    }
}

/// How packets are written on the wire, which client and server must agree upon beforehand.
package enum PacketFormat: Sendable {
    /// Text, with binary messages for its attachments (protocol.md §14).
    case text
    /// One MessagePack map in one binary message (protocol.md §23).
    case messagePack
}

/// What a client may make us hold or walk through.
package struct PacketLimits: Equatable, Sendable {
    /// The most attachments of one packet.
    package var maxAttachments: Int
    /// The most bytes of all attachments of one packet together.
    package var maxAttachmentBytes: Int
    /// The deepest nesting of arrays and objects in a packet's JSON; at most 512 counts.
    package var maxDepth: Int
    /// The longest name of a namespace, in bytes.
    package var maxNamespaceBytes: Int

    /// The reference's 10 attachments, and bounds of ours where it has none.
    package init(
        maxAttachments: Int = 10,
        maxAttachmentBytes: Int = 10_000_000,
        maxDepth: Int = JSONScanner.deepestNesting,
        maxNamespaceBytes: Int = 1024
    ) {
        self.maxAttachments = maxAttachments
        self.maxAttachmentBytes = maxAttachmentBytes
        self.maxDepth = maxDepth
        self.maxNamespaceBytes = maxNamespaceBytes
    }
}

/// Where the name of an event is in the packet's text, and how it is written there.
package enum EventName: Equatable, Sendable {
    /// A string without escapes: the range holds the name itself, without its quotes.
    case plain(Range<Int>)
    /// A string with escapes, without its quotes.
    case escaped(Range<Int>)
    /// A number; delivered under its own text (protocol.md §15, tolerated forms).
    case number(Range<Int>)

    /// The name as a string.
    package func text(in packet: RawSpan) -> String {
        switch self {
        case .plain(let range), .number(let range): packet.extracting(range).text
        case .escaped(let range): JSONText.unescaped(packet.extracting(range))
        }
    }
}

/// What a text packet says, as ranges of its text (protocol.md §14).
package struct PacketHead: Equatable, Sendable {
    /// The type; a binary type that announces no attachments has become EVENT or ACK.
    package var type: PacketType
    /// How many binary messages follow the text.
    package var attachments = 0
    /// The namespace's name, with its slash and without the comma; nil for `/`.
    package var namespace: Range<Int>?
    /// The ack id, at most 2^53.
    package var id: UInt64?
    /// The JSON value, validated and of the right shape for the type; nil where there is none.
    package var data: Range<Int>?
    /// The name of an EVENT that has data.
    package var eventName: EventName?
    /// The comma-separated arguments of an EVENT (after its name) or ACK that has data.
    ///
    /// `JSONSlice.list` splits them; with the brackets left out they can be copied as they are.
    package var arguments: Range<Int>?

    /// A packet of a type alone, for `/`.
    package init(type: PacketType) {
        self.type = type
    }
}
