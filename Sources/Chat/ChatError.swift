/// Why the chat refuses a request.
///
/// On the wire it is `{"code": …, "message": …}`: inside the ack as `{"error": {…}}`
/// (``ChatErrorReply``), or the argument of an `error` event where the client asked for no ack.
package enum ChatError: Error, Equatable, Sendable {
    /// The argument is missing or is not a JSON object.
    case notAnObject
    /// A field that has no better code is missing.
    case fieldMissing(ChatField)
    /// A field has a JSON type that the chat does not take there.
    case fieldOfWrongType(ChatField)
    /// The user id is longer than `limit` bytes.
    case userIDTooLong(limit: Int)
    /// No room is named.
    case roomRequired
    /// The room's name is longer than `limit` bytes.
    case roomTooLong(limit: Int)
    /// The room's name begins as those that the chat keeps for itself.
    case roomReserved
    /// There is nothing to say.
    case messageRequired
    /// The message is longer than `limit` bytes.
    case messageTooLong(limit: Int)
    /// The socket is in `limit` rooms already.
    case tooManyRooms(limit: Int)

    /// The word that programs compare.
    package var code: String {
        switch self {
        case .notAnObject, .fieldMissing, .fieldOfWrongType, .userIDTooLong, .roomReserved:
            "bad_request"
        case .roomRequired: "room_required"
        case .roomTooLong: "room_too_long"
        case .messageRequired: "message_required"
        case .messageTooLong: "message_too_long"
        case .tooManyRooms: "too_many_rooms"
        }
    }

    /// The sentence that people read.
    package var message: String {
        switch self {
        case .notAnObject: "The argument must be an object."
        case .fieldMissing(let field): "The field \(field.rawValue) is missing."
        case .fieldOfWrongType(let field): "The field \(field.rawValue) must be \(field.type)."
        case .userIDTooLong(let limit): "A userId has at most \(limit) bytes."
        case .roomRequired: "Name a room."
        case .roomTooLong(let limit): "The name of a room has at most \(limit) bytes."
        case .roomReserved: "The name of a room does not begin with the character U+0001."
        case .messageRequired: "Write a message."
        case .messageTooLong(let limit): "A message has at most \(limit) bytes."
        case .tooManyRooms(let limit): "You can be in at most \(limit) rooms."
        }
    }
}

extension ChatError: Encodable {
    private enum Key: String, CodingKey {
        case code
        case message
    }

    /// Writes `{"code": …, "message": …}`.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(code, forKey: .code)
        try object.encode(message, forKey: .message)
    }
}

/// The ack of a request that was refused: `{"error": {"code": …, "message": …}}`.
package struct ChatErrorReply: Encodable, Equatable, Sendable {
    /// Why.
    package let error: ChatError

    /// Wraps `error`.
    package init(_ error: ChatError) {
        self.error = error
    }
}

/// The fields of the chat's requests.
package enum ChatField: String, CodingKey, Sendable {
    /// The room to join, to leave, or to speak to.
    case room
    /// What is said.
    case message
    /// Who says it.
    case userID = "userId"
    /// Whether to hear who else is in the room.
    case presence

    /// What JSON must have there, with its article.
    var type: String {
        switch self {
        case .room, .message: "a string"
        case .userID: "a string or a number"
        case .presence: "true or false"
        }
    }
}
