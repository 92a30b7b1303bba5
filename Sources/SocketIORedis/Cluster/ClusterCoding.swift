import Bytes
import MessagePack
import SocketIO

/// The messages of Node's `ClusterAdapter` as bytes (redis-wire.md §3).
///
/// `{type, data, uid, nsp}`: JSON, or MessagePack when there is binary in it.
struct ClusterCoding: Sendable {
    private enum Kind: Int {
        case broadcast = 3
        case socketsJoin
        case socketsLeave
        case disconnectSockets
        case fetchSockets
        case fetchSocketsResponse
        case serverSideEmit
        case serverSideEmitResponse
        case broadcastClientCount
        case broadcastAck
    }

    let uid: String
    let namespace: String
    let limits: MessagePackLimits

    // MARK: Out

    /// Any message that this protocol has.
    func encode(_ message: ClusterMessage) -> SharedBytes {
        message.hasBinary ? encodeBinary(message) : encodeText(message)
    }

    private func encodeText(_ message: ClusterMessage) -> SharedBytes {
        var buffer = ByteBuffer(capacity: 256)
        switch message {
        case .broadcast(let packet, let options, let id):
            begin(&buffer, .broadcast)
            buffer.append("\"packet\":{\"type\":2,\"data\":")
            buffer.append(jsonData: packet)
            buffer.append("},")
            if let id { append(&buffer, requestID: id, ",") }
            buffer.append("\"opts\":")
            buffer.append(json: options, flags: true)
        case .join(let rooms, let options):
            begin(&buffer, .socketsJoin)
            append(&buffer, options, rooms)
        case .leave(let rooms, let options):
            begin(&buffer, .socketsLeave)
            append(&buffer, options, rooms)
        case .disconnect(let options, let closing):
            begin(&buffer, .disconnectSockets)
            buffer.append("\"opts\":")
            buffer.append(json: options, flags: true)
            buffer.append(closing ? ",\"close\":true" : ",\"close\":false")
        case .fetchSockets(let options, let id):
            begin(&buffer, .fetchSockets)
            buffer.append("\"opts\":")
            buffer.append(json: options, flags: true)
            buffer.append(ASCII.comma)
            append(&buffer, requestID: id, "")
        case .sockets(let sockets, let id):
            begin(&buffer, .fetchSocketsResponse)
            append(&buffer, requestID: id, ",\"sockets\":[")
            for (index, socket) in sockets.enumerated() {
                if index > 0 { buffer.append(ASCII.comma) }
                buffer.append(json: socket)
            }
            buffer.append(ASCII.closeBracket)
        case .serverSideEmit(let packet, let id):
            begin(&buffer, .serverSideEmit)
            if let id { append(&buffer, requestID: id, ",") }
            buffer.append("\"packet\":")
            buffer.append(jsonData: packet)
        case .serverSideAnswer(let answer, let id):
            begin(&buffer, .serverSideEmitResponse)
            append(&buffer, requestID: id, answer)
        case .ack(let answer, let id):
            begin(&buffer, .broadcastAck)
            append(&buffer, requestID: id, answer)
        case .clientCount(let count, let id):
            begin(&buffer, .broadcastClientCount)
            append(&buffer, requestID: id, ",\"clientCount\":")
            buffer.append(jsonNumber: count)
        case .clientLeft(let id), .receipt(let id):
            // Not of Node's protocol: its servers know the request and ignore the type.
            buffer.append("{\"type\":\"client-left\",\"data\":{")
            append(&buffer, requestID: id, "")
        case .fetchRooms, .fetchIDs, .rooms, .ids:
            preconditionFailure("this protocol has no requests for rooms or ids")
        }
        buffer.append("},\"uid\":")
        buffer.append(jsonString: uid)
        buffer.append(",\"nsp\":")
        buffer.append(jsonString: namespace)
        buffer.append(ASCII.closeBrace)
        return buffer.takeShared()
    }

    private func begin(_ buffer: inout ByteBuffer, _ kind: Kind) {
        buffer.append("{\"type\":")
        buffer.append(jsonNumber: kind.rawValue)
        buffer.append(",\"data\":{")
    }

    private func append(_ buffer: inout ByteBuffer, requestID id: String, _ rest: StaticString) {
        buffer.append("\"requestId\":")
        buffer.append(jsonString: id)
        buffer.append(rest)
    }

    private func append(_ buffer: inout ByteBuffer, requestID id: String, _ answer: Arguments) {
        append(&buffer, requestID: id, "")
        guard let first = answer.slices.first else { return }
        buffer.append(",\"packet\":")
        buffer.append(first.bytes)
    }

    private func append(
        _ buffer: inout ByteBuffer,
        _ options: BroadcastOptions,
        _ rooms: [Room]
    ) {
        buffer.append("\"opts\":")
        buffer.append(json: options, flags: true)
        buffer.append(",\"rooms\":")
        buffer.append(jsonStrings: rooms.lazy.map(\.name))
    }

