import Bytes
import MessagePack
import SocketIO

/// The messages of the classic protocol as bytes (redis-wire.md §1.2, §1.3).
struct ClassicCoding: Sendable {
    /// What kinds of requests are called on the wire.
    private enum Kind: Int {
        case sockets = 0
        case allRooms
        case remoteJoin
        case remoteLeave
        case remoteDisconnect
        case remoteFetch
        case serverSideEmit
        case broadcast
        case broadcastClientCount
        case broadcastAck
    }

    /// What all emitters are called (redis-wire.md §5).
    static let emitter = "emitter"

    let uid: String
    let namespace: String
    let limits: MessagePackLimits

    // MARK: Out

    /// A broadcast without acknowledgements: `[uid, packet, opts]`.
    func broadcast(_ packet: EventPacket, _ options: BroadcastOptions) -> SharedBytes {
        var buffer = ByteBuffer(capacity: packet.arguments.json.count + 160)
        buffer.appendMessagePack(arrayHeader: 3)
        buffer.appendMessagePack(text: uid)
        buffer.append(messagePack: packet, namespace: namespace)
        buffer.append(messagePack: options, flagsFirst: uid == Self.emitter)
        return buffer.takeShared()
    }

    /// Any other message.
    func encode(_ message: ClusterMessage) -> SharedBytes {
        var buffer = ByteBuffer(capacity: 256)
        switch message {
        case .broadcast(let packet, let options, nil):
            return broadcast(packet, options)
        case .broadcast(let packet, let options, let id?):
            buffer.appendMessagePack(mapHeader: 5)
            buffer.appendMessagePack(literal: "uid")
            buffer.appendMessagePack(text: uid)
            buffer.appendMessagePack(literal: "requestId")
            buffer.appendMessagePack(text: id)
            buffer.appendMessagePack(literal: "type")
            buffer.appendMessagePack(integer: Kind.broadcast.rawValue)
            buffer.appendMessagePack(literal: "packet")
            buffer.append(messagePack: packet, namespace: namespace)
            buffer.appendMessagePack(literal: "opts")
            buffer.append(messagePack: options)
        case .ack(let answer, let id):
            buffer.appendMessagePack(mapHeader: 3)
            buffer.appendMessagePack(literal: "type")
            buffer.appendMessagePack(integer: Kind.broadcastAck.rawValue)
            buffer.appendMessagePack(literal: "requestId")
            buffer.appendMessagePack(text: id)
            buffer.appendMessagePack(literal: "packet")
            buffer.append(messagePackFirst: answer)
        case .join(let rooms, let options):
            begin(&buffer, .remoteJoin, options: options)
            buffer.append(",\"rooms\":")
            buffer.append(jsonStrings: rooms.lazy.map(\.name))
            buffer.append(ASCII.closeBrace)
        case .leave(let rooms, let options):
            begin(&buffer, .remoteLeave, options: options)
            buffer.append(",\"rooms\":")
            buffer.append(jsonStrings: rooms.lazy.map(\.name))
            buffer.append(ASCII.closeBrace)
        case .disconnect(let options, let closing):
            begin(&buffer, .remoteDisconnect, options: options)
            buffer.append(closing ? ",\"close\":true}" : ",\"close\":false}")
        case .fetchSockets(let options, let id):
            begin(&buffer, .remoteFetch, id: id, options: options)
            buffer.append(ASCII.closeBrace)
        case .fetchRooms(let id):
            begin(&buffer, .allRooms, id: id)
            buffer.append(ASCII.closeBrace)
        case .fetchIDs(let rooms, let id):
            begin(&buffer, .sockets, id: id)
            buffer.append(",\"rooms\":")
            buffer.append(jsonStrings: rooms.lazy.map(\.name))
            buffer.append(ASCII.closeBrace)
        case .serverSideEmit(let packet, let id):
            begin(&buffer, .serverSideEmit, id: id)
            buffer.append(",\"data\":")
            buffer.append(jsonData: packet)
            buffer.append(ASCII.closeBrace)
        case .sockets(let sockets, let id):
            answer(&buffer, id, ",\"sockets\":[")
            for (index, socket) in sockets.enumerated() {
                if index > 0 { buffer.append(ASCII.comma) }
                buffer.append(json: socket)
            }
            buffer.append("]}")
        case .ids(let ids, let id):
            answer(&buffer, id, ",\"sockets\":")
            buffer.append(jsonStrings: ids)
            buffer.append(ASCII.closeBrace)
        case .rooms(let rooms, let id):
            answer(&buffer, id, ",\"rooms\":")
            buffer.append(jsonStrings: rooms.lazy.map(\.name))
            buffer.append(ASCII.closeBrace)
        case .receipt(let id):
            answer(&buffer, id, "}")
        case .serverSideAnswer(let answer, let id):
            buffer.append("{\"type\":6,\"requestId\":")
            buffer.append(jsonString: id)
            if let first = answer.slices.first {
                buffer.append(",\"data\":")
                buffer.append(jsonBuffers: first, attachments: answer.attachments)
            }
            buffer.append(ASCII.closeBrace)
        case .clientCount(let count, let id):
            buffer.append("{\"type\":8,\"requestId\":")
            buffer.append(jsonString: id)
            buffer.append(",\"clientCount\":")
            buffer.append(jsonNumber: count)
            buffer.append(ASCII.closeBrace)
        case .clientLeft(let id):
            // Not of Node's protocol: its servers know the request and ignore the type.
            buffer.append("{\"type\":\"client-left\",\"requestId\":")
            buffer.append(jsonString: id)
            buffer.append(ASCII.closeBrace)
        }
        return buffer.takeShared()
    }

