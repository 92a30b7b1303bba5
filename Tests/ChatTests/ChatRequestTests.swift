import Foundation
import SocketIO
import Testing

@testable import Chat

@Suite("Requests: what clients may send")
struct ChatRequestTests {
    private static let limits = {
        var limits = ChatLimits()
        limits.maxRoomNameBytes = 4
        limits.maxMessageBytes = 6
        limits.maxUserIDBytes = 3
        return limits
    }()

    private func request(_ json: String) throws -> ChatRequest {
        try JSONDecoder().decode(ChatRequest.self, from: Data(json.utf8))
    }

    @Test("a good room is taken as it is", arguments: ["r", "žž", "1234", " ", "\u{0}"])
    func joins(_ room: String) throws {
        let json = String(decoding: try JSONEncoder().encode(["room": room]), as: UTF8.self)
        let request = try request(json)
        #expect(try JoinRoom(request, limits: Self.limits).room == room)
        #expect(try LeaveRoom(request, limits: Self.limits).room == room)
    }

    @Test(
        "a bad room is refused, and never as a decoding error",
        arguments: [
            ("null", ChatError.notAnObject),
            ("[]", .notAnObject),
            (#""r""#, .notAnObject),
            ("1", .notAnObject),
            ("true", .notAnObject),
            ("{}", .roomRequired),
            (#"{"room":null}"#, .roomRequired),
            (#"{"room":""}"#, .roomRequired),
            (#"{"Room":"r"}"#, .roomRequired),
            (#"{"room":1}"#, .fieldOfWrongType(.room)),
            (#"{"room":{"a":1}}"#, .fieldOfWrongType(.room)),
            (#"{"room":["r"]}"#, .fieldOfWrongType(.room)),
            (#"{"room":"12345"}"#, .roomTooLong(limit: 4)),
            (#"{"room":"žžž"}"#, .roomTooLong(limit: 4)),
            (#"{"room":"\u0001"}"#, .roomReserved),
            (#"{"room":"\u0001abc"}"#, .roomReserved),
        ]
    )
    func refusesRoom(_ json: String, _ error: ChatError) throws {
        let request = try request(json)
        #expect(throws: error) { try JoinRoom(request, limits: Self.limits) }
        #expect(throws: error) { try LeaveRoom(request, limits: Self.limits) }
    }

    @Test("presence is wanted only by a client that says so, in true words")
    func wantsPresence() throws {
        for (json, wants) in [("true", true), ("false", false), ("null", false)] {
            let request = try request(#"{"room":"r","presence":\#(json)}"#)
            #expect(try JoinRoom(request, limits: Self.limits).wantsPresence == wants)
        }
        #expect(try !JoinRoom(try request(#"{"room":"r"}"#), limits: Self.limits).wantsPresence)
        for json in ["1", #""true""#, "{}"] {
            let request = try request(#"{"room":"r","presence":\#(json)}"#)
            #expect(throws: ChatError.fieldOfWrongType(.presence)) {
                try JoinRoom(request, limits: Self.limits)
            }
        }
    }

    @Test("no client can name the room of those who watch a room")
    func watchRooms() throws {
        let name = WatchRoom.of("r").name
        let json = String(decoding: try JSONEncoder().encode(["room": name]), as: UTF8.self)
        #expect(throws: ChatError.roomReserved) {
            try JoinRoom(try request(json), limits: ChatLimits())
        }
    }

    @Test(
        "a bad message is refused",
        arguments: [
            (#"["r"]"#, ChatError.notAnObject),
            (#"{"userId":"u","message":"hi"}"#, .roomRequired),
            (#"{"userId":"u","room":"\u0001p","message":"hi"}"#, .roomReserved),
            (#"{"userId":"u","room":"r"}"#, .messageRequired),
            (#"{"userId":"u","room":"r","message":""}"#, .messageRequired),
            (#"{"userId":"u","room":"r","message":7}"#, .fieldOfWrongType(.message)),
            (#"{"userId":"u","room":"r","message":"1234567"}"#, .messageTooLong(limit: 6)),
            (#"{"room":"r","message":"hi"}"#, .fieldMissing(.userID)),
            (#"{"userId":null,"room":"r","message":"hi"}"#, .fieldMissing(.userID)),
            (#"{"userId":{},"room":"r","message":"hi"}"#, .fieldOfWrongType(.userID)),
            (#"{"userId":true,"room":"r","message":"hi"}"#, .fieldOfWrongType(.userID)),
            (#"{"userId":"1234","room":"r","message":"hi"}"#, .userIDTooLong(limit: 3)),
        ]
    )
    func refusesMessage(_ json: String, _ error: ChatError) throws {
        let request = try request(json)
        #expect(throws: error) { try ChatMessage(request, limits: Self.limits) }
    }

    @Test(
        "a user id is delivered as it was sent: text or number",
        arguments: [
            (#""u7""#, UserID.text("u7"), "u7"),
            (#""""#, .text(""), ""),
            (#""7""#, .text("7"), "7"),
            ("7", .integer(7), "7"),
            ("-9007199254740991", .integer(-9_007_199_254_740_991), "-9007199254740991"),
            ("0.5", .number(0.5), "0.5"),
        ]
    )
    func userIDs(_ json: String, _ id: UserID, _ text: String) throws {
        let request = try request(#"{"userId":\#(json),"room":"r","message":"hi \"x"}"#)
        let message = try ChatMessage(request, limits: Self.limits)
        #expect(message.userID == id)
        #expect(message.userID.description == text)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let wire = String(decoding: try encoder.encode(message.delivery), as: UTF8.self)
        #expect(wire == #"{"message":"hi \"x","userId":\#(json)}"#)
    }

    @Test("a broadcast needs a message and nothing else")
    func broadcast() throws {
        let good = try request(#"{"message":"all"}"#)
        #expect(try Broadcast(good, limits: Self.limits).message == "all")
        let empty = try request("{}")
        #expect(throws: ChatError.messageRequired) { try Broadcast(empty, limits: Self.limits) }
        let long = try request(#"{"message":"1234567"}"#)
        #expect(throws: ChatError.messageTooLong(limit: 6)) {
            try Broadcast(long, limits: Self.limits)
        }
        #expect(throws: ChatError.notAnObject) {
            try Broadcast(ChatRequest(), limits: Self.limits)
        }
    }

    @Test(
        "every error has its code and a sentence on the wire",
        arguments: [
            (ChatError.notAnObject, "bad_request", "The argument must be an object."),
            (.fieldMissing(.userID), "bad_request", "The field userId is missing."),
            (
                .fieldOfWrongType(.userID), "bad_request",
                "The field userId must be a string or a number."
            ),
            (.fieldOfWrongType(.room), "bad_request", "The field room must be a string."),
            (.userIDTooLong(limit: 2), "bad_request", "A userId has at most 2 bytes."),
            (.roomRequired, "room_required", "Name a room."),
            (.roomTooLong(limit: 2), "room_too_long", "The name of a room has at most 2 bytes."),
            (
                .roomReserved, "bad_request",
                "The name of a room does not begin with the character U+0001."
            ),
            (
                .fieldOfWrongType(.presence), "bad_request",
                "The field presence must be true or false."
            ),
            (.messageRequired, "message_required", "Write a message."),
            (.messageTooLong(limit: 2), "message_too_long", "A message has at most 2 bytes."),
            (.tooManyRooms(limit: 2), "too_many_rooms", "You can be in at most 2 rooms."),
        ]
    )
    func errorsOnTheWire(_ error: ChatError, _ code: String, _ message: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let wire = String(decoding: try encoder.encode(ChatErrorReply(error)), as: UTF8.self)
        #expect(wire == #"{"error":{"code":"\#(code)","message":"\#(message)"}}"#)
    }

    @Test("the default limits are those of the documentation")
    func defaults() {
        let limits = ChatLimits()
        #expect(limits.maxRoomNameBytes == 200)
        #expect(limits.maxMessageBytes == 65_536)
        #expect(limits.maxUserIDBytes == 200)
        #expect(limits.maxRoomsPerSocket == 100)
    }
}