    private func encodeBinary(_ message: ClusterMessage) -> SharedBytes {
        var buffer = ByteBuffer(capacity: 512)
        buffer.appendMessagePack(mapHeader: 4)
        buffer.appendMessagePack(literal: "type")
        switch message {
        case .broadcast(let packet, let options, let id):
            begin(&buffer, .broadcast, members: id == nil ? 2 : 3)
            buffer.appendMessagePack(literal: "packet")
            buffer.append(messagePack: packet, namespace: nil)
            if let id { append(&buffer, requestID: id) }
            buffer.appendMessagePack(literal: "opts")
            buffer.append(messagePack: options)
        case .serverSideEmit(let packet, let id):
            begin(&buffer, .serverSideEmit, members: id == nil ? 1 : 2)
            if let id { append(&buffer, requestID: id) }
            buffer.appendMessagePack(literal: "packet")
            buffer.append(messagePackData: packet)
        case .serverSideAnswer(let answer, let id):
            begin(&buffer, .serverSideEmitResponse, members: 2)
            append(&buffer, requestID: id)
            buffer.appendMessagePack(literal: "packet")
            buffer.append(messagePackFirst: answer)
        case .ack(let answer, let id):
            begin(&buffer, .broadcastAck, members: 2)
            append(&buffer, requestID: id)
            buffer.appendMessagePack(literal: "packet")
            buffer.append(messagePackFirst: answer)
        case .join, .leave, .disconnect, .fetchSockets, .fetchRooms, .fetchIDs, .sockets, .rooms,
            .ids, .clientCount, .clientLeft, .receipt:
            preconditionFailure("only events and answers hold binary")
        }
        buffer.appendMessagePack(literal: "uid")
        buffer.appendMessagePack(text: uid)
        buffer.appendMessagePack(literal: "nsp")
        buffer.appendMessagePack(text: namespace)
        return buffer.takeShared()
    }

    private func begin(_ buffer: inout ByteBuffer, _ kind: Kind, members: Int) {
        buffer.appendMessagePack(integer: kind.rawValue)
        buffer.appendMessagePack(literal: "data")
        buffer.appendMessagePack(mapHeader: members)
    }

    private func append(_ buffer: inout ByteBuffer, requestID id: String) {
        buffer.appendMessagePack(literal: "requestId")
        buffer.appendMessagePack(text: id)
    }

    // MARK: In

    /// A message of another server.
    ///
    /// - Throws: `CodingFailure`, or what the MessagePack reader throws.
    func decode(_ payload: SharedBytes) throws -> ReceivedMessage {
        guard let json = try JSONSlice(message: payload, maxDepth: limits.maxDepth) else {
            return try decodeBinary(payload)
        }
        guard let sender = json.member(named: "uid")?.string,
            let namespace = json.member(named: "nsp")?.string,
            let type = json.member(named: "type")
        else { throw CodingFailure.malformed }
        guard sender != uid, namespace == self.namespace else { throw CodingFailure.notForUs }
        let data = json.member(named: "data")
        if type.string == "client-left" {
            return ReceivedMessage(sender: sender, .clientLeft(requestID: try requestID(data)))
        }
        guard let kind = type.integer.flatMap(Kind.init(rawValue:)) else {
            throw CodingFailure.unknownType
        }
        guard let data else { throw CodingFailure.malformed }
        return ReceivedMessage(sender: sender, try decode(kind, data))
    }

    private func decode(_ kind: Kind, _ data: JSONSlice) throws -> ClusterMessage {
        func required<Value>(_ value: Value?) throws -> Value {
            guard let value else { throw CodingFailure.malformed }
            return value
        }
        let options = data.member(named: "opts")?.broadcastOptions
        let packet = data.member(named: "packet")
        switch kind {
        case .broadcast:
            guard packet?.member(named: "type")?.integer == 2 else {
                throw CodingFailure.unknownType
            }
            return .broadcast(
                try required(packet?.member(named: "data").flatMap { EventPacket(plainJSON: $0) }),
                try required(options),
                requestID: data.member(named: "requestId")?.name
            )
        case .socketsJoin:
            return .join(try required(data.member(named: "rooms")?.rooms), try required(options))
        case .socketsLeave:
            return .leave(try required(data.member(named: "rooms")?.rooms), try required(options))
        case .disconnectSockets:
            let closing = data.member(named: "close")?.boolean ?? false
            return .disconnect(try required(options), closing: closing)
        case .fetchSockets:
            return .fetchSockets(try required(options), requestID: try requestID(data))
        case .fetchSocketsResponse:
            let sockets = try required(data.member(named: "sockets")).elements()
            return .sockets(
                sockets.compactMap { SocketSnapshot(json: $0) },
                requestID: try requestID(data)
            )
        case .serverSideEmit:
            return .serverSideEmit(
                try required(packet.flatMap { EventPacket(plainJSON: $0) }),
                requestID: data.member(named: "requestId")?.name
            )
        case .serverSideEmitResponse:
            return .serverSideAnswer(Arguments(first: packet), requestID: try requestID(data))
        case .broadcastAck:
            return .ack(Arguments(first: packet), requestID: try requestID(data))
        case .broadcastClientCount:
            let count = try required(data.member(named: "clientCount")?.integer)
            guard (0...Int(Int32.max)).contains(count) else { throw CodingFailure.malformed }
            return .clientCount(count, requestID: try requestID(data))
        }
    }

