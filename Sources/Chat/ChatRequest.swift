/// What a client sent as a request's first argument, before anyone judged it.
///
/// Decoding one never fails, whatever the JSON: what is missing or wrong is found by the requests
/// (``JoinRoom``, ``LeaveRoom``, ``ChatMessage``, ``Broadcast``), which say so in a ``ChatError``.
package struct ChatRequest: Decodable, Sendable {
    /// What stands in one place of the JSON.
    enum Slot<Value: Decodable & Sendable>: Sendable {
        case missing
        case ofWrongType
        case value(Value)
    }

    let isObject: Bool
    let room: Slot<String>
    let message: Slot<String>
    let userID: Slot<UserID>
    let presence: Slot<Bool>

    /// A request that came without any argument.
    package init() {
        isObject = false
        room = .missing
        message = .missing
        userID = .missing
        presence = .missing
    }

    /// Takes what is there.
    package init(from decoder: any Decoder) throws {
        // Not an object: the answer to that is `notAnObject`, so the decoder's reason is not needed.
        guard let object = try? decoder.container(keyedBy: ChatField.self) else {
            self = ChatRequest()
            return
        }
        isObject = true
        room = Self.slot(.room, of: object)
        message = Self.slot(.message, of: object)
        userID = Self.slot(.userID, of: object)
        presence = Self.slot(.presence, of: object)
    }

    /// `null` counts as missing, as it does in the client's language.
    private static func slot<Value: Decodable & Sendable>(
        _ field: ChatField,
        of object: KeyedDecodingContainer<ChatField>
    ) -> Slot<Value> {
        do {
            let value = try object.decodeIfPresent(Value.self, forKey: field)
            return value.map(Slot.value) ?? .missing
        } catch {
            return .ofWrongType
        }
    }

    /// The room's name, if there is one within the limit.
    func roomName(_ limits: ChatLimits) throws(ChatError) -> String {
        guard isObject else { throw .notAnObject }
        switch room {
        case .ofWrongType: throw .fieldOfWrongType(.room)
        case .missing: throw .roomRequired
        case .value(let name):
            if name.isEmpty { throw .roomRequired }
            if name.utf8.count > limits.maxRoomNameBytes {
                throw .roomTooLong(limit: limits.maxRoomNameBytes)
            }
            if name.utf8.first == WatchRoom.prefix { throw .roomReserved }
            return name
        }
    }

    /// The message's text, if there is one within the limit.
    func messageText(_ limits: ChatLimits) throws(ChatError) -> String {
        guard isObject else { throw .notAnObject }
        switch message {
        case .ofWrongType: throw .fieldOfWrongType(.message)
        case .missing: throw .messageRequired
        case .value(let text):
            if text.isEmpty { throw .messageRequired }
            if text.utf8.count > limits.maxMessageBytes {
                throw .messageTooLong(limit: limits.maxMessageBytes)
            }
            return text
        }
    }

    /// The user id, if there is one within the limit.
    func user(_ limits: ChatLimits) throws(ChatError) -> UserID {
        guard isObject else { throw .notAnObject }
        switch userID {
        case .ofWrongType: throw .fieldOfWrongType(.userID)
        case .missing: throw .fieldMissing(.userID)
        case .value(let id):
            if case .text(let text) = id, text.utf8.count > limits.maxUserIDBytes {
                throw .userIDTooLong(limit: limits.maxUserIDBytes)
            }
            return id
        }
    }
}

/// `joinRoom {room, presence?}`: the client wants to hear a room.
package struct JoinRoom: Equatable, Sendable {
    /// The room's name; neither empty nor over the limit.
    package let room: String
    /// Whether the client also wants to hear who comes and goes.
    package let wantsPresence: Bool

    /// Checks `request`.
    ///
    /// - Throws: ``ChatError`` `notAnObject`, `fieldOfWrongType`, `roomRequired`, `roomTooLong`,
    ///   `roomReserved`.
    package init(_ request: ChatRequest, limits: ChatLimits) throws(ChatError) {
        room = try request.roomName(limits)
        switch request.presence {
        case .missing: wantsPresence = false
        case .ofWrongType: throw .fieldOfWrongType(.presence)
        case .value(let value): wantsPresence = value
        }
    }
}

/// `leaveRoom {room}`: the client has heard enough of a room.
package struct LeaveRoom: Equatable, Sendable {
    /// The room's name; neither empty nor over the limit.
    package let room: String

    /// Checks `request`.
    ///
    /// - Throws: ``ChatError`` `notAnObject`, `fieldOfWrongType`, `roomRequired`, `roomTooLong`,
    ///   `roomReserved`.
    package init(_ request: ChatRequest, limits: ChatLimits) throws(ChatError) {
        room = try request.roomName(limits)
    }
}

/// `message {userId, room, message}`: somebody says something to a room.
package struct ChatMessage: Equatable, Sendable {
    /// Who says it, as the client put it.
    package let userID: UserID
    /// Where.
    package let room: String
    /// What.
    package let message: String

    /// Checks `request`: its room first, then the message, then the user id.
    ///
    /// - Throws: ``ChatError``, any but `tooManyRooms`.
    package init(_ request: ChatRequest, limits: ChatLimits) throws(ChatError) {
        room = try request.roomName(limits)
        message = try request.messageText(limits)
        userID = try request.user(limits)
    }

    /// What everybody in the room gets: `message {userId, message}`.
    package var delivery: Delivery { Delivery(userID: userID, message: message) }

    /// The argument of a delivered `message` event.
    package struct Delivery: Encodable, Equatable, Sendable {
        /// Who said it.
        package let userID: UserID
        /// What was said.
        package let message: String

        private enum CodingKeys: String, CodingKey {
            case userID = "userId"
            case message
        }
    }
}

/// `all {message}`: somebody says something to everybody.
package struct Broadcast: Encodable, Equatable, Sendable {
    /// What.
    package let message: String

    /// Checks `request`.
    ///
    /// - Throws: ``ChatError`` `notAnObject`, `fieldOfWrongType`, `messageRequired`,
    ///   `messageTooLong`.
    package init(_ request: ChatRequest, limits: ChatLimits) throws(ChatError) {
        message = try request.messageText(limits)
    }
}