    /// Begins a request: `{"uid":…,"requestId":…,"type":…,"opts":{…}`.
    private func begin(
        _ buffer: inout ByteBuffer,
        _ kind: Kind,
        id: String? = nil,
        options: BroadcastOptions? = nil
    ) {
        buffer.append(ASCII.openBrace)
        // The reference's emitter gives its name with server-side events only.
        if uid != Self.emitter || kind == .serverSideEmit {
            buffer.append("\"uid\":")
            buffer.append(jsonString: uid)
            buffer.append(ASCII.comma)
        }
        if let id {
            buffer.append("\"requestId\":")
            buffer.append(jsonString: id)
            buffer.append(ASCII.comma)
        }
        buffer.append("\"type\":")
        buffer.append(jsonNumber: kind.rawValue)
        if let options {
            buffer.append(",\"opts\":")
            buffer.append(json: options, flags: false)
        }
    }

    /// Begins an answer: `{"requestId":…` and what follows.
    private func answer(_ buffer: inout ByteBuffer, _ id: String, _ rest: StaticString) {
        buffer.append("{\"requestId\":")
        buffer.append(jsonString: id)
        buffer.append(rest)
    }

    // MARK: In

    /// What another server has broadcast: `[uid, packet, opts]`.
    ///
    /// - Throws: `CodingFailure`, or what the reader throws.
    func decodeBroadcast(_ payload: SharedBytes) throws -> ReceivedMessage {
        var reader = MessagePackReader(payload, limits: limits)
        guard try reader.readArrayHeader() >= 3 else { throw CodingFailure.malformed }
        let sender = try reader.readString().text
        guard sender != uid else { throw CodingFailure.notForUs }
        let packet = try reader.readPacket(for: namespace, enclosing: "/")
        let options = try reader.readOptions()
        return ReceivedMessage(sender: sender, .broadcast(packet, options, requestID: nil))
    }

    /// What another server asks for.
    ///
    /// - Throws: `CodingFailure`, or what the reader throws.
    func decodeRequest(_ payload: SharedBytes) throws -> ReceivedMessage {
        guard let json = try JSONSlice(message: payload, maxDepth: limits.maxDepth) else {
            return try decodeBinary(payload)
        }
        return try decodeRequest(json)
    }

    /// What another server answers.
    ///
    /// - Throws: `CodingFailure`, or what the reader throws.
    func decodeResponse(_ payload: SharedBytes) throws -> ReceivedMessage {
        guard let json = try JSONSlice(message: payload, maxDepth: limits.maxDepth) else {
            return try decodeBinary(payload)
        }
        return ReceivedMessage(sender: nil, try decodeResponse(json))
    }

    private func decodeRequest(_ json: JSONSlice) throws -> ReceivedMessage {
        guard let kind = json.member(named: "type")?.integer.flatMap(Kind.init(rawValue:)) else {
            throw CodingFailure.unknownType
        }
        let sender = json.member(named: "uid")?.string
        let id = json.member(named: "requestId")?.name
        let options = json.member(named: "opts")?.broadcastOptions
        func required<Value>(_ value: Value?) throws -> Value {
            guard let value else { throw CodingFailure.malformed }
            return value
        }
        func message(_ message: ClusterMessage) -> ReceivedMessage {
            ReceivedMessage(sender: sender, message)
        }
        switch kind {
        case .sockets:
            let rooms = json.member(named: "rooms")?.rooms ?? []
            return message(.fetchIDs(rooms, requestID: try required(id)))
        case .allRooms:
            return message(.fetchRooms(requestID: try required(id)))
        case .remoteJoin, .remoteLeave:
            guard let options else { return try decodeLegacy(kind, json, sender, id) }
            let rooms = try required(json.member(named: "rooms")?.rooms)
            return message(kind == .remoteJoin ? .join(rooms, options) : .leave(rooms, options))
        case .remoteDisconnect:
            guard let options else { return try decodeLegacy(kind, json, sender, id) }
            let closing = json.member(named: "close")?.boolean ?? false
            return message(.disconnect(options, closing: closing))
        case .remoteFetch:
            return message(.fetchSockets(try required(options), requestID: try required(id)))
        case .serverSideEmit:
            let data = try required(json.member(named: "data"))
            let packet = try required(EventPacket(json: data))
            return message(.serverSideEmit(packet, requestID: id))
        case .broadcast, .broadcastClientCount, .broadcastAck:
            throw CodingFailure.unknownType
        }
    }

