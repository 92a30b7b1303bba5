import Bytes
import MessagePack
import Testing

@Suite("Written MessagePack")
struct WriterTests {
    @Test(
        "integers take the smallest form",
        arguments: [
            (0, "00"), (1, "01"), (127, "7f"), (128, "cc80"), (255, "ccff"), (256, "cd0100"),
            (65_535, "cdffff"), (65_536, "ce00010000"), (4_294_967_295, "ceffffffff"),
            (4_294_967_296, "cf0000000100000000"), (Int64.max, "cf7fffffffffffffff"),
            (-1, "ff"), (-32, "e0"), (-33, "d0df"), (-128, "d080"), (-129, "d1ff7f"),
            (-32_768, "d18000"), (-32_769, "d2ffff7fff"), (-2_147_483_648, "d280000000"),
            (-2_147_483_649, "d3ffffffff7fffffff"), (Int64.min, "d38000000000000000"),
        ] as [(Int64, String)]
    )
    func integers(_ number: Int64, _ expected: String) throws {
        #expect(hex { $0.appendMessagePack(integer: number) } == expected)
        #expect(messagePack("\(number)").array.hex == expected)
        #expect(try json(SharedBytes(bytes(expected))).text == "\(number)")
        var reader = MessagePackReader(SharedBytes(bytes(expected)))
        #expect(try reader.readInteger() == Int(number))
    }

    @Test("an integer of any type is written as its value")
    func integerTypes() {
        #expect(hex { $0.appendMessagePack(integer: UInt64.max) } == "cfffffffffffffffff")
        #expect(hex { $0.appendMessagePack(integer: UInt8(200)) } == "ccc8")
        #expect(hex { $0.appendMessagePack(integer: Int8(-128)) } == "d080")
    }

    @Test("nil, booleans and doubles")
    func scalars() {
        #expect(hex { $0.appendMessagePackNil() } == "c0")
        #expect(hex { $0.appendMessagePack(boolean: false) } == "c2")
        #expect(hex { $0.appendMessagePack(boolean: true) } == "c3")
        #expect(hex { $0.appendMessagePack(number: 1.5) } == "cb3ff8000000000000")
        #expect(hex { $0.appendMessagePack(number: 5000) } == "cd1388")
        #expect(hex { $0.appendMessagePack(number: -0.0) } == "00")
        #expect(hex { $0.appendMessagePack(number: 0x1p53) } == "cf0020000000000000")
        #expect(hex { $0.appendMessagePack(number: 0x1p54) } == "cb4350000000000000")
        #expect(hex { $0.appendMessagePack(number: -.infinity) } == "cbfff0000000000000")
    }

    @Test(
        "strings, binary values, arrays and maps take the shortest header",
        arguments: [
            (0, "a0", "c400", "90", "80"), (1, "a1", "c401", "91", "81"),
            (15, "af", "c40f", "9f", "8f"), (16, "b0", "c410", "dc0010", "de0010"),
            (31, "bf", "c41f", "dc001f", "de001f"), (32, "d920", "c420", "dc0020", "de0020"),
            (255, "d9ff", "c4ff", "dc00ff", "de00ff"),
            (256, "da0100", "c50100", "dc0100", "de0100"),
            (65_535, "daffff", "c5ffff", "dcffff", "deffff"),
            (65_536, "db00010000", "c600010000", "dd00010000", "df00010000"),
        ]
    )
    func headers(_ count: Int, string: String, binary: String, array: String, map: String) throws {
        let content = SharedBytes([UInt8](repeating: 0x61, count: count))
        let tail = String(repeating: "61", count: count)
        #expect(hex { $0.appendMessagePack(string: content.bytes) } == string + tail)
        #expect(hex { $0.appendMessagePack(text: content.text) } == string + tail)
        #expect(hex { $0.appendMessagePack(binary: content.bytes) } == binary + tail)
        #expect(hex { $0.appendMessagePack(arrayHeader: count) } == array)
        #expect(hex { $0.appendMessagePack(mapHeader: count) } == map)

        let plain = "\"\(content.text)\""
        #expect(messagePack(plain).array.hex == string + tail)
        let elements = "[\([String](repeating: "1", count: count).joined(separator: ","))]"
        let members = (0..<count).map { _ in "\"a\":1" }.joined(separator: ",")
        let list = messagePack(elements)
        let map16 = messagePack("{\(members)}")
        #expect(list.array.hex == array + String(repeating: "01", count: count))
        #expect(map16.array.hex == map + String(repeating: "a16101", count: count))

        #expect(try json(SharedBytes(bytes(string + tail))).text == plain)
        #expect(try json(SharedBytes(bytes(binary + tail))).attachments == [content])
        #expect(try json(list).text == elements)
        #expect(try json(map16).text == "{\(members)}")
    }

