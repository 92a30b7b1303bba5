package import Bytes

/// What Redis answers (RESP2).
package enum RedisReply: Sendable, Equatable {
    /// No value: a key that is not there, a transaction that was not executed.
    case null
    case integer(Int)
    /// A short line such as `OK` or `QUEUED`.
    case status(SharedBytes)
    case bulk(SharedBytes)
    case array([RedisReply])
    /// An error line, its code first: `WRONGTYPE Operation against …`.
    case error(String)
}

extension RedisReply {
    /// The bytes of a bulk string or a status, or nil.
    package var bytes: SharedBytes? {
        switch self {
        case .bulk(let bytes), .status(let bytes): bytes
        case .null, .integer, .array, .error: nil
        }
    }

    /// The text of a bulk string or a status; what is not UTF-8 becomes U+FFFD.
    package var text: String? { bytes?.text }

    /// The number, also one that came as text, or nil.
    package var integer: Int? {
        switch self {
        case .integer(let number): number
        case .bulk(let bytes), .status(let bytes): Int(bytes.text)
        case .null, .array, .error: nil
        }
    }

    /// The elements of an array, or nil.
    package var elements: [RedisReply]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// Whether the reply is the status `text`.
    package func isStatus(_ text: StaticString) -> Bool {
        guard case .status(let bytes) = self else { return false }
        return bytes.bytes.isEqual(to: text)
    }
}