    /// The forms of old peers, about one socket: `{requestId, type, sid, room}`.
    private func decodeLegacy(
        _ kind: Kind,
        _ json: JSONSlice,
        _ sender: String?,
        _ id: String?
    ) throws -> ReceivedMessage {
        guard let socket = json.member(named: "sid")?.string else { throw CodingFailure.malformed }
        var options = BroadcastOptions()
        options.rooms = [Room(socket)]
        let message: ClusterMessage
        if kind == .remoteDisconnect {
            message = .disconnect(options, closing: json.member(named: "close")?.boolean ?? false)
        } else {
            guard let room = json.member(named: "room")?.name else {
                throw CodingFailure.malformed
            }
            message =
                kind == .remoteJoin ? .join([Room(room)], options) : .leave([Room(room)], options)
        }
        return ReceivedMessage(
            sender: sender,
            message,
            onlySocket: Room(socket),
            receiptID: id
        )
    }

    private func decodeResponse(_ json: JSONSlice) throws -> ClusterMessage {
        guard let id = json.member(named: "requestId")?.name else { throw CodingFailure.malformed }
        if let type = json.member(named: "type") {
            if type.string == "client-left" { return .clientLeft(requestID: id) }
            switch type.integer.flatMap(Kind.init(rawValue:)) {
            case .serverSideEmit:
                let data = json.member(named: "data").map { [$0] } ?? []
                return .serverSideAnswer(Arguments(buffersIn: data), requestID: id)
            case .broadcastClientCount:
                guard let count = json.member(named: "clientCount")?.integer,
                    (0...Int(Int32.max)).contains(count)
                else { throw CodingFailure.malformed }
                return .clientCount(count, requestID: id)
            default:
                throw CodingFailure.unknownType
            }
        }
        if let sockets = json.member(named: "sockets"), sockets.kind == .array {
            let elements = sockets.elements()
            let snapshots = elements.compactMap { SocketSnapshot(json: $0) }
            return snapshots.isEmpty && !elements.isEmpty
                ? .ids(elements.compactMap(\.string), requestID: id)
                : .sockets(snapshots, requestID: id)
        }
        if let rooms = json.member(named: "rooms")?.rooms { return .rooms(rooms, requestID: id) }
        return .receipt(requestID: id)
    }

    /// A map in MessagePack: types 7 and 9, and whatever else a peer writes so.
    private func decodeBinary(_ payload: SharedBytes) throws -> ReceivedMessage {
        var reader = MessagePackReader(payload, limits: limits)
        var kind: Kind?
        var sender: String?
        var id: String?
        // Read once the kind is known, which may stand behind them.
        var packet: SharedBytes?
        var options: SharedBytes?
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readString().text {
            case "type": kind = try reader.readJSONValue().integer.flatMap(Kind.init(rawValue:))
            case "uid": sender = try reader.readJSONValue().string
            case "requestId": id = try reader.readJSONValue().name
            case "packet":
                packet = try reader.takeValue()
            case "opts":
                options = try reader.takeValue()
            default:
                try reader.skipValue()
            }
        }
        guard let id else { throw CodingFailure.malformed }
        switch kind {
        case .broadcast:
            guard sender != uid else { throw CodingFailure.notForUs }
            guard let packet, let options else { throw CodingFailure.malformed }
            var packetReader = MessagePackReader(packet, limits: limits)
            var optionsReader = MessagePackReader(options, limits: limits)
            return ReceivedMessage(
                sender: sender,
                .broadcast(
                    try packetReader.readPacket(for: namespace, enclosing: "/"),
                    try optionsReader.readOptions(),
                    requestID: id
                )
            )
        case .broadcastAck:
            let answer = try packet.map { try Arguments(messagePack: $0, limits) } ?? Arguments()
            return ReceivedMessage(sender: sender, .ack(answer, requestID: id))
        default:
            throw CodingFailure.unknownType
        }
    }
}

extension JSONSlice {
    /// A message that begins as an object of JSON; nil for one in MessagePack.
    ///
    /// - Throws: `CodingFailure.malformed`.
    init?(message: SharedBytes, maxDepth: Int) throws(CodingFailure) {
        guard !message.isEmpty, message.bytes.byte(at: 0) == ASCII.openBrace else { return nil }
        // Slices of it go to clients as they are, who close on text that is not UTF-8.
        guard message.bytes.isValidUTF8 else { throw .malformed }
        do {
            try self.init(validating: message, maxDepth: maxDepth)
        } catch {
            throw .malformed
        }
    }
}
