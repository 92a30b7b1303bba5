import Bytes
import MessagePack

// A chat broadcast between two nodes, as the Redis adapter writes and reads it.
extension MicroBenchmark {
    /// The argument of a `message` event, 125 bytes.
    private static let messageText = SharedBytes(
        "{\"userId\":\"user-4711\",\"room\":\"room-17\",\"message\":\""
            + String(repeating: "hello ", count: 12) + "!\"}"
    )

    static let messagePackWriting = MicroBenchmark(
        "a broadcast with \(messageText.count) bytes of JSON, to MessagePack"
    ) {
        var sum = 0
        for _ in 0..<$0 { sum &+= broadcast().count }
        return sum
    }

    static let messagePackReading = MicroBenchmark(
        "a broadcast of \(broadcast().count) bytes of MessagePack, to JSON"
    ) {
        let message = broadcast()
        var sum = 0
        for _ in 0..<$0 {
            do throws(MessagePackError) {
                sum &+= try read(message).count
            } catch {
                return .min
            }
        }
        return sum
    }

    /// `[uid, {type: 2, data: ["message", {…}], nsp: "/"}, {rooms: ["room-17"], except, flags}]`.
    private static func broadcast() -> SharedBytes {
        var buffer = ByteBuffer(capacity: 256)
        buffer.appendMessagePack(arrayHeader: 3)
        buffer.appendMessagePack(literal: "Ab3xYz")
        buffer.appendMessagePack(mapHeader: 3)
        buffer.appendMessagePack(literal: "type")
        buffer.appendMessagePack(integer: 2)
        buffer.appendMessagePack(literal: "data")
        buffer.appendMessagePackArray(first: "message", list: messageText.bytes)
        buffer.appendMessagePack(literal: "nsp")
        buffer.appendMessagePack(literal: "/")
        buffer.appendMessagePack(mapHeader: 3)
        buffer.appendMessagePack(literal: "rooms")
        buffer.appendMessagePack(arrayHeader: 1)
        buffer.appendMessagePack(text: "room-17")
        buffer.appendMessagePack(literal: "except")
        buffer.appendMessagePack(arrayHeader: 0)
        buffer.appendMessagePack(literal: "flags")
        buffer.appendMessagePack(mapHeader: 0)
        return buffer.takeShared()
    }

    /// The arguments as JSON; all else is looked at, and the rooms are taken.
    private static func read(_ message: SharedBytes) throws(MessagePackError) -> SharedBytes {
        var reader = MessagePackReader(message)
        var json = ByteBuffer(capacity: message.count)
        var attachments: [SharedBytes] = []
        var rooms: [SharedBytes] = []
        _ = try reader.readArrayHeader()
        guard try reader.readString() != SharedBytes() else { return SharedBytes() }
        for _ in 0..<(try reader.readMapHeader()) {
            let key = try reader.readString()
            if key.bytes.isEqual(to: "data") {
                let count = try reader.readArrayHeader()
                _ = try reader.readString()
                try reader.readJSONElements(count - 1, to: &json, attachments: &attachments)
            } else if key.bytes.isEqual(to: "nsp") {
                _ = try reader.readString()
            } else {
                try reader.skipValue()
            }
        }
        for _ in 0..<(try reader.readMapHeader()) {
            let key = try reader.readString()
            guard key.bytes.isEqual(to: "rooms") else {
                try reader.skipValue()
                continue
            }
            for _ in 0..<(try reader.readArrayHeader()) { rooms.append(try reader.readText()) }
        }
        return rooms.isEmpty ? SharedBytes() : json.takeShared()
    }
}
