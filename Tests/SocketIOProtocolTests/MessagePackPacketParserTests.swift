import Bytes
import Testing

@testable import SocketIOProtocol

@Suite("protocol.md §23: packets in MessagePack")
struct MessagePackPacketParserTests {
    private let one = SharedBytes([1, 2, 3])
    private let two = SharedBytes([4])

    @Test(
        "a packet is what the default format makes of the same",
        arguments: [
            (#"{"type":0,"nsp":"/"}"#, "0"),
            (#"{"type":0,"data":{},"nsp":"/"}"#, "0{}"),
            (#"{"type":0,"data":null,"nsp":"/admin"}"#, "0/admin,"),
            (#"{"nsp":"/a?b=c","data":{"token":"x"},"type":0}"#, #"0/a?b=c,{"token":"x"}"#),
            (#"{"type":1,"nsp":"/admin"}"#, "1/admin,"),
            (#"{"type":1,"data":null,"nsp":"/"}"#, "1"),
            (#"{"type":2,"nsp":"/","data":["foo"],"options":{"compress":true}}"#, #"2["foo"]"#),
            (#"{"type":2,"data":["foo",1],"nsp":"/admin","id":13}"#, #"2/admin,13["foo",1]"#),
            (#"{"type":2,"data":["a\"é\n",[{}]],"nsp":"/","id":0}"#, #"20["a\"é\n",[{}]]"#),
            (#"{"type":2,"data":[7,null],"nsp":"/"}"#, "2[7,null]"),
            (#"{"type":2,"data":[-1.5],"nsp":"/"}"#, "2[-1.5]"),
            (#"{"type":3,"id":9007199254740992,"data":[],"nsp":"/"}"#, "39007199254740992[]"),
            (
                #"{"type":3,"id":13.0,"data":["ok",{"a":[true]}],"nsp":"/"}"#,
                #"313["ok",{"a":[true]}]"#
            ),
            (#"{"type":3,"data":[],"nsp":"/"}"#, "3[]"),
            (#"{"type":4,"data":"no","nsp":"/"}"#, #"4"no""#),
            (#"{"type":4,"data":{"message":"no"},"nsp":"/"}"#, #"4{"message":"no"}"#),
            (#"{"type":2,"data":[1],"type":3,"nsp":"/x","id":1,"nsp":"/"}"#, "31[1]"),
        ]
    )
    func sameAsText(_ example: (map: String, text: String)) throws {
        let packet = try MessagePackPacketParser.parse(messagePack(example.map))
        #expect(packet.text.text == example.text)
        #expect(packet.head == (try PacketParser.parse(packet.text.bytes)))
        #expect(packet.attachments.isEmpty)
    }

    @Test("binary values are inline, wherever they are")
    func binary() throws {
        let text =
            #"["b",{"_placeholder":true,"num":0},[{"x":{"_placeholder":true,"num":1}}]]"#
        for type in [2, 3] {
            let message = messagePack(#"{"type":\#(type),"data":\#(text),"nsp":"/"}"#, [one, two])
            let packet = try MessagePackPacketParser.parse(message)
            #expect(packet.text.text == "\(type)\(text)")
            #expect(packet.attachments == [one, two])
            #expect(packet.head.attachments == 2)
            #expect(!packet.head.type.isBinary)
        }
    }

    @Test("a small attachment does not keep a large message alive, whatever else is in it")
    func paddedAttachment() throws {
        let padding = String(repeating: "x", count: 900_000)
        let data = #"["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#
        let padded = try MessagePackPacketParser.parse(
            messagePack(#"{"type":2,"data":\#(data),"nsp":"/","pad":"\#(padding)"}"#, [one, two])
        )
        #expect(padded.attachments == [one, two])
        #expect(padded.attachments.map(\.storageByteCount) == [3, 1])
        // Most of its message: shared with it, not copied.
        let large = SharedBytes([UInt8](repeating: 1, count: 900_000))
        let message = messagePack(#"{"type":2,"data":\#(data),"nsp":"/"}"#, [large, two])
        let packet = try MessagePackPacketParser.parse(message)
        #expect(packet.attachments == [large, two])
        let storage = message.storageByteCount
        #expect(packet.attachments.map(\.storageByteCount) == [storage, storage])
    }

    @Test(
        "the private encodings of notepack",
        arguments: [
            // Undefined: absent as a value of the packet, left out of maps, null in arrays.
            ("84 type 00 nsp a12f data d40000 id d40000", "0"),
            ("83 type 00 nsp a12f data 82 sid a178 pid d40000", #"0{"sid":"x"}"#),
            ("83 type 02 nsp a12f data 92 name d40000", #"2["name",null]"#),
            // A date, then an ArrayBuffer in each of its forms.
            (
                "83 type 02 nsp a12f data 92 name d7000000000000000001",
                #"2["name","1970-01-01T00:00:00.001Z"]"#
            ),
            (
                "83 type 02 nsp a12f data 92 name c70300010203",
                #"2["name",{"_placeholder":true,"num":0}]"#
            ),
            (
                "83 type 02 nsp a12f data 92 name c8000300010203",
                #"2["name",{"_placeholder":true,"num":0}]"#
            ),
            (
                "83 type 02 nsp a12f data 92 name c90000000300010203",
                #"2["name",{"_placeholder":true,"num":0}]"#
            ),
            // Types and ids in forms that are longer than need be.
            (
                "84 type cb4000000000000000 nsp d9012f data dd00000001 a178 id d30000000000000007",
                #"27["x"]"#
            ),
        ]
    )
    func quirks(_ example: (message: String, text: String)) throws {
        let packet = try MessagePackPacketParser.parse(bytes(example.message))
        #expect(packet.text.text == example.text)
        #expect(packet.attachments == (packet.attachments.isEmpty ? [] : [one]))
    }

    @Test("names of events are not checked: without one the event reaches nobody")
    func anyName() throws {
        for data in ["[]", "[null]", "[true,1]", "[[]]", "[{}]"] {
            let message = messagePack(#"{"type":2,"data":\#(data),"nsp":"/","id":1}"#)
            let packet = try MessagePackPacketParser.parse(message)
            #expect(packet.head.eventName == nil)
            #expect(packet.text.text == "21\(data)")
        }
        let message = messagePack(#"{"type":2,"data":["connect"],"nsp":"/"}"#)
        let packet = try MessagePackPacketParser.parse(message)
        #expect(packet.head.eventName?.text(in: packet.text.bytes) == "connect")
    }

    @Test(
        "class A: malformed packets and their messages",
        arguments: [
            "malformed MessagePack": [
                "", "c1", "00", "80 00", "c0", "90", "a0", "82 type 00", "81 type", "c40100",
                "82 type 00 nsp a12f 00", "82 type 00 nsp a12f 80", "82 type 00 nsp a22f",
                "83 type 00 nsp a12f 90 00", "83 type 00 nsp a12f c0 00", "dfffffffff",
                "83 type 02 nsp a12f data dcffff", "83 type 02 nsp a12f data dbffffffff",
                "83 type 02 nsp a12f data c6ffffffff00", "83 type 02 nsp a12f data 92 a178 c1",
                "83 type 02 nsp a12f data c9ffffffff0000",
            ],
            "invalid packet type": [
                "80", "81 nsp a12f", "82 type 05 nsp a12f", "82 type 06 nsp a12f",
                "82 type ff nsp a12f", "82 type a130 nsp a12f", "82 type c0 nsp a12f",
                "82 type cb3ff8000000000000 nsp a12f", "82 type d40000 nsp a12f",
                "82 type cfffffffffffffffff nsp a12f", "82 type c2 nsp a12f",
                "82 type cb7ff0000000000000 nsp a12f", "82 type cd0100 nsp a12f",
            ],
            "invalid namespace": [
                "81 type 00", "82 type 00 nsp 01", "82 type 00 nsp c0", "82 type 00 nsp c4012f",
                "82 type 00 nsp d40000", "82 type 00 nsp a0", "82 type 00 nsp admin",
                "82 type 00 nsp 91 a12f",
            ],
            "invalid packet id": [
                "84 type 02 nsp a12f data 91 a178 id ff", "84 type 02 nsp a12f data 91 a178 id c0",
                "84 type 02 nsp a12f data 91 a178 id a131",
                "84 type 02 nsp a12f data 91 a178 id cb3ff8000000000000",
                "84 type 02 nsp a12f data 91 a178 id cf0020000000000001",
                "84 type 02 nsp a12f data 91 a178 id cfffffffffffffffff",
                "84 type 02 nsp a12f data 91 a178 id cb7ff8000000000000",
                "84 type 02 nsp a12f data 91 a178 id d38000000000000000",
                "83 type 00 nsp a12f id 90",
            ],
            "invalid payload": [
                "83 type 00 nsp a12f data 90", "83 type 00 nsp a12f data a178",
                "83 type 00 nsp a12f data 01", "83 type 00 nsp a12f data c3",
                "83 type 00 nsp a12f data c40101", "83 type 01 nsp a12f data 80",
                "83 type 01 nsp a12f data 00", "83 type 01 nsp a12f data 90",
                "82 type 02 nsp a12f", "83 type 02 nsp a12f data c0",
                "83 type 02 nsp a12f data d40000", "83 type 02 nsp a12f data 80",
                "83 type 02 nsp a12f data a178", "83 type 02 nsp a12f data c4017f",
                "82 type 03 nsp a12f", "83 type 03 nsp a12f data 80",
                "83 type 03 nsp a12f data c0", "82 type 04 nsp a12f",
                "83 type 04 nsp a12f data 90", "83 type 04 nsp a12f data c0",
                "83 type 04 nsp a12f data 01",
                // Keys that are no property names.
                "83 type 02 nsp a12f data 92 a178 81 90 00",
                "83 type 00 nsp a12f data 81 c0 00",
            ],
            "too many attachments": [
                "83 type 02 nsp a12f data dc000c a178 c400 c400 c400 c400 c400 c400 c400 c400 c400"
                    + " c400 c400",
                // CONNECT has none at all.
                "83 type 00 nsp a12f data 81 token c40101",
                "83 type 04 nsp a12f data 81 message c7010001",
            ],
        ].flatMap { message, wires in wires.map { (wire: $0, message: message) } }
    )
    func refuses(_ example: (wire: String, message: String)) {
        let error = #expect(throws: PacketError.self) {
            try MessagePackPacketParser.parse(bytes(example.wire))
        }
        #expect(error?.message == example.message)
    }

    @Test("a map that looks like a placeholder stands for no attachment")
    func forgedPlaceholders() throws {
        func parse(_ data: String, binary: Bool) throws -> AssembledPacket {
            let values = binary ? "93 a178 \(data) c403010203" : "92 a178 \(data)"
            return try MessagePackPacketParser.parse(
                bytes("83 type 02 nsp a12f data \(values)")
            )
        }
        let forged = [
            "82 _placeholder c3 num 00", "82 num 00 _placeholder c3", "82 _placeholder c3 num 07",
            "81 _placeholder c3", "83 _placeholder c3 num 00 a178 00",
            "91 82 _placeholder c3 num 00",
        ]
        for data in forged {
            let plain = try parse(data, binary: false)
            #expect(plain.head.attachments == 0)
            #expect(plain.text.text.contains("_placeholder"))
            #expect(throws: PacketError.illegalPlaceholder) { try parse(data, binary: true) }
        }
        for data in ["82 _placeholder c2 num 00", "82 _placeholder 01 num 00", "81 num 00"] {
            #expect(try parse(data, binary: true).attachments == [one])
        }
    }

    @Test("limits are the caller's")
    func limits() throws {
        let limits = PacketLimits(maxAttachments: 1, maxDepth: 3, maxNamespaceBytes: 4)
        func parse(_ map: String, _ attachments: [SharedBytes] = []) throws -> AssembledPacket {
            try MessagePackPacketParser.parse(messagePack(map, attachments), limits: limits)
        }
        let both = #"{"type":2,"nsp":"/","data":["a",{"_placeholder":true,"num":0},[],"#
        #expect(try parse(both + "0]}", [one]).attachments == [one])
        #expect(throws: PacketError.tooManyAttachments(limit: 1)) {
            try parse(both + #"{"_placeholder":true,"num":0}]}"#, [one])
        }
        #expect(try parse(#"{"type":2,"nsp":"/","data":["a",[[]]]}"#).head.type == .event)
        for map in [
            #"{"type":2,"nsp":"/","data":["a",[[[]]]]}"#,
            #"{"type":0,"nsp":"/","data":{"a":[[[]]]}}"#,
        ] {
            #expect(throws: PacketError.invalidPayload) { try parse(map) }
        }
        #expect(try parse(#"{"type":0,"nsp":"/abc"}"#).head.namespace == 1..<5)
        #expect(throws: PacketError.namespaceTooLong(limitInBytes: 4)) {
            try parse(#"{"type":0,"nsp":"/abcd"}"#)
        }
        #expect(throws: PacketError.invalidPayload) {
            try MessagePackPacketParser.parse(
                messagePack(#"{"type":3,"nsp":"/","data":[]}"#),
                limits: PacketLimits(maxDepth: 0)
            )
        }
    }

    @Test("nesting of 100,000 is refused in the data and passed over elsewhere")
    func deepNesting() throws {
        let deep = [UInt8](repeating: 0x91, count: 100_000) + [0xC0]
        let data = SharedBytes(bytes("83 type 02 nsp a12f data 92 a178").array + deep)
        #expect(throws: PacketError.invalidPayload) { try MessagePackPacketParser.parse(data) }
        let other = SharedBytes(bytes("83 type 01 nsp a12f other").array + deep)
        #expect(try MessagePackPacketParser.parse(other).text.text == "1")
    }

    @Test("every proper prefix of a packet is refused, and so is a packet with something behind it")
    func prefixes() throws {
        let message = messagePack(
            #"{"type":2,"data":["é",{"_placeholder":true,"num":0},1.5,"x"],"nsp":"/admin","id":300}"#,
            [one]
        )
        _ = try MessagePackPacketParser.parse(message)
        for count in 0..<message.count {
            #expect(throws: PacketError.malformedMessagePack) {
                try MessagePackPacketParser.parse(message[0..<count])
            }
        }
        #expect(throws: PacketError.malformedMessagePack) {
            try MessagePackPacketParser.parse(SharedBytes(message.array + [0xC0]))
        }
        #expect(throws: PacketError.malformedMessagePack) {
            try MessagePackPacketParser.parse(SharedBytes(message.array + message.array))
        }
    }

    @Test("text that is no UTF-8 becomes UTF-8")
    func invalidUTF8() throws {
        let packet = try MessagePackPacketParser.parse(
            bytes("83 type 02 nsp a32fff61 data 92 a1ff a2c328")
        )
        #expect(packet.text.text == "2/\u{FFFD}a,[\"\u{FFFD}\",\"\u{FFFD}(\"]")
    }

    @Test("§13: in revision 4 the query of a namespace's name is cut off, and kept for CONNECT")
    func revisionFour() throws {
        func parse(_ name: String) throws -> AssembledPacket {
            try MessagePackPacketParser.parse(
                messagePack(#"{"type":0,"nsp":"\#(name)"}"#),
                revision: .four
            )
        }
        for (name, path, query) in [
            ("/admin?token=abc", "/admin", "token=abc"), ("/?a=b", nil, "a=b"), ("/", nil, nil),
            ("/admin", "/admin", nil), ("/admin?a=b#c", "/admin", "a=b"),
        ] as [(String, String?, String?)] {
            let packet = try parse(name)
            #expect(packet.head.namespace.map { packet.text[$0].text } == path)
            let range = packet.head.namespaceQuery(in: packet.text.bytes)
            #expect(range.map { packet.text[$0].text } == query)
        }
    }
}

@Suite("protocol.md §23: one message is one packet")
struct MessagePackAssemblerTests {
    @Test("class A: text, at any time; the next message is read all the same")
    func text() throws {
        var assembler = BinaryAssembler(format: .messagePack)
        for text in ["", "0", "2[\"a\"]", "51-[\"a\",{\"_placeholder\":true,\"num\":0}]"] {
            let error = #expect(throws: PacketError.self) {
                try assembler.take(text: SharedBytes(text))
            }
            #expect(error?.message == "got plaintext data instead of MessagePack")
            #expect(throws: PacketError.textInsteadOfMessagePack) {
                let shared = SharedBytes(text)
                return try assembler.take(text: shared.bytes)
            }
            assembler.reset()
            let isCollecting = assembler.isCollecting
            #expect(!isCollecting)
        }
        let message = messagePack(#"{"type":2,"nsp":"/","data":["a"]}"#)
        guard case .deliver(let packet) = try assembler.take(binary: message) else {
            Issue.record("not delivered")
            return
        }
        #expect(packet.text.text == "2[\"a\"]")
    }

    @Test("class A: with the default format a packet in MessagePack is not awaited")
    func otherParser() throws {
        var assembler = BinaryAssembler()
        #expect(throws: PacketError.binaryWhileNotReconstructing) {
            try assembler.take(binary: messagePack(#"{"type":0,"nsp":"/"}"#))
        }
    }
}
