import Bytes

/// Decode errors (protocol.md §15, class A, and §23): the engine session is closed, nothing is sent.
package enum PacketError: Error, Equatable, Sendable {
    /// An engine message without content.
    case emptyPacket
    /// The first byte is none of the seven digits.
    case unknownPacketType(UInt8)
    /// A binary packet without a decimal count and `-`.
    case illegalAttachmentCount
    /// More attachments than the limit.
    case tooManyAttachments(limit: Int)
    /// Attachments of more bytes than the limit.
    case attachmentsTooLarge(limitInBytes: Int)
    /// A namespace's name longer than the limit.
    case namespaceTooLong(limitInBytes: Int)
    /// Not JSON, or not of the shape the type asks for.
    case invalidPayload
    /// A text packet arrived while attachments are awaited.
    case textWhileReconstructing
    /// A binary message arrived while none is awaited.
    case binaryWhileNotReconstructing
    /// A placeholder whose `num` is not the index of an attachment, or that is none of ours.
    case illegalPlaceholder
    /// A text message of a client that should speak MessagePack.
    case textInsteadOfMessagePack
    /// A binary message that is not one MessagePack map and nothing else.
    case malformedMessagePack
    /// A `type` that is none of the five of MessagePack packets.
    case invalidPacketType
    /// An `nsp` that is no string, or does not begin with a slash.
    case invalidNamespace
    /// An `id` that is no integer from 0 to 2^53.
    case invalidAckID

    /// The text of the `error` event: the reference's words, where it has this error.
    package var message: String {
        switch self {
        case .emptyPacket: "empty packet"
        case .unknownPacketType(let byte) where ASCII.isDigit(byte):
            "unknown packet type \(byte - ASCII.zero)"
        case .unknownPacketType: "unknown packet type NaN"
        case .illegalAttachmentCount: "Illegal attachments"
        case .tooManyAttachments: "too many attachments"
        case .attachmentsTooLarge: "attachments too large"
        case .namespaceTooLong: "namespace too long"
        case .invalidPayload: "invalid payload"
        case .textWhileReconstructing: "got plaintext data when reconstructing a packet"
        case .binaryWhileNotReconstructing: "got binary data when not reconstructing a packet"
        case .illegalPlaceholder: "illegal attachments"
        case .textInsteadOfMessagePack: "got plaintext data instead of MessagePack"
        case .malformedMessagePack: "malformed MessagePack"
        case .invalidPacketType: "invalid packet type"
        case .invalidNamespace: "invalid namespace"
        case .invalidAckID: "invalid packet id"
        }
    }
}
