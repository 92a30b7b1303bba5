package import Bytes

/// The revision of the Socket.IO protocol that a client speaks (protocol.md §13, §14).
package enum ProtocolRevision: Sendable {
    /// Clients of Socket.IO v2: names of namespaces carry a query, the answers to CONNECT no data.
    case four
    case five
}

extension PacketLimits {
    /// The limits for clients of `revision`: before version 5, credentials are in the names.
    package func adapted(to revision: ProtocolRevision) -> PacketLimits {
        switch revision {
        case .five:
            return self
        case .four:
            var limits = self
            limits.maxNamespaceBytes = max(maxNamespaceBytes, 8192)
            return limits
        }
    }
}

extension PacketParser {
    /// Parses the text of a packet of a client of `revision`; see `parse(_:limits:)`.
    ///
    /// - Throws: `PacketError`.
    package static func parse(
        _ bytes: RawSpan,
        limits: PacketLimits = PacketLimits(),
        revision: ProtocolRevision
    ) throws(PacketError) -> PacketHead {
        var head = try parse(bytes, limits: limits)
        switch revision {
        case .five: break
        case .four: head.namespace = head.namespace.flatMap { PacketHead.path(of: $0, in: bytes) }
        }
        return head
    }
}

extension PacketHead {
    /// The part of a namespace's name before its query, as URLs are taken apart (§13); nil is `/`.
    static func path(of name: Range<Int>, in text: RawSpan) -> Range<Int>? {
        let bytes = text.extracting(name)
        let hash = bytes.firstIndex(of: numberSign) ?? bytes.byteCount
        let end = bytes.extracting(0..<hash).firstIndex(of: ASCII.questionMark) ?? hash
        return end > 1 ? name.lowerBound..<name.lowerBound + end : nil
    }

    /// The query of a CONNECT's namespace, without its question mark; nil if there is none.
    ///
    /// The parser has cut it off the name (§13), which it follows in `text`.
    package func namespaceQuery(in text: RawSpan) -> Range<Int>? {
        // The digit, then the slash of `/`, which is no name.
        let end = namespace?.upperBound ?? 2
        guard end < text.byteCount, text.byte(at: end) == ASCII.questionMark else { return nil }
        let comma = text.firstIndex(of: ASCII.comma, from: end) ?? text.byteCount
        let rest = text.extracting(end + 1..<comma)
        let hash = rest.firstIndex(of: Self.numberSign) ?? rest.byteCount
        return end + 1..<end + 1 + hash
    }

    private static let numberSign: UInt8 = 0x23
}

extension PacketWriter {
    /// Appends the CONNECT that tells a client of revision 4 that it has joined: no data.
    package static func appendConnect(
        namespace: SharedBytes? = nil,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.connect, namespace: namespace, to: &buffer)
    }

    /// Appends the ERROR of revision 4, whose data is any JSON value: the message, or the app's own.
    package static func appendError(
        namespace: SharedBytes? = nil,
        data: SharedBytes,
        to buffer: inout ByteBuffer
    ) {
        appendHead(.connectError, namespace: namespace, to: &buffer)
        buffer.append(data)
    }
}
