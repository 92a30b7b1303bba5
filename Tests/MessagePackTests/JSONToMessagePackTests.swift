import Bytes
import MessagePack
import Testing

@Suite("JSON to MessagePack")
struct JSONToMessagePackTests {
    @Test(
        "as the encoder of Python's msgpack 1.2.4 has it",
        arguments: [
            (
                "[\"ab\", 1, -1, null, true, false, [], {}, 1.5]",
                "99a2616201ffc0c3c29080cb3ff8000000000000"
            ),
            (
                "{\"a\": {\"b\": [1, {\"c\": \"\\u00e9\\u4e2d\\ud83d\\ude00\"}]}}",
                "81a16181a162920181a163a9c3a9e4b8adf09f9880"
            ),
            ("0.1", "cb3fb999999999999a"), ("-2.25", "cbc002000000000000"),
            ("1e300", "cb7e37e43c8800759c"), ("5e-324", "cb0000000000000001"),
            (
                "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]",
                "dc0010000102030405060708090a0b0c0d0e0f"
            ),
            ("[[[[[]]]]]", "9191919190"),
            (
                "[9007199254740992, 9223372036854775808, 18446744073709551615, "
                    + "-9223372036854775808]",
                "94cf0020000000000000cf8000000000000000cfffffffffffffffffd38000000000000000"
            ),
            (
                "[\"abcdef\",{\"type\":2,\"data\":[\"message\",{\"userId\":\"user-4711\","
                    + "\"room\":\"room-17\",\"message\":\"späte Grüße 👋\"}],\"nsp\":\"/chat\"},"
                    + "{\"rooms\":[\"room-17\"],\"except\":[],"
                    + "\"flags\":{\"volatile\":true,\"timeout\":5000}}]",
                "93a661626364656683a47479706502a46461746192a76d65737361676583a6757365724964a975"
                    + "7365722d34373131a4726f6f6da7726f6f6d2d3137a76d657373616765b37370c3a4746520"
                    + "4772c3bcc39f6520f09f918ba36e7370a52f6368617483a5726f6f6d7391a7726f6f6d2d31"
                    + "37a665786365707490a5666c61677382a8766f6c6174696c65c3a774696d656f7574cd1388"
            ),
        ]
    )
    func agrees(_ json: String, _ expected: String) {
        #expect(messagePack(json).array.hex == expected)
    }

    @Test(
        "numbers are integers where JavaScript sees one, and exact",
        arguments: [
            ("1.0", "01"), ("1e3", "cd03e8"), ("-0", "00"), ("-0.0", "00"), ("0e5", "00"),
            ("-1.50e1", "f1"), ("1200e-2", "0c"), ("1E+2", "64"), ("0.25e2", "19"),
            ("9007199254740993", "cf0020000000000001"),
            ("9007199254740992.0", "cf0020000000000000"),
            ("18446744073709551616", "cb43f0000000000000"),
            ("-9223372036854775809", "cbc3e0000000000000"),
            ("1e20", "cb4415af1d78b58c40"), ("1e22", "cb4480f0cf064dd592"),
            ("1e23", "cb44b52d02c7e14af6"), ("123456789012345678e-20", "cb3f543a272d9e0e51"),
            ("1e400", "cb7ff0000000000000"), ("-1e99999999999999999999", "cbfff0000000000000"),
            ("1e-99999999999999999999", "00"), ("2.2250738585072014e-308", "cb0010000000000000"),
            ("0.1e1", "01"), ("3.14159", "cb400921f9f01b866e"),
        ]
    )
    func numbers(_ json: String, _ expected: String) {
        #expect(messagePack(json).array.hex == expected)
    }

    @Test("any double is what the standard library reads, in any notation")
    func doubles() {
        for text in [
            "0.1", "123.456", "1e-7", "9007199254740991e-22", "4.35", "1.7976931348623157e308",
        ] {
            let expected = hex { $0.appendMessagePack(number: Double(text) ?? .nan) }
            #expect(messagePack(text).array.hex == expected)
            #expect(messagePack("-" + text).array.hex != expected)
        }
    }