    @Test("redis-wire.md §1.2: a broadcast of a node")
    func broadcast() {
        let expected = """
            93 a6 616263646566 83 a4 74797065 02 a4 64617461 92 a5 68656c6c6f 01 a3 6e7370 a1 2f
            83 a5 726f6f6d73 91 a2 7231 a6 657863657074 90 a5 666c616773 80
            """
        let written = hex { buffer in
            buffer.appendMessagePack(arrayHeader: 3)
            buffer.appendMessagePack(text: "abcdef")
            buffer.appendMessagePack(mapHeader: 3)
            buffer.appendMessagePack(literal: "type")
            buffer.appendMessagePack(integer: 2)
            buffer.appendMessagePack(literal: "data")
            let arguments = SharedBytes("1")
            buffer.appendMessagePackArray(first: "hello", list: arguments.bytes)
            buffer.appendMessagePack(literal: "nsp")
            buffer.appendMessagePack(literal: "/")
            buffer.appendMessagePack(mapHeader: 3)
            buffer.appendMessagePack(literal: "rooms")
            buffer.appendMessagePack(arrayHeader: 1)
            buffer.appendMessagePack(text: "r1")
            buffer.appendMessagePack(literal: "except")
            buffer.appendMessagePack(arrayHeader: 0)
            buffer.appendMessagePack(literal: "flags")
            buffer.appendMessagePack(mapHeader: 0)
        }
        #expect(written == bytes(expected).hex)
    }

    @Test("redis-wire.md §1.3: a broadcast with acknowledgement, and an answer to it")
    func requests() {
        let request = messagePack(
            """
            {"uid":"abcdef","requestId":"123456","type":7,
            "packet":{"type":2,"data":["hello"],"nsp":"/"},
            "opts":{"rooms":[],"except":[],"flags":{"timeout":1000}}}
            """
        )
        let expected = """
            85 a3 756964 a6 616263646566 a9 726571756573744964 a6 313233343536 a4 74797065 07
            a6 7061636b6574 83 a4 74797065 02 a4 64617461 91 a5 68656c6c6f a3 6e7370 a1 2f
            a4 6f707473 83 a5 726f6f6d73 90 a6 657863657074 90
            a5 666c616773 81 a7 74696d656f7574 cd 03e8
            """
        #expect(request.array.hex == bytes(expected).hex)
        let answer = messagePack("{\"type\":9,\"requestId\":\"123456\",\"packet\":\"ok\"}")
        let bytesOfAnswer = bytes(
            "83 a4 74797065 09 a9 726571756573744964 a6 313233343536 a6 7061636b6574 a2 6f6b"
        )
        #expect(answer.array == bytesOfAnswer)
    }

    @Test("redis-wire.md §5: a broadcast of the emitter")
    func emitter() throws {
        let expected = """
            93 a7 656d6974746572 83 a4 74797065 02 a4 64617461 91 a5 68656c6c6f a3 6e7370 a1 2f
            83 a5 726f6f6d73 90 a5 666c616773 80 a6 657863657074 90
            """
        let text =
            "[\"emitter\",{\"type\":2,\"data\":[\"hello\"],\"nsp\":\"/\"},"
            + "{\"rooms\":[],\"flags\":{},\"except\":[]}]"
        #expect(messagePack(text).array.hex == bytes(expected).hex)
        #expect(try json(SharedBytes(bytes(expected))).text == text)
    }
}
