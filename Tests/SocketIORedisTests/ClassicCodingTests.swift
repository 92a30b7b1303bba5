import Bytes
import Foundation
import MessagePack
import SocketIO
import Testing

@testable import SocketIORedis

@Suite("redis-wire.md §1: the classic protocol")
struct ClassicCodingTests {
    let coding = ClassicCoding(uid: "abcdef", namespace: "/", limits: MessagePackLimits())
    let emitter = ClassicCoding(uid: "emitter", namespace: "/", limits: MessagePackLimits())

    private func packet(
        _ name: String,
        _ json: String = "[]",
        _ attachments: [Data] = []
    ) throws
        -> EventPacket
    {
        try EventPacket(name: name, arguments: Arguments(json: json, attachments: attachments))
    }

    private func options(_ rooms: [Room] = [], except: [Room] = []) -> BroadcastOptions {
        var options = BroadcastOptions()
        options.rooms = rooms
        options.except = except
        return options
    }

    /// §1.2, as Node's adapter writes it.
    let broadcastDump = """
        93 a6616263646566
           83 a474797065 02 a464617461 92 a568656c6c6f 01 a36e7370 a12f
           83 a5726f6f6d73 91 a27231 a6657863657074 90 a5666c616773 80
        """
    /// §5, as Node's emitter writes it.
    let emitterDump = """
        93 a7 656d6974746572 83 a4 74797065 02 a4 64617461 91 a5 68656c6c6f a3 6e7370 a1 2f
           83 a5 726f6f6d73 90 a5 666c616773 80 a6 657863657074 90
        """

    @Test("§1.2: a broadcast is the dump, byte for byte")
    func broadcast() throws {
        let bytes = coding.broadcast(try packet("hello", "[1]"), options(["r1"]))
        #expect(hex(bytes) == compact(broadcastDump))
    }

    @Test("§5: an emitter's event is the dump, byte for byte")
    func emitterEvent() throws {
        #expect(hex(emitter.broadcast(try packet("hello"), options())) == compact(emitterDump))
    }

    @Test("a small attachment does not keep a large message alive")
    func smallAttachment() throws {
        let other = ClassicCoding(uid: "other1", namespace: "/", limits: MessagePackLimits())
        let text = String(repeating: "x", count: 100_000)
        let json = #"["\#(text)",{"_placeholder":true,"num":0}]"#
        let message = coding.broadcast(try packet("hello", json, [Data([1])]), options())
        guard case .broadcast(let packet, _, nil) = try other.decodeBroadcast(message).message
        else {
            Issue.record("no broadcast")
            return
        }
        #expect(packet.arguments.attachments.map(\.storageByteCount) == [1])
    }

    @Test("§1.2: the dumps of others are understood")
    func dumps() throws {
        let other = ClassicCoding(uid: "other1", namespace: "/", limits: MessagePackLimits())
        let received = try other.decodeBroadcast(bytes(broadcastDump))
        #expect(received.sender == "abcdef")
        guard case .broadcast(let packet, let options, nil) = received.message else {
            Issue.record("\(received)")
            return
        }
        #expect(packet.name == "hello")
        #expect(packet.argumentsJSON == "[1]")
        #expect(options.rooms == ["r1"])
        let emitted = try other.decodeBroadcast(bytes(emitterDump))
        #expect(emitted.sender == "emitter")
    }

    @Test("§1.1: one's own broadcast, and that of another namespace, are not for us")
    func notForUs() throws {
        let dump = bytes(broadcastDump)
        #expect(throws: CodingFailure.notForUs) { try coding.decodeBroadcast(dump) }
        let chat = ClassicCoding(uid: "other1", namespace: "/chat", limits: MessagePackLimits())
        #expect(throws: CodingFailure.notForUs) { try chat.decodeBroadcast(dump) }
    }

    @Test("§1.2: flags and binary survive the trip")
    func roundTrip() throws {
        var options = options(["a", "b"], except: ["c"])
        options.isVolatile = true
        options.isCompressed = false
        options.timeout = .milliseconds(1500)
        let packet = try packet(
            "file",
            #"[{"x":{"_placeholder":true,"num":0}},null,{"_placeholder":true,"num":1}]"#,
            [Data([1, 2]), Data([3])]
        )
        let other = ClassicCoding(uid: "other1", namespace: "/", limits: MessagePackLimits())
        let received = try other.decodeBroadcast(coding.broadcast(packet, options))
        guard case .broadcast(let copy, let seen, nil) = received.message else {
            Issue.record("\(received)")
            return
        }
        #expect(seen == options)
        #expect(copy.argumentsJSON == packet.argumentsJSON)
        #expect(copy.attachments == packet.attachments)
    }

