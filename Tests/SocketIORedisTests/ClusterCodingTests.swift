import Bytes
import Foundation
import MessagePack
import SocketIO
import Testing

@testable import SocketIORedis

@Suite("redis-wire.md §3: cluster messages")
struct ClusterCodingTests {
    let coding = ClusterCoding(
        uid: "0123456789abcdef",
        namespace: "/",
        limits: MessagePackLimits()
    )
    let other = ClusterCoding(uid: "fedcba9876543210", namespace: "/", limits: MessagePackLimits())

    struct Example: Sendable, CustomTestStringConvertible {
        let text: String
        let message: ClusterMessage
        var testDescription: String { text }
    }

    /// The probed lines, and the forms of the table.
    static let examples: [Example] = {
        var r1 = BroadcastOptions()
        r1.rooms = ["r1"]
        var timed = r1
        timed.timeout = .seconds(1)
        let envelope = #","uid":"0123456789abcdef","nsp":"/"}"#
        let opts = #"{"rooms":["r1"],"except":[],"flags":{}}"#
        let bare = EventPacket(unchecked: "hello", arguments: Arguments())
        func packet(_ name: String, _ json: String) -> EventPacket {
            EventPacket(
                unchecked: name,
                arguments: Arguments(json: SharedBytes(json), attachments: [])
            )
        }
        let answer = Arguments(json: SharedBytes(#"{"a":1}"#), attachments: [])
        return [
            Example(
                text: #"{"type":3,"data":{"packet":{"type":2,"data":["hello",1]},"opts":\#(opts)}"#
                    + envelope,
                message: .broadcast(packet("hello", "1"), r1, requestID: nil)
            ),
            Example(
                text: #"{"type":3,"data":{"packet":{"type":2,"data":["hello"]},"#
                    + #""requestId":"2a59700727f2e2c9","#
                    + #""opts":{"rooms":["r1"],"except":[],"flags":{"timeout":1000}}}"# + envelope,
                message: .broadcast(bare, timed, requestID: "2a59700727f2e2c9")
            ),
            Example(
                text: #"{"type":4,"data":{"opts":\#(opts),"rooms":["r2"]}"# + envelope,
                message: .join(["r2"], r1)
            ),
            Example(
                text: #"{"type":5,"data":{"opts":\#(opts),"rooms":["r2"]}"# + envelope,
                message: .leave(["r2"], r1)
            ),
            Example(
                text: #"{"type":6,"data":{"opts":\#(opts),"close":true}"# + envelope,
                message: .disconnect(r1, closing: true)
            ),
            Example(
                text: #"{"type":7,"data":{"opts":\#(opts),"requestId":"8de6e8f69493aaf4"}"#
                    + envelope,
                message: .fetchSockets(r1, requestID: "8de6e8f69493aaf4")
            ),
            Example(
                text: #"{"type":9,"data":{"requestId":"a1ff413d696d91e6","packet":["ev",1]}"#
                    + envelope,
                message: .serverSideEmit(packet("ev", "1"), requestID: "a1ff413d696d91e6")
            ),
            Example(
                text: #"{"type":9,"data":{"packet":["ev",1]}"# + envelope,
                message: .serverSideEmit(packet("ev", "1"), requestID: nil)
            ),
            Example(
                text: #"{"type":10,"data":{"requestId":"aaaa","packet":{"a":1}}"# + envelope,
                message: .serverSideAnswer(answer, requestID: "aaaa")
            ),
            Example(
                text: #"{"type":10,"data":{"requestId":"aaaa"}"# + envelope,
                message: .serverSideAnswer(Arguments(), requestID: "aaaa")
            ),
            Example(
                text: #"{"type":11,"data":{"requestId":"aaaa","clientCount":0}"# + envelope,
                message: .clientCount(0, requestID: "aaaa")
            ),
            Example(
                text: #"{"type":12,"data":{"requestId":"aaaa","packet":{"a":1}}"# + envelope,
                message: .ack(answer, requestID: "aaaa")
            ),
            Example(
                text: #"{"type":"client-left","data":{"requestId":"aaaa"}"# + envelope,
                message: .clientLeft(requestID: "aaaa")
            ),
        ]
    }()

    @Test("messages are the probed text, and are read back", arguments: examples)
    func text(_ example: Example) throws {
        #expect(coding.encode(example.message).text == example.text)
        let received = try other.decode(SharedBytes(example.text))
        #expect(received.sender == "0123456789abcdef")
        #expect(coding.encode(received.message).text == example.text)
        #expect(throws: CodingFailure.notForUs) { try coding.decode(SharedBytes(example.text)) }
    }

    @Test("the same messages in MessagePack are read too", arguments: examples)
    func messagePack(_ example: Example) throws {
        var buffer = ByteBuffer()
        let text = SharedBytes(example.text)
        buffer.appendMessagePack(json: text.bytes)
        if case .clientLeft = example.message {
            let bytes = buffer.takeShared()
            #expect(throws: CodingFailure.unknownType) { try other.decode(bytes) }
        } else {
            let received = try other.decode(buffer.takeShared())
            #expect(coding.encode(received.message).text == example.text)
        }
    }

    @Test("with binary the whole message is MessagePack, and survives")
    func binary() throws {
        let arguments = try Arguments(
            json: #"[{"b":{"_placeholder":true,"num":0}}]"#,
            attachments: [Data([1, 2, 3])]
        )
        let packet = EventPacket(unchecked: "ev", arguments: arguments)
        var options = BroadcastOptions()
        options.isVolatile = true
        let messages: [ClusterMessage] = [
            .broadcast(packet, options, requestID: nil),
            .broadcast(packet, options, requestID: "r"),
            .serverSideEmit(packet, requestID: "r"),
            .serverSideAnswer(arguments, requestID: "r"),
            .ack(arguments, requestID: "r"),
        ]
        for message in messages {
            let wire = coding.encode(message)
            #expect(wire.bytes.byte(at: 0) == 0x84)
            #expect(coding.encode(try other.decode(wire).message) == wire)
            for length in 0..<wire.count {
                let cut = wire[0..<length]
                #expect(throws: (any Error).self) { try other.decode(cut) }
            }
        }
    }

    @Test("an emitter's packet names its namespace inside as well")
    func emitter() throws {
        let text =
            #"{"uid":"emitter","nsp":"/","type":3,"data":{"packet":{"type":2,"data":["x"],"nsp":"/"},"#
            + #""opts":{"rooms":[],"flags":{},"except":[]}}}"#
        let received = try other.decode(SharedBytes(text))
        #expect(received.sender == "emitter")
    }

    static let garbage = [
        "", "{", "{}", #"{"type":3,"uid":"x","nsp":"/"}"#, #"{"type":3,"data":{},"uid":"x"}"#,
        #"{"type":3,"data":{},"uid":"x","nsp":"/"}"#, #"{"type":99,"data":{},"uid":"x","nsp":"/"}"#,
        #"{"type":3,"data":{"packet":{"type":3,"data":["a"]},"opts":{}},"uid":"x","nsp":"/"}"#,
        #"{"type":3,"data":{"packet":{"type":2,"data":[]},"opts":{}},"uid":"x","nsp":"/"}"#,
        #"{"type":3,"data":{"packet":{"type":2,"data":[{}]},"opts":{}},"uid":"x","nsp":"/"}"#,
        #"{"type":11,"data":{"requestId":"a","clientCount":-1},"uid":"x","nsp":"/"}"#,
        #"{"type":7,"data":{"opts":{}},"uid":"x","nsp":"/"}"#,
        #"{"type":9,"data":{"packet":{}},"uid":"x","nsp":"/"}"#,
    ]

    @Test("garbage is an error, never a trap", arguments: garbage)
    func hostile(_ text: String) {
        #expect(throws: (any Error).self) { try other.decode(SharedBytes(text)) }
    }
}

@Suite("redis-wire.md §2: sharded channels")
struct ShardedWireTests {
    private func channel(
        _ mode: RedisAdapterOptions.SubscriptionMode,
        _ rooms: [Room],
        requestID: String? = nil
    ) -> String {
        let wire = ShardedWire(
            prefix: "socket.io",
            namespace: "/",
            uid: "u",
            mode: mode,
            limits: MessagePackLimits()
        )
        var options = BroadcastOptions()
        options.rooms = rooms
        let packet = EventPacket(unchecked: "x", arguments: Arguments())
        return wire.publication(of: .broadcast(packet, options, requestID: requestID)).channel.text
    }

    @Test("one room has a channel of its own, unless it looks like a socket's id")
    func dynamic() {
        let id = Room(String(repeating: "i", count: 20))
        #expect(channel(.dynamic, ["r"]) == "socket.io#/#r#")
        #expect(channel(.dynamic, [id]) == "socket.io#/#")
        #expect(channel(.dynamicPrivate, [id]) == "socket.io#/#\(id)#")
        #expect(channel(.static, ["r"]) == "socket.io#/#")
        #expect(channel(.dynamic, []) == "socket.io#/#")
        #expect(channel(.dynamic, ["a", "b"]) == "socket.io#/#")
        #expect(channel(.dynamic, ["r"], requestID: "q") == "socket.io#/#")
        // Counted as JavaScript does: ten letters of two units each.
        #expect(channel(.dynamic, [Room(String(repeating: "𝔸", count: 10))]) == "socket.io#/#")
    }
}