    private func requestID(_ data: JSONSlice?) throws -> String {
        guard let id = data?.member(named: "requestId")?.name else {
            throw CodingFailure.malformed
        }
        return id
    }

    private func decodeBinary(_ payload: SharedBytes) throws -> ReceivedMessage {
        var reader = MessagePackReader(payload, limits: limits)
        var kind: Kind?
        var sender: String?
        var isForUs = false
        var data: SharedBytes?
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readString().text {
            case "type": kind = try reader.readJSONValue().integer.flatMap(Kind.init(rawValue:))
            case "uid": sender = try reader.readJSONValue().string
            case "nsp": isForUs = try reader.readJSONValue().string == namespace
            case "data":
                data = try reader.takeValue()
            default:
                try reader.skipValue()
            }
        }
        guard let sender else { throw CodingFailure.malformed }
        guard sender != uid, isForUs else { throw CodingFailure.notForUs }
        guard let kind else { throw CodingFailure.unknownType }
        guard let data else { throw CodingFailure.malformed }
        return ReceivedMessage(sender: sender, try decodeBinary(kind, data))
    }

    private func decodeBinary(
        _ kind: Kind,
        _ data: SharedBytes
    ) throws -> ClusterMessage {
        guard let (packet, options, id) = try binaryParts(kind, data) else {
            // Without binary, and MessagePack all the same.
            var reader = MessagePackReader(data, limits: limits)
            return try decode(kind, reader.readJSONValue())
        }
        switch kind {
        case .broadcast:
            guard let packet, let options else { throw CodingFailure.malformed }
            var packetReader = MessagePackReader(packet, limits: limits)
            var optionsReader = MessagePackReader(options, limits: limits)
            return .broadcast(
                try packetReader.readPacket(for: namespace, enclosing: namespace),
                try optionsReader.readOptions(),
                requestID: id
            )
        case .serverSideEmit:
            guard let packet else { throw CodingFailure.malformed }
            var reader = MessagePackReader(packet, limits: limits)
            return .serverSideEmit(try reader.readEvent(), requestID: id)
        case .serverSideEmitResponse, .broadcastAck:
            guard let id else { throw CodingFailure.malformed }
            let answer = try packet.map { try Arguments(messagePack: $0, limits) } ?? Arguments()
            return kind == .broadcastAck
                ? .ack(answer, requestID: id) : .serverSideAnswer(answer, requestID: id)
        case .socketsJoin, .socketsLeave, .disconnectSockets, .fetchSockets,
            .fetchSocketsResponse, .broadcastClientCount:
            throw CodingFailure.malformed
        }
    }

    /// The parts of a message that may hold binary; nil for the other kinds.
    private func binaryParts(
        _ kind: Kind,
        _ data: SharedBytes
    ) throws -> (packet: SharedBytes?, options: SharedBytes?, id: String?)? {
        switch kind {
        case .broadcast, .serverSideEmit, .serverSideEmitResponse, .broadcastAck: break
        case .socketsJoin, .socketsLeave, .disconnectSockets, .fetchSockets,
            .fetchSocketsResponse, .broadcastClientCount:
            return nil
        }
        var reader = MessagePackReader(data, limits: limits)
        var packet: SharedBytes?
        var options: SharedBytes?
        var id: String?
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readString().text {
            case "packet":
                packet = try reader.takeValue()
            case "opts":
                options = try reader.takeValue()
            case "requestId":
                id = try reader.readJSONValue().name
            default:
                try reader.skipValue()
            }
        }
        return (packet, options, id)
    }
}

extension ClusterMessage {
    /// Whether JSON cannot hold it.
    fileprivate var hasBinary: Bool {
        switch self {
        case .broadcast(let packet, _, _), .serverSideEmit(let packet, _):
            !packet.arguments.attachments.isEmpty
        case .ack(let answer, _), .serverSideAnswer(let answer, _):
            !answer.attachments.isEmpty
        case .join, .leave, .disconnect, .fetchSockets, .fetchRooms, .fetchIDs, .sockets, .rooms,
            .ids, .clientCount, .clientLeft, .receipt:
            false
        }
    }
}