    @Test("white space does not matter, and blank text is nil")
    func whiteSpace() {
        #expect(messagePack(" [ 1 ,\n\t{ \"a\" : [ ] } ]\r\n").array.hex == "920181a16190")
        #expect(messagePack("").array.hex == "c0")
        #expect(messagePack(" ").array.hex == "c0")
    }

    @Test("strings are unescaped, and their header counts what they mean")
    func escapes() {
        #expect(messagePack("\"\\n\\\"\\\\\\/\"").array.hex == "a40a225c2f")
        #expect(messagePack("{\"\\u0061\":\"x\\ty\"}").array.hex == "81a161a3780979")
        #expect(
            messagePack("[\"\\ud83d\\udc4b\",\"\\ud800\",1]").array.hex == "93a4f09f918ba3efbfbd01"
        )
        for count in [30, 31, 32, 254, 255, 256, 65_534, 65_535, 65_536] {
            let text = String(repeating: "a", count: count - 1)
            let expected = hex { $0.appendMessagePack(text: text + "\n") }
            #expect(messagePack("\"\(text)\\n\"").array.hex == expected)
            #expect(messagePack("\"\\u000A\(text)\"").count == expected.utf8.count / 2)
        }
    }

    @Test("containers that outgrow their headers in one another")
    func nestedGrowth() throws {
        func list(_ values: [String]) -> String { "[" + values.joined(separator: ",") + "]" }
        let sixteen = (0..<16).map(String.init)
        let inner = list(sixteen)
        let object = "{" + sixteen.map { "\"\($0)\":\(inner)" }.joined(separator: ",") + "}"
        let text = list([object, "[]", list(sixteen + [object, inner]), "\"end\""])
        let written = messagePack(text)
        #expect(try json(written).text == text)
        let parts = [object, "[]", list(sixteen + [object, inner]), "\"end\""]
        #expect(written.array == [0x94] + parts.flatMap { messagePack($0).array })
        let middle = sixteen + [object, inner]
        #expect(
            messagePack(list(middle)).array
                == [0xDC, 0, 18] + middle.flatMap { messagePack($0).array }
        )
    }

    @Test("a list becomes the elements after a name")
    func lists() {
        func array(_ first: String?, _ list: String) -> String {
            let text = SharedBytes(list)
            return hex { $0.appendMessagePackArray(first: first, list: text.bytes) }
        }
        #expect(array("hello", "") == "91a568656c6c6f")
        #expect(array("hello", " 1 , [2] ") == "93a568656c6c6f019102")
        #expect(array(nil, "") == "90")
        #expect(array(nil, "{},[]") == "928090")
        let fifteen = (1...15).map { _ in "0" }.joined(separator: ",")
        #expect(array(nil, fifteen) == "9f" + String(repeating: "00", count: 15))
        #expect(array("a", fifteen) == "dc0010a161" + String(repeating: "00", count: 15))
    }

    @Test("what was written before stays where it is")
    func appends() {
        let values = SharedBytes("[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]")
        let written = hex { buffer in
            buffer.appendMessagePack(arrayHeader: 2)
            buffer.appendMessagePack(json: values.bytes)
            buffer.appendMessagePack(literal: "x")
        }
        #expect(written == "92dc0010000102030405060708090a0b0c0d0e0fa178")
    }

    private static let attachments = [SharedBytes([1, 2, 3]), SharedBytes()]

    @Test(
        "protocol.md §14: placeholders become binary values",
        arguments: [
            ("{\"_placeholder\":true,\"num\":0}", "c403010203"),
            ("[ { \"num\" : 1 , \"_placeholder\" : true } ]", "91c400"),
            ("{\"a\":{\"_placeholder\":true,\"num\":1},\"b\":1}", "82a161c400a16201"),
        ]
    )
    func placeholders(_ json: String, _ expected: String) {
        #expect(messagePack(json, Self.attachments).array.hex == expected)
    }

    @Test(
        "protocol.md §14: what is not exactly a placeholder is an object",
        arguments: [
            "{\"_placeholder\":true,\"num\":2}", "{\"_placeholder\":true,\"num\":-1}",
            "{\"_placeholder\":true,\"num\":1000000000}", "{\"_placeholder\":false,\"num\":0}",
            "{\"_placeholder\":true,\"num\":0,\"x\":1}", "{\"_placeholder\":true}", "{\"num\":0}",
            "{\"num\":0,\"num\":0}", "{\"_placeholder\":true,\"num\":\"0\"}",
            "{\"_placeholder\":true,\"num\":0.5}", "{}",
        ]
    )
    func notPlaceholders(_ json: String) {
        #expect(messagePack(json, Self.attachments) == messagePack(json))
    }

    @Test("without attachments a placeholder is an object")
    func noAttachments() {
        let written = messagePack("{\"_placeholder\":true,\"num\":0}")
        #expect(written.array.hex == "82ac5f706c616365686f6c646572c3a36e756d00")
    }

    @Test("one placeholder repeated cannot make more than 1 MB of nothing")
    func amplification() {
        let attachment = SharedBytes([UInt8](repeating: 0, count: 100_000))
        let placeholder = "{\"_placeholder\":true,\"num\":0}"
        let text = "[" + [String](repeating: placeholder, count: 1000).joined(separator: ",") + "]"
        let count = messagePack(text, [attachment]).count
        #expect(count > 1_000_000 && count < 1_300_000)
    }

    @Test(
        "redis-wire.md §1.3: Node Buffers become placeholders",
        arguments: [
            (
                "[1,{\"type\":\"Buffer\",\"data\":[1,2,255]},\"{\"]",
                "[1,{\"_placeholder\":true,\"num\":0},\"{\"]", [[1, 2, 255]]
            ),
            (
                "{ \"a\" : { \"data\" : [ ] , \"type\" : \"Buffer\" } }, {\"type\":\"Buffer\",\"data\":[0]}",
                "{ \"a\" : {\"_placeholder\":true,\"num\":0} }, {\"_placeholder\":true,\"num\":1}",
                [[], [0]]
            ),
            (
                "{\"type\":\"Buffer\",\"data\":[256]}", "{\"type\":\"Buffer\",\"data\":[256]}", []
            ),
            (
                "{\"type\":\"Buffer\",\"data\":[{\"type\":\"Buffer\",\"data\":[7]}]}",
                "{\"type\":\"Buffer\",\"data\":[{\"_placeholder\":true,\"num\":0}]}", [[7]]
            ),
            (
                "[\"{\\\"type\\\":\\\"Buffer\\\",\\\"data\\\":[1]}\"]",
                "[\"{\\\"type\\\":\\\"Buffer\\\",\\\"data\\\":[1]}\"]", []
            ),
            (
                "{\"type\":\"Buffer\",\"data\":[1],\"x\":0}",
                "{\"type\":\"Buffer\",\"data\":[1],\"x\":0}", []
            ),
            ("{\"type\":\"Buffer\",\"data\":[-1]}", "{\"type\":\"Buffer\",\"data\":[-1]}", []),
            ("{\"type\":\"Buffer\",\"data\":[1.0]}", "{\"type\":\"Buffer\",\"data\":[1.0]}", []),
        ] as [(String, String, [[UInt8]])]
    )
    func nodeBuffers(_ json: String, _ expected: String, _ found: [[UInt8]]) {
        let text = SharedBytes(json)
        var buffer = ByteBuffer()
        var attachments: [SharedBytes] = []
        buffer.append(jsonWithNodeBuffers: text.bytes, attachments: &attachments)
        #expect(buffer.takeShared().text == expected)
        #expect(attachments.map(\.array) == found)
    }

    @Test("Node Buffers beyond the limit stay what they are")
    func manyNodeBuffers() {
        let text = SharedBytes(
            "[{\"type\":\"Buffer\",\"data\":[1]},{\"type\":\"Buffer\",\"data\":[2]}]"
        )
        var buffer = ByteBuffer()
        var attachments: [SharedBytes] = []
        buffer.append(jsonWithNodeBuffers: text.bytes, attachments: &attachments, maxAttachments: 1)
        let expected = "[{\"_placeholder\":true,\"num\":0},{\"type\":\"Buffer\",\"data\":[2]}]"
        #expect(buffer.takeShared().text == expected)
        #expect(attachments == [SharedBytes([1])])
    }
}
