import Bytes
import Testing

@testable import EngineIOProtocol

typealias Outcome = EngineFuzz.Outcome

extension Outcome {
    static func text(_ type: EnginePacketType, _ payload: String) -> Outcome {
        .text(type, SharedBytes(payload))
    }
}

/// A POST body, and what it holds.
struct Body: CustomTestStringConvertible {
    var body: [UInt8]
    var packets: [Outcome]
    var error: EnginePacketError?

    var testDescription: String { "\(String(decoding: body, as: UTF8.self))" }

    init(_ body: String, _ packets: [Outcome], _ error: EnginePacketError? = nil) {
        self.init([UInt8](body.utf8), packets, error)
    }

    init(_ body: [UInt8], _ packets: [Outcome], _ error: EnginePacketError? = nil) {
        self.body = body
        self.packets = packets
        self.error = error
    }
}

@Suite("protocol.md §5, §6: packets and payloads")
struct PacketTests {
    static let types: [(String, EnginePacketType)] = [
        ("0", .open), ("1", .close), ("2", .ping), ("3", .pong), ("4", .message), ("5", .upgrade),
        ("6", .noop),
    ]

    static let bodies: [Body] = [
        Body("4hello", [.text(.message, "hello")]),
        Body("2probe", [.text(.ping, "probe")]),
        Body("4", [.text(.message, "")]),
        Body("44/random,{}", [.text(.message, "4/random,{}")]),
        Body(
            "4hello\u{1E}bAQIDBA==",
            [.text(.message, "hello"), .binary(SharedBytes([1, 2, 3, 4]))]
        ),
        Body("41\u{1E}3\u{1E}4€", [.text(.message, "1"), .text(.pong, ""), .text(.message, "€")]),
        Body("b", [.binary(SharedBytes())]),
        Body("bAQIDBA", [.binary(SharedBytes([1, 2, 3, 4]))]),
        Body("b-_-_", [.binary(SharedBytes([0xFB, 0xFF, 0xBF]))]),
        Body("", [], .emptyUnit),
        Body("\u{1E}", [], .emptyUnit),
        Body("4a\u{1E}", [.text(.message, "a")], .emptyUnit),
        Body("4a\u{1E}\u{1E}4b", [.text(.message, "a")], .emptyUnit),
        Body("\u{1E}4a", [], .emptyUnit),
        Body("abc", [], .unknownType(0x61)),
        Body("7", [], .unknownType(0x37)),
        Body("/", [], .unknownType(0x2F)),
        Body("4a\u{1E}x\u{1E}4b", [.text(.message, "a")], .unknownType(0x78)),
        Body("4a\u{1E}bA*==\u{1E}4b", [.text(.message, "a")], .invalidBase64),
        Body([0x34, 0xFF], [], .invalidUTF8),
        Body([0x34, 0x61, 0x1E, 0x34, 0xC3, 0x1E, 0xA4], [.text(.message, "a")], .invalidUTF8),
    ]

    @Test("§5: the seven types", arguments: types)
    func type(digit: String, type: EnginePacketType) throws {
        let unit = SharedBytes(digit + "payload")
        let packet = try EnginePacket(parsing: unit.bytes)
        #expect(packet == .text(type, payload: 1..<8))
    }

    @Test("§5: every other first character is a parse error")
    func unknownTypes() {
        for byte in UInt8.min...UInt8.max where byte != 0x62 && !(0x30...0x36).contains(byte) {
            let unit = SharedBytes([byte, 0x34])
            #expect(throws: EnginePacketError.unknownType(byte)) {
                try EnginePacket(parsing: unit.bytes)
            }
        }
    }

    @Test("§6: packets before an error are delivered, the rest discarded", arguments: bodies)
    func splits(_ body: Body) {
        let (packets, error) = EngineFuzz.outcome(of: SharedBytes(body.body))
        #expect(packets == body.packets)
        #expect(error == body.error)
    }

    @Test("§6: nothing is handed out after an error")
    func endsAtError() {
        let body = SharedBytes("x\u{1E}4b")
        var splitter = PayloadSplitter()
        #expect(throws: EnginePacketError.unknownType(0x78)) {
            try splitter.next(in: body.bytes)
        }
        let next = try? splitter.next(in: body.bytes)
        #expect(next == .some(nil))
    }

    @Test("§6: a body is joined by separators, binary as base64")
    func writes() {
        var writer = PayloadWriter()
        let wasEmpty = writer.isEmpty
        #expect(wasEmpty)
        writer.append(.message, payload: SharedBytes("hello").bytes)
        writer.append(binary: SharedBytes([1, 2, 3, 4]).bytes)
        writer.append(unit: SharedBytes("42[\"a\"]").bytes)
        writer.append(.noop)
        writer.append(.close)
        let count = writer.count
        let body = writer.takeShared()
        #expect(body.text == "4hello\u{1E}bAQIDBA==\u{1E}42[\"a\"]\u{1E}6\u{1E}1")
        #expect(count == body.count)
        writer.append(.ping)
        let next = writer.takeShared()
        #expect(next.text == "2")
    }

    @Test("§2: a peer that takes no binary frames gets text")
    func binaryAsText() {
        let unit = EnginePacket.textUnit(binary: SharedBytes([1, 2, 3, 4]).bytes)
        #expect(unit.text == "bAQIDBA==")
    }

    @Test("a body of nothing but packets is split in linear time")
    func manyPackets() {
        let body = SharedBytes(String(repeating: "4\u{1E}", count: 100_000) + "4")
        let (packets, error) = EngineFuzz.outcome(of: body)
        #expect(packets.count == 100_001)
        #expect(error == nil)
    }
}