    struct Request: Sendable, CustomTestStringConvertible {
        let message: ClusterMessage
        let text: String
        var testDescription: String { text }
    }

    static let requests: [Request] = {
        var options = BroadcastOptions()
        options.rooms = ["r1"]
        options.except = ["x\"y"]
        let opts = #"{"rooms":["r1"],"except":["x\"y"]}"#
        // The initialisers throw for reserved names and broken JSON only.
        let packet = EventPacket(
            unchecked: "ev",
            arguments: Arguments(json: SharedBytes(#"1,{"a":"b"}"#), attachments: [])
        )
        return [
            Request(
                message: .fetchIDs(["r1"], requestID: "req123"),
                text: #"{"uid":"abcdef","requestId":"req123","type":0,"rooms":["r1"]}"#
            ),
            Request(
                message: .fetchRooms(requestID: "req123"),
                text: #"{"uid":"abcdef","requestId":"req123","type":1}"#
            ),
            Request(
                message: .join(["a", "b"], options),
                text: #"{"uid":"abcdef","type":2,"opts":\#(opts),"rooms":["a","b"]}"#
            ),
            Request(
                message: .leave(["a"], options),
                text: #"{"uid":"abcdef","type":3,"opts":\#(opts),"rooms":["a"]}"#
            ),
            Request(
                message: .disconnect(options, closing: true),
                text: #"{"uid":"abcdef","type":4,"opts":\#(opts),"close":true}"#
            ),
            Request(
                message: .fetchSockets(options, requestID: "req123"),
                text: #"{"uid":"abcdef","requestId":"req123","type":5,"opts":\#(opts)}"#
            ),
            Request(
                message: .serverSideEmit(packet, requestID: nil),
                text: #"{"uid":"abcdef","type":6,"data":["ev",1,{"a":"b"}]}"#
            ),
            Request(
                message: .serverSideEmit(packet, requestID: "req123"),
                text:
                    #"{"uid":"abcdef","requestId":"req123","type":6,"data":["ev",1,{"a":"b"}]}"#
            ),
        ]
    }()

    @Test("§1.3: requests are JSON in the reference's order", arguments: requests)
    func request(_ request: Request) throws {
        #expect(coding.encode(request.message).text == request.text)
        let other = ClassicCoding(uid: "other1", namespace: "/", limits: MessagePackLimits())
        let received = try other.decodeRequest(SharedBytes(request.text))
        #expect(received.sender == "abcdef")
        #expect("\(received.message)" == "\(request.message)" || isServerSide(request.message))
        if case .serverSideEmit(let packet, let id) = received.message,
            case .serverSideEmit(let sent, let sentID) = request.message
        {
            #expect(packet.name == sent.name && packet.argumentsJSON == sent.argumentsJSON)
            #expect(id == sentID)
        }
    }

    private func isServerSide(_ message: ClusterMessage) -> Bool {
        if case .serverSideEmit = message { true } else { false }
    }

    @Test("§1.3: a broadcast with acks is the map of type 7")
    func broadcastWithAcks() throws {
        let message = ClusterMessage.broadcast(
            try packet("hello", "[1]"),
            options(["r1"]),
            requestID: "req123"
        )
        let dump = """
            85 a3756964 a6616263646566 a9726571756573744964 a6726571313233 a474797065 07
               a67061636b6574 83 a474797065 02 a464617461 92 a568656c6c6f 01 a36e7370 a12f
               a46f707473 83 a5726f6f6d73 91 a27231 a6657863657074 90 a5666c616773 80
            """
        #expect(hex(coding.encode(message)) == compact(dump))
        let other = ClassicCoding(uid: "other1", namespace: "/", limits: MessagePackLimits())
        let received = try other.decodeRequest(bytes(dump))
        guard case .broadcast(let packet, let options, "req123") = received.message else {
            Issue.record("\(received)")
            return
        }
        #expect(packet.argumentsJSON == "[1]")
        #expect(options.rooms == ["r1"])
        #expect(throws: CodingFailure.notForUs) { try coding.decodeRequest(bytes(dump)) }
    }

    @Test("§1.3: an ack is the map of type 9, nil if the client has sent no argument")
    func acks() throws {
        let ok = coding.encode(.ack(try Arguments("ok", "cut off"), requestID: "req123"))
        let dump = """
            83 a474797065 09 a9726571756573744964 a6726571313233 a67061636b6574 a26f6b
            """
        #expect(hex(ok) == compact(dump))
        let received = try coding.decodeResponse(ok)
        guard case .ack(let answer, "req123") = received.message else {
            Issue.record("\(received)")
            return
        }
        #expect(try answer.decode(String.self, at: 0) == "ok")
        #expect(hex(coding.encode(.ack(Arguments(), requestID: "req123"))).hasSuffix("c0"))
    }

    @Test("§1.3: the other answers are JSON, and come back as they were")
    func responses() throws {
        let messages: [(ClusterMessage, String)] = [
            (.ids(["a", "b"], requestID: "r"), #"{"requestId":"r","sockets":["a","b"]}"#),
            (.rooms(["a"], requestID: "r"), #"{"requestId":"r","rooms":["a"]}"#),
            (.receipt(requestID: "r"), #"{"requestId":"r"}"#),
            (.clientCount(3, requestID: "r"), #"{"type":8,"requestId":"r","clientCount":3}"#),
            (.clientLeft(requestID: "r"), #"{"type":"client-left","requestId":"r"}"#),
            (
                .serverSideAnswer(try Arguments(["a": 1]), requestID: "r"),
                #"{"type":6,"requestId":"r","data":{"a":1}}"#
            ),
            (.serverSideAnswer(Arguments(), requestID: "r"), #"{"type":6,"requestId":"r"}"#),
        ]
        for (message, text) in messages {
            #expect(coding.encode(message).text == text)
            let copy = try coding.decodeResponse(SharedBytes(text)).message
            #expect(coding.encode(copy).text == text)
        }
    }

    @Test("§1.3: a socket is described as Node does, and read back")
    func snapshots() throws {
        let request = ConnectionRequest(
            headers: ["host": "x", "origin": "https://y"],
            query: ["EIO": "4"],
            address: "192.0.2.1",
            url: "/socket.io/?EIO=4",
            issued: Date(timeIntervalSince1970: 1_700_000_000.5)
        )
        let socket = SocketSnapshot(
            id: "Zyx",
            handshake: Handshake(request: request, auth: try Auth(json: #"{"token":"t"}"#)),
            rooms: ["b", "a"],
            data: Data(#"{"n":1}"#.utf8)
        )
        let text = coding.encode(.sockets([socket], requestID: "r")).text
        #expect(
            text == #"{"requestId":"r","sockets":[{"id":"Zyx","handshake":{"headers":"#
                + #"{"host":"x","origin":"https://y"},"#
                + #""time":"Tue Nov 14 2023 22:13:20 GMT+0000 (Coordinated Universal Time)","#
                + #""address":"192.0.2.1","xdomain":true,"secure":false,"issued":1700000000500,"#
                + #""url":"/socket.io/?EIO=4","query":{"EIO":"4"},"auth":{"token":"t"}},"#
                + #""rooms":["a","b"],"data":{"n":1}}]}"#
        )
        let received = try coding.decodeResponse(SharedBytes(text))
        guard case .sockets(let sockets, "r") = received.message, let copy = sockets.first else {
            Issue.record("\(received)")
            return
        }
        #expect(copy.id == "Zyx" && copy.rooms == ["a", "b"] && copy.data == socket.data)
        #expect(copy.handshake.headers == request.headers && copy.handshake.query == request.query)
        #expect(copy.handshake.auth["token"] == "t" && copy.handshake.issued == request.issued)
    }

    @Test("§1.3: Node's Buffers in JSON are binary, ours are written so")
    func buffers() throws {
        let text = #"{"uid":"n","type":6,"data":["ev",{"b":{"type":"Buffer","data":[1,255]}}]}"#
        guard
            case .serverSideEmit(let packet, nil) =
                try coding.decodeRequest(SharedBytes(text)).message
        else {
            Issue.record("not a server-side event")
            return
        }
        #expect(packet.attachments == [Data([1, 255])])
        let node = ClassicCoding(uid: "n", namespace: "/", limits: MessagePackLimits())
        #expect(node.encode(.serverSideEmit(packet, requestID: nil)).text == text)
    }

    @Test("§1.3: the forms of old peers, about one socket")
    func legacy() throws {
        let join = try coding.decodeRequest(
            SharedBytes(#"{"requestId":"r","type":2,"sid":"s","room":"a"}"#)
        )
        guard case .join(["a"], let options) = join.message else {
            Issue.record("\(join)")
            return
        }
        #expect(options.rooms == ["s"] && join.onlySocket == "s" && join.receiptID == "r")
        let end = try coding.decodeRequest(
            SharedBytes(#"{"requestId":"r","type":4,"sid":"s","close":true}"#)
        )
        guard case .disconnect(_, true) = end.message else {
            Issue.record("\(end)")
            return
        }
        #expect(end.onlySocket == "s")
    }

    @Test("§5: an emitter's requests name nobody but in server-side events")
    func emitterRequests() throws {
        #expect(
            emitter.encode(.join(["a"], options(["r"]))).text
                == #"{"type":2,"opts":{"rooms":["r"],"except":[]},"rooms":["a"]}"#
        )
        #expect(
            emitter.encode(.serverSideEmit(try packet("ev", "[1]"), requestID: nil)).text
                == #"{"uid":"emitter","type":6,"data":["ev",1]}"#
        )
        let received = try coding.decodeRequest(
            SharedBytes(#"{"type":4,"opts":{"rooms":["r"],"except":[]},"close":false}"#)
        )
        #expect(received.sender == nil)
    }

    static let garbage = [
        "", "{", "{}", "[]", "null", "{\"type\":99}", "{\"type\":\"x\",\"requestId\":1}",
        "{\"type\":2,\"opts\":{}}", "{\"type\":2}", "{\"type\":5,\"opts\":{}}",
        "{\"type\":6,\"data\":{}}", "{\"type\":6,\"data\":[]}", "{\"type\":6,\"data\":[{}]}",
        "{\"type\":8,\"requestId\":\"r\",\"clientCount\":-1}",
        "{\"type\":8,\"requestId\":\"r\",\"clientCount\":1e99}", "{\"type\":7,\"requestId\":\"r\"}",
        "{\"x\":\u{FFFD}}", String(repeating: "{\"a\":", count: 2000),
    ]

    @Test("garbage is an error, never a trap", arguments: garbage)
    func hostile(_ text: String) {
        #expect(throws: (any Error).self) { try coding.decodeRequest(SharedBytes(text)) }
        #expect(throws: (any Error).self) { try coding.decodeBroadcast(SharedBytes(text)) }
    }

    @Test("JSON that is not UTF-8 is an error: clients would close on it")
    func notUTF8() {
        let text = Array(#"{"uid":"n","type":6,"data":["ev",""#.utf8) + [0xFF] + Array(#""]}"#.utf8)
        #expect(throws: CodingFailure.malformed) { try coding.decodeRequest(SharedBytes(text)) }
    }

    @Test("every truncation of every dump is an error")
    func truncated() throws {
        let other = ClassicCoding(uid: "other1", namespace: "/", limits: MessagePackLimits())
        let dump = bytes(broadcastDump)
        for length in 0..<dump.count {
            let cut = dump[0..<length]
            #expect(throws: (any Error).self) { try other.decodeBroadcast(cut) }
        }
    }
}

@Suite("redis-wire.md §1.1: channels")
struct ClassicChannelTests {
    @Test("the names are the reference's")
    func names() {
        let channels = ClassicChannels(key: "socket.io", namespace: "/")
        #expect(channels.broadcast.text == "socket.io#/#")
        #expect(channels.broadcastPattern.text == "socket.io#/#*")
        #expect(channels.broadcast(to: "room1").text == "socket.io#/#room1#")
        #expect(channels.request.text == "socket.io-request#/#")
        #expect(channels.response.text == "socket.io-response#/#")
        #expect(channels.response(to: "Ab3xYz").text == "socket.io-response#/#Ab3xYz#")
    }

    @Test("pattern characters of a namespace are escaped")
    func escaping() {
        let channels = ClassicChannels(key: "s", namespace: "/a*[b]?\\")
        #expect(channels.broadcastPattern.text == ##"s#/a\*\[b\]\?\\#*"##)
        #expect(channels.broadcast.text == ##"s#/a*[b]?\#"##)
    }

    @Test("a channel tells its room, and what is none of ours")
    func targets() {
        let channels = ClassicChannels(key: "socket.io", namespace: "/")
        func target(_ name: String) -> ClassicChannels.Target {
            channels.target(of: SharedBytes(name))
        }
        #expect(target("socket.io#/#") == .anybody)
        #expect(target("socket.io#/#r1#") == .room("r1"))
        #expect(target("socket.io#/#a#b#") == .room("a#b"))
        #expect(target("socket.io#/##") == .anybody)
        #expect(target("socket.io#/#r1") == .foreign)
        #expect(target("socket.io#/chat#") == .foreign)
        #expect(target("") == .foreign)
    }
}
