import Bytes
import Testing

@testable import SocketIOProtocol

/// A packet's text and what it says.
struct PacketExample: CustomTestStringConvertible, Sendable {
    var wire: String
    var type: PacketType
    var attachments = 0
    var namespace: String?
    var id: UInt64?
    var data: String?
    var name: String?
    var arguments: String?

    var testDescription: String { wire }

    static let all: [PacketExample] = [
        .init(wire: "0", type: .connect),
        .init(wire: "0{\"token\":\"x\"}", type: .connect, data: "{\"token\":\"x\"}"),
        .init(wire: "0/admin", type: .connect, namespace: "/admin"),
        .init(wire: "0/admin,", type: .connect, namespace: "/admin"),
        .init(wire: "0/,{}", type: .connect, data: "{}"),
        .init(wire: "0/a?b=c,{}", type: .connect, namespace: "/a?b=c", data: "{}"),
        .init(
            wire: "0/admin,{\"token\":\"x\"}",
            type: .connect,
            namespace: "/admin",
            data: "{\"token\":\"x\"}"
        ),
        .init(wire: "1", type: .disconnect),
        .init(wire: "1/admin", type: .disconnect, namespace: "/admin"),
        .init(wire: "1/admin,", type: .disconnect, namespace: "/admin"),
        .init(wire: "2[\"foo\"]", type: .event, data: "[\"foo\"]", name: "foo", arguments: ""),
        .init(
            wire: "2/admin,13[\"foo\",1]",
            type: .event,
            namespace: "/admin",
            id: 13,
            data: "[\"foo\",1]",
            name: "foo",
            arguments: "1"
        ),
        .init(
            wire: "2 [ \"foo\" , 1 , [2] ] ",
            type: .event,
            data: "[ \"foo\" , 1 , [2] ]",
            name: "foo",
            arguments: "1 , [2]"
        ),
        .init(
            wire: "20[\"a\\nb\",{\"x\":[]}]",
            type: .event,
            id: 0,
            data: "[\"a\\nb\",{\"x\":[]}]",
            name: "a\nb",
            arguments: "{\"x\":[]}"
        ),
        .init(
            wire: "2[\"\"]",
            type: .event,
            data: "[\"\"]",
            name: "",
            arguments: ""
        ),
        .init(wire: "313[\"ok\"]", type: .ack, id: 13, data: "[\"ok\"]", arguments: "\"ok\""),
        .init(
            wire: "3/admin,13[]",
            type: .ack,
            namespace: "/admin",
            id: 13,
            data: "[]",
            arguments: ""
        ),
        .init(
            wire: "31[ null , 2 ]",
            type: .ack,
            id: 1,
            data: "[ null , 2 ]",
            arguments: "null , 2"
        ),
        .init(
            wire: "39007199254740992[]",
            type: .ack,
            id: 1 << 53,
            data: "[]",
            arguments: ""
        ),
        .init(wire: "4\"no\"", type: .connectError, data: "\"no\""),
        .init(wire: "4{\"message\":\"no\"}", type: .connectError, data: "{\"message\":\"no\"}"),
        .init(
            wire: "51-[\"baz\",{\"_placeholder\":true,\"num\":0}]",
            type: .binaryEvent,
            attachments: 1,
            data: "[\"baz\",{\"_placeholder\":true,\"num\":0}]",
            name: "baz",
            arguments: "{\"_placeholder\":true,\"num\":0}"
        ),
        .init(
            wire: "52-/admin,7[\"b\",{\"_placeholder\":true,\"num\":0}]",
            type: .binaryEvent,
            attachments: 2,
            namespace: "/admin",
            id: 7,
            data: "[\"b\",{\"_placeholder\":true,\"num\":0}]",
            name: "b",
            arguments: "{\"_placeholder\":true,\"num\":0}"
        ),
        .init(
            wire: "61-/admin,1[{\"_placeholder\":true,\"num\":0}]",
            type: .binaryAck,
            attachments: 1,
            namespace: "/admin",
            id: 1,
            data: "[{\"_placeholder\":true,\"num\":0}]",
            arguments: "{\"_placeholder\":true,\"num\":0}"
        ),
        // Tolerated forms of section 15.
        .init(wire: "2", type: .event),
        .init(wire: "21", type: .event, id: 1),
        .init(wire: "2/admin", type: .event, namespace: "/admin"),
        .init(wire: "3", type: .ack),
        .init(wire: "31", type: .ack, id: 1),
        .init(wire: "2[1,2]", type: .event, data: "[1,2]", name: "1", arguments: "2"),
        .init(wire: "2[-1.5e3]", type: .event, data: "[-1.5e3]", name: "-1.5e3", arguments: ""),
        .init(wire: "50-[\"x\"]", type: .event, data: "[\"x\"]", name: "x", arguments: ""),
        .init(wire: "5-[\"x\"]", type: .event, data: "[\"x\"]", name: "x", arguments: ""),
        .init(wire: "6-1[]", type: .ack, id: 1, data: "[]", arguments: ""),
        .init(wire: "510-", type: .binaryEvent, attachments: 10),
    ]
}

