import Bytes
import MessagePack
import SocketIO

/// Events and their options as other servers write them, in any order of members.
extension MessagePackReader {
    /// Reads the event of `{type, data, nsp}`, if it is for `namespace`.
    ///
    /// A packet that names no namespace is for `enclosing`.
    /// - Throws: `CodingFailure`, or what the reader throws.
    mutating func readPacket(for namespace: String, enclosing: String) throws -> EventPacket {
        var packet: EventPacket?
        var isForUs = namespace == enclosing
        for _ in 0..<(try readMapHeader()) {
            switch try readString().text {
            case "data":
                packet = try readEvent()
            case "nsp":
                if try !readNil() { isForUs = try readString().text == namespace }
            case "type":
                guard try readInteger() == 2 else { throw CodingFailure.unknownType }
            default:
                try skipValue()
            }
        }
        guard isForUs else { throw CodingFailure.notForUs }
        guard let packet else { throw CodingFailure.malformed }
        return packet
    }

    /// Reads `[name, …arguments]`.
    mutating func readEvent() throws -> EventPacket {
        let count = try readArrayHeader()
        guard count > 0 else { throw CodingFailure.malformed }
        let name = try readText().text
        var json = ByteBuffer(capacity: 128)
        var attachments: [SharedBytes] = []
        try readJSONElements(count - 1, to: &json, attachments: &attachments)
        attachments.compact()
        return EventPacket(
            unchecked: name,
            arguments: Arguments(json: json.takeShared(), attachments: attachments)
        )
    }

    /// Reads `{rooms, except, flags}`; what is nil or unknown is as if it were not there.
    mutating func readOptions() throws -> BroadcastOptions {
        var options = BroadcastOptions()
        for _ in 0..<(try readMapHeader()) {
            switch try readString().text {
            case "rooms": options.rooms = try readRooms()
            case "except": options.except = try readRooms()
            case "flags": try readFlags(into: &options)
            default: try skipValue()
            }
        }
        return options
    }

    private mutating func readRooms() throws -> [Room] {
        if try readNil() { return [] }
        let count = try readArrayHeader()
        var rooms: [Room] = []
        for _ in 0..<count { rooms.append(Room(try readText().text)) }
        return rooms
    }

    private mutating func readFlags(into options: inout BroadcastOptions) throws {
        if try readNil() { return }
        for _ in 0..<(try readMapHeader()) {
            switch try readString().text {
            case "volatile": options.isVolatile = try readTruth() ?? false
            case "compress": options.isCompressed = try readTruth() ?? true
            case "timeout":
                options.timeout = try readJSONValue().number.flatMap(Duration.init(milliseconds:))
            default: try skipValue()
            }
        }
    }

    private mutating func readTruth() throws -> Bool? { try readJSONValue().boolean }

    /// The next value as JSON, for what is small and rare; binary in it counts as an object.
    mutating func readJSONValue() throws -> JSONSlice {
        var json = ByteBuffer()
        var attachments: [SharedBytes] = []
        try readJSON(to: &json, attachments: &attachments)
        return JSONSlice(validated: json.takeShared())
    }
}

extension Arguments {
    /// One value as the only argument of an acknowledgement.
    ///
    /// - Throws: `MessagePackError`.
    init(messagePack bytes: SharedBytes, _ limits: MessagePackLimits) throws {
        var reader = MessagePackReader(bytes, limits: limits)
        var json = ByteBuffer(capacity: 128)
        var attachments: [SharedBytes] = []
        try reader.readJSON(to: &json, attachments: &attachments)
        attachments.compact()
        self.init(json: json.takeShared(), attachments: attachments)
    }
}
