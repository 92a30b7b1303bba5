package import Bytes

/// A packet whose attachments have all arrived (protocol.md §14).
package struct AssembledPacket: Equatable, Sendable {
    /// The packet's text, which the ranges of `head` refer to.
    package var text: SharedBytes
    /// What the text says.
    package var head: PacketHead
    /// The binary messages, in the order of their placeholders' `num`.
    package var attachments: [SharedBytes]
}

/// Puts the packets of one connection together: text, then its attachments (protocol.md §14, §15).
///
/// Where MessagePack is spoken every binary message is a whole packet, and text an error (§23).
/// One per connection, not per namespace: nothing may come between a text and its attachments.
/// After an error it waits for nothing, as after `reset`; the connection is to be closed.
package struct BinaryAssembler: ~Copyable {
    /// What to do with a text packet.
    package enum TextAction: Equatable, Sendable {
        /// The packet is complete; its ranges refer to the text just given.
        case deliver(PacketHead)
        /// The packet's attachments are awaited.
        case wait
    }

    /// What to do with a binary message.
    package enum BinaryAction: Equatable, Sendable {
        /// It was the last one awaited.
        case deliver(AssembledPacket)
        /// More are awaited.
        case wait
    }

    /// Boxed, so that a connection that waits for nothing holds nothing.
    private indirect enum State {
        case idle
        case collecting(AssembledPacket, byteCount: Int)
        /// Whole packets of MessagePack come, from the first message to the last.
        case messagePack
    }

    private var state: State
    private let limits: PacketLimits
    private let revision: ProtocolRevision

    /// An assembler that waits for nothing.
    package init(
        limits: PacketLimits = PacketLimits(),
        revision: ProtocolRevision = .five,
        format: PacketFormat = .text
    ) {
        switch format {
        case .text: state = .idle
        case .messagePack: state = .messagePack
        }
        self.limits = limits.adapted(to: revision)
        self.revision = revision
    }

    /// Whether attachments are awaited.
    package var isCollecting: Bool {
        switch state {
        case .idle, .messagePack: false
        case .collecting: true
        }
    }

    /// Takes the text of a packet; copies it only if attachments are to follow.
    ///
    /// - Throws: `PacketError`.
    package mutating func take(text: RawSpan) throws(PacketError) -> TextAction {
        let head = try parse(text)
        guard head.attachments > 0 else { return .deliver(head) }
        collect(SharedBytes(copying: text), head)
        return .wait
    }

    /// Takes the text of a packet; keeps a reference to it if attachments are to follow.
    ///
    /// - Throws: `PacketError`.
    package mutating func take(text: SharedBytes) throws(PacketError) -> TextAction {
        let head = try parse(text.bytes)
        guard head.attachments > 0 else { return .deliver(head) }
        collect(text, head)
        return .wait
    }

    /// Takes a binary message; with the last one, checks the placeholders.
    ///
    /// - Throws: `PacketError`.
    package mutating func take(binary: SharedBytes) throws(PacketError) -> BinaryAction {
        switch state {
        case .idle:
            throw .binaryWhileNotReconstructing
        case .collecting(let packet, let byteCount):
            state = .idle
            return try add(binary, to: packet, byteCount)
        case .messagePack:
            return .deliver(
                try MessagePackPacketParser.parse(binary, limits: limits, revision: revision)
            )
        }
    }

    private mutating func add(
        _ binary: SharedBytes,
        to packet: AssembledPacket,
        _ byteCount: Int
    ) throws(PacketError) -> BinaryAction {
        var packet = packet
        // Neither can overflow: a SharedBytes has at most 2^32 bytes, and the sum is limited.
        let total = byteCount + binary.count
        guard total <= limits.maxAttachmentBytes else {
            throw .attachmentsTooLarge(limitInBytes: limits.maxAttachmentBytes)
        }
        packet.attachments.append(binary)
        guard packet.attachments.count == packet.head.attachments else {
            state = .collecting(packet, byteCount: total)
            return .wait
        }
        if let data = packet.head.data {
            try Placeholders.check(
                packet.text.bytes.extracting(data),
                attachments: packet.attachments.count
            )
        }
        return .deliver(packet)
    }

    /// Forgets a packet that waits for its attachments.
    package mutating func reset() {
        if case .collecting = state { state = .idle }
    }

    private mutating func parse(_ text: RawSpan) throws(PacketError) -> PacketHead {
        switch state {
        case .idle:
            return try PacketParser.parse(text, limits: limits, revision: revision)
        case .collecting:
            state = .idle
            throw .textWhileReconstructing
        case .messagePack:
            throw .textInsteadOfMessagePack
        }
    }

    private mutating func collect(_ text: SharedBytes, _ head: PacketHead) {
        state = .collecting(AssembledPacket(text: text, head: head, attachments: []), byteCount: 0)
    }
}
