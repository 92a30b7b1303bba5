import Bytes
import SocketIOProtocol
import Support
import Testing

@Suite("protocol.md §14–15: attachments")
struct BinaryAssemblerTests {
    private func text(
        _ assembler: inout BinaryAssembler,
        _ text: String
    ) throws(PacketError) -> BinaryAssembler.TextAction {
        try assembler.take(text: SharedBytes(text))
    }

    private let one = SharedBytes([1, 2, 3])

    @Test("§14: a packet is delivered with its last attachment")
    func assembles() throws {
        var assembler = BinaryAssembler()
        let wire =
            "52-/admin,7[\"b\",{\"_placeholder\":true,\"num\":0},"
            + "[{\"x\":{\"_placeholder\":true,\"num\":1}}]]"
        #expect(try text(&assembler, wire) == .wait)
        #expect(try assembler.take(binary: one) == .wait)
        let isCollecting = assembler.isCollecting
        #expect(isCollecting)
        let two = SharedBytes([4])
        guard case .deliver(let packet) = try assembler.take(binary: two) else {
            Issue.record("not delivered")
            return
        }
        #expect(packet.attachments == [one, two])
        #expect(packet.text.text == wire)
        #expect(packet.head.id == 7)
        let isStillCollecting = assembler.isCollecting
        #expect(!isStillCollecting)
        guard case .deliver(let head) = try text(&assembler, "2[\"a\"]") else {
            Issue.record("not delivered")
            return
        }
        #expect(head.type == .event)
    }

    @Test("§15: types 5 and 6 without attachments do not wait, nor spoil the next packet")
    func noAttachments() throws {
        var assembler = BinaryAssembler()
        for wire in ["50-[\"x\"]", "5-[\"x\"]", "60-1[]", "2[\"x\"]"] {
            guard case .deliver(let head) = try text(&assembler, wire) else {
                Issue.record("waits after \(wire)")
                continue
            }
            #expect(!head.type.isBinary)
        }
    }

    @Test("§15 A: text while attachments are awaited, binary while none is")
    func outOfTurn() throws {
        var assembler = BinaryAssembler()
        let early = #expect(throws: PacketError.self) { try assembler.take(binary: one) }
        #expect(early?.message == "got binary data when not reconstructing a packet")
        _ = try text(&assembler, "51-[\"a\"]")
        let error = #expect(throws: PacketError.self) { try text(&assembler, "2[\"a\"]") }
        #expect(error?.message == "got plaintext data when reconstructing a packet")
        #expect(throws: PacketError.binaryWhileNotReconstructing) {
            try assembler.take(binary: one)
        }
        _ = try text(&assembler, "51-[\"a\"]")
        assembler.reset()
        #expect(throws: PacketError.binaryWhileNotReconstructing) {
            try assembler.take(binary: one)
        }
    }

    @Test(
        "§15 A: placeholders must name an attachment",
        arguments: [
            ("{\"_placeholder\":true,\"num\":0}", true),
            ("{\"num\":0,\"_placeholder\":true}", true),
            (" { \"x\" : [1] , \"num\" : 0 , \"_placeholder\" : true } ", true),
            ("{\"_placeholder\":true,\"num\":1}", false),
            ("{\"_placeholder\":true,\"num\":-1}", false),
            ("{\"_placeholder\":true,\"num\":\"0\"}", false),
            ("{\"_placeholder\":true,\"num\":0.5}", false),
            ("{\"_placeholder\":true,\"num\":99999999999999999999}", false),
            ("{\"_placeholder\":true,\"num\":null}", false),
            ("{\"_placeholder\":true,\"num\":[0]}", false),
            ("{\"_placeholder\":true,\"num\":{\"num\":0}}", false),
            ("{\"_placeholder\":true}", false),
            ("[[{\"a\":{\"_placeholder\":true}}]]", false),
            ("{\"num\":9,\"a\":[{\"_placeholder\":true,\"num\":0},{\"num\":7}]}", true),
            ("{\"_placeholder\":false,\"num\":9}", true),
            ("{\"_placeholder\":\"true\",\"num\":9}", true),
            ("{\"_placeholder\":1,\"num\":9}", true),
            ("{\"_placeholder\":true,\"num\":9,\"_placeholder\":false}", true),
            ("{\"_placeholder\":true,\"num\":0,\"num\":9}", false),
            ("{\"_placeholder\":true,\"num\":9,\"num\":0}", true),
            ("{\"\\u005fplaceholder\":true,\"num\":9}", false),
            ("{\"_placeholder\":true,\"nu\\u006d\":0}", true),
            ("\"{\\\"_placeholder\\\":true}\"", true),
            ("[\"_placeholder\",true]", true),
        ]
    )
    func placeholders(_ example: (json: String, isLegal: Bool)) throws {
        var assembler = BinaryAssembler()
        _ = try text(&assembler, "51-[\"a\",\(example.json)]")
        if example.isLegal {
            guard case .deliver = try assembler.take(binary: one) else {
                Issue.record("not delivered")
                return
            }
        } else {
            let error = #expect(throws: PacketError.self) { try assembler.take(binary: one) }
            #expect(error?.message == "illegal attachments")
        }
    }

    @Test("the bytes of all attachments together are limited")
    func attachmentBytes() throws {
        var assembler = BinaryAssembler(limits: PacketLimits(maxAttachmentBytes: 5))
        _ = try text(&assembler, "52-[\"a\"]")
        #expect(try assembler.take(binary: one) == .wait)
        #expect(throws: PacketError.attachmentsTooLarge(limitInBytes: 5)) {
            try assembler.take(binary: one)
        }
    }

    @Test("a placeholder's index is read from a slice")
    func index() throws {
        let placeholder = try JSONSlice(
            validating: SharedBytes("{\"_placeholder\":true,\"num\":3}")
        )
        #expect(Placeholders.index(in: placeholder) == 3)
        #expect(Placeholders.index(in: JSONSlice(validated: SharedBytes("{\"num\":3}"))) == nil)
    }

    @Test("mutated packets neither trap nor contradict themselves")
    func fuzz() {
        let seeds =
            PacketExample.all.map(\.wire) + [
                "0\u{0}51-[\"a\",{\"_placeholder\":true,\"num\":0}]\u{0}xyz\u{1}2[\"b\"]\u{0}1\u{0}2[1]",
                "0/a,{}\u{0}0/b\u{0}2/a,1[\"x\"]\u{0}1/a,\u{0}2/a,[\"late\"]\u{0}0/a,\u{0}0/c\u{0}0/d",
            ]
        let alphabet = Array("[]{}\",:\\u0123456789-+.e/ \u{0}\u{1}é_placeholdernum".utf8)
        var random = SplitMix64(seed: 2)
        for round in 0..<8000 {
            let input = random.mutated(
                Array(seeds[round % seeds.count].utf8),
                alphabet: alphabet
            )
            #expect(SocketIOFuzz.run(input), "\(input)")
        }
    }
}
