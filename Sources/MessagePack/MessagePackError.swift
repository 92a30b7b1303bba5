/// Why bytes are not the MessagePack that was asked for.
package enum MessagePackError: Error, Equatable, Sendable {
    /// The bytes end inside a value, or a length or count is larger than what is left.
    case unexpectedEnd
    /// A byte that begins no value, at this offset.
    case unexpectedByte(UInt8, at: Int)
    /// Another kind of value than the one asked for begins at this offset.
    case unexpectedKind(MessagePackKind, at: Int)
    /// A map has a key that is neither a string nor an integer, at this offset.
    case unsupportedKey(MessagePackKind, at: Int)
    /// The number at this offset is no `Int`.
    case integerOutOfRange(at: Int)
    /// Arrays and maps are nested deeper than this.
    case tooDeep(limit: Int)
    /// There are more binary values than this.
    case tooManyAttachments(limit: Int)
}

/// What a MessagePack value is to an app that speaks JSON.
package enum MessagePackKind: Equatable, Sendable {
    /// Nil, or the `undefined` of notepack 2.
    case null
    case boolean
    case integer
    case double
    case string
    case binary
    case array
    case map
    /// A timestamp (extension type -1), or the date of notepack 2.
    case date
    /// An extension of another type.
    case unknown
}

/// What is accepted when MessagePack becomes JSON.
package struct MessagePackLimits: Equatable, Sendable {
    /// The deepest nesting of arrays and maps; 512 at most, as JSON is not read deeper.
    package var maxDepth: Int
    /// The most binary values of one packet.
    package var maxAttachments: Int

    /// Bounds of ours, as neither the format nor the reference has any.
    package init(maxDepth: Int = 512, maxAttachments: Int = 1024) {
        self.maxDepth = min(maxDepth, 512)
        self.maxAttachments = maxAttachments
    }
}