@Suite("protocol.md §14–15: packets")
struct PacketParserTests {
    @Test("§14, §15: well-formed and tolerated packets", arguments: PacketExample.all)
    func parses(_ example: PacketExample) throws {
        let wire = SharedBytes(example.wire)
        let head = try PacketParser.parse(wire.bytes)
        #expect(head.type == example.type)
        #expect(head.attachments == example.attachments)
        #expect(head.namespace.map { wire[$0].text } == example.namespace)
        #expect(head.id == example.id)
        #expect(head.data.map { wire[$0].text } == example.data)
        #expect(head.arguments.map { wire[$0].text } == example.arguments)
        let name = head.eventName?.text(in: wire.bytes)
        #expect(name == example.name)
    }

    @Test(
        "§15 class A: malformed packets and their messages",
        arguments: [
            "unknown packet type NaN": ["abc", " ", "[", "a", "\u{0}", "/", ":", "-1"],
            "unknown packet type 7": ["7", "7[]"],
            "unknown packet type 9": ["9"],
            "empty packet": [""],
            "Illegal attachments": [
                "5", "51", "51[\"a\"]", "5[\"a\"]", "5a-[\"a\"]", "51.5-[\"a\"]", "51e0-", "6",
                "61", "5 1-", "5+1-",
            ],
            "too many attachments": [
                "511-[\"a\"]", "599999999999999999999999999999-", "618446744073709551617-[]",
            ],
            "namespace too long": ["2/" + String(repeating: "n", count: 1024)],
            "invalid payload": [
                "2[]", "2{}", "2[null]", "2[true]", "2[[]]", "2[{}]", "2\"a\"", "2null", "2 ", "2,",
                "2[\"connect\"]", "2[\"connect_error\",1]", "2[\"disconnect\"]",
                "2[\"disconnecting\"]", "2[\"newListener\"]", "2[\"removeListener\"]",
                "2[\"\\u0063onnect\"]", "2[\"remove\\u004cistener\"]", "1{}", "1[]", "1\"a\"",
                "0null",
                "0[]", "0\"a\"", "0 1", "0true", "4[]", "4null", "4-1", "2abc[\"x\"]", "2[\"a\"",
                "2[\"a\",]", "2[\"a\" 1]", "2[\"a\"]]", "2[\"a\"],", "2[\"a\"}", "2[,\"a\"]",
                "2[01]",
                "2[\"a\",01]", "2[\"a\\x\"]", "3{}", "31{}", "31[", "31[1", "31[1,]", "31null",
                "31x",
                "2-1[\"a\"]", "21.5[\"a\"]", "39007199254740993[]", "210000000000000000000[\"a\"]",
                "200000000000000000001[\"a\"]", "2admin,[\"a\"]", "51-{}", "51-[]", "5-1-", "61-{}",
                "0{\"a\":1", "0{}x", "2[\"a\u{1}\"]",
            ],
        ].flatMap { message, wires in wires.map { (wire: $0, message: message) } }
    )
    func refuses(_ example: (wire: String, message: String)) {
        let wire = SharedBytes(example.wire)
        let error = #expect(throws: PacketError.self) { try PacketParser.parse(wire.bytes) }
        #expect(error?.message == example.message)
    }

    @Test("limits are the caller's")
    func limits() throws {
        let limits = PacketLimits(maxAttachments: 2, maxDepth: 3, maxNamespaceBytes: 4)
        func parse(_ text: String) throws(PacketError) -> PacketHead {
            try PacketParser.parse(SharedBytes(text).bytes, limits: limits)
        }
        #expect(try parse("52-").attachments == 2)
        #expect(throws: PacketError.tooManyAttachments(limit: 2)) { try parse("53-") }
        #expect(try parse("2[\"a\",[[]]]").type == .event)
        #expect(throws: PacketError.invalidPayload) { try parse("2[\"a\",[[[]]]]") }
        #expect(throws: PacketError.invalidPayload) { try parse("0{\"a\":[[[]]]}") }
        #expect(try parse("0/abc").namespace == 1..<5)
        #expect(throws: PacketError.namespaceTooLong(limitInBytes: 4)) { try parse("0/abcd,") }
        #expect(throws: PacketError.invalidPayload) {
            try PacketParser.parse(
                SharedBytes("2[\"a\"]").bytes,
                limits: PacketLimits(maxDepth: 0)
            )
        }
    }

    @Test("§15: nesting of 100,000 is refused")
    func deepNesting() {
        let wire = SharedBytes("2[\"a\"," + String(repeating: "[", count: 100_000))
        #expect(throws: PacketError.invalidPayload) { try PacketParser.parse(wire.bytes) }
    }

    @Test("every proper prefix of a packet is parsed or refused, never worse")
    func prefixes() {
        for example in PacketExample.all {
            let wire = SharedBytes(example.wire)
            for count in 0..<wire.count {
                _ = try? PacketParser.parse(wire[0..<count].bytes)
            }
        }
    }
}

@Suite("protocol.md §15, §17: reserved events")
struct ReservedEventsTests {
    @Test(arguments: [
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    ])
    func contains(_ name: String) {
        #expect(ReservedEvents.contains(name))
        #expect(!ReservedEvents.contains(name + "s"))
        #expect(!ReservedEvents.contains(name.uppercased()))
    }
}
