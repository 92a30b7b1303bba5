import Bytes
import MessagePack
import Testing

@Suite("MessagePack to JSON")
struct MessagePackToJSONTests {
    @Test(
        "numbers are written as JavaScript sees them",
        arguments: [
            ("ca3fc00000", "1.5"), ("ca3dcccccd", "0.10000000149011612"),
            ("cb3ff0000000000000", "1"),
            ("cb8000000000000000", "0"), ("cbbff8000000000000", "-1.5"),
            ("cb4340000000000000", "9007199254740992"), ("cbc33fffffffffffff", "-9007199254740991"),
            ("cb4415af1d78b58c40", "1e+20"), ("cb0000000000000001", "5e-324"),
            ("cb3fb999999999999a", "0.1"), ("cb7ff0000000000000", "null"),
            ("cbfff0000000000000", "null"), ("cb7ff8000000000000", "null"), ("ca7fc00000", "null"),
            ("cfffffffffffffffff", "18446744073709551615"), ("d005", "5"),
            ("d3ffffffffffffffff", "-1"),
            ("d1ff80", "-128"), ("d2ffffffe0", "-32"), ("cc05", "5"), ("cf0000000000000005", "5"),
        ]
    )
    func numbers(_ hex: String, _ expected: String) throws {
        #expect(try json(SharedBytes(bytes(hex))).text == expected)
    }

    @Test(
        "redis-wire.md §1.2: dates of either codec are those of Date.toJSON",
        arguments: [
            ("d6ff2ebc98a1", "1994-11-06T08:49:37.000Z"),
            ("d7ff60cc46006b014e88", "2026-11-21T07:55:52.406Z"),
            ("c70cff3b8b87c0ffffffff87ebd07f", "1906-02-28T23:59:59.999Z"),
            ("c70cff0000000000000004a0fe7280", "2600-01-01T00:00:00.000Z"),
            ("d6ff00000000", "1970-01-01T00:00:00.000Z"),
            ("d70000000000000003e8", "1970-01-01T00:00:01.000Z"),
            ("d700ffffffffffffffff", "1969-12-31T23:59:59.999Z"),
            ("d700001eb208c2dc0000", "+275760-09-13T00:00:00.000Z"),
            ("d700ffe14df73d240000", "-271821-04-20T00:00:00.000Z"),
            ("d7000000e677d21fdbff", "9999-12-31T23:59:59.999Z"),
            ("d7000000e677d21fdc00", "+010000-01-01T00:00:00.000Z"),
            ("d700000000dd9d5a0c95", "2000-02-29T12:34:56.789Z"),
            ("d700fffffdfeddd91000", "1900-03-01T00:00:00.000Z"),
            ("d6ff65e05d80", "2024-02-29T10:33:36.000Z"),
            ("d700ffffc77590fba000", "0000-01-01T00:00:00.000Z"),
            ("d700ffffc77590fb9fff", "-000001-12-31T23:59:59.999Z"),
        ]
    )
    func dates(_ hex: String, _ expected: String) throws {
        #expect(try json(SharedBytes(bytes(hex))).text == "\"\(expected)\"")
        let reader = MessagePackReader(SharedBytes(bytes(hex)))
        #expect(try reader.peekKind() == .date)
    }

    @Test(
        "a date out of JavaScript's range is null",
        arguments: [
            "d700001eb208c2dc0001", "d700ffe14df73d23ffff", "d7007fffffffffffffff",
            "d7008000000000000000", "c70cff000000007fffffffffffffff",
            "c70cff000000008000000000000000",
        ]
    )
    func impossibleDates(_ hex: String) throws {
        #expect(try json(SharedBytes(bytes(hex))).text == "null")
    }

    @Test("redis-wire.md §1.2: the undefined of notepack 2 is null in arrays, nothing in maps")
    func undefined() throws {
        #expect(try json(SharedBytes(bytes("93 01 d40000 02"))).text == "[1,null,2]")
        #expect(try json(SharedBytes(bytes("82 a161 d40000 a162 01"))).text == "{\"b\":1}")
        #expect(try json(SharedBytes(bytes("82 a162 01 a161 d40000"))).text == "{\"b\":1}")
        #expect(try json(SharedBytes(bytes("81 a161 d40000"))).text == "{}")
        #expect(
            try json(SharedBytes(bytes("83 a161 01 a162 d40000 a163 c0"))).text
                == "{\"a\":1,\"c\":null}"
        )
        #expect(try json(SharedBytes(bytes("d40000"))).text == "null")
    }

    @Test(
        "redis-wire.md §1.2: bin, and the ArrayBuffer of notepack 2, become attachments",
        arguments: [
            ("c403010203", [1, 2, 3]), ("c400", []), ("c7020009ff", [9, 255]), ("c70000", []),
            ("c8000200aabb", [0xAA, 0xBB]), ("c9000000010011", [0x11]), ("c7010000", [0]),
            ("c708000000000000000000", [0, 0, 0, 0, 0, 0, 0, 0]), ("d5000102", [1, 2]),
            ("d60001020304", [1, 2, 3, 4]),
        ] as [(String, [UInt8])]
    )
    func binary(_ hex: String, _ expected: [UInt8]) throws {
        let found = try json(SharedBytes([0x92, 0x01] + bytes(hex)))
        #expect(found.text == "[1,{\"_placeholder\":true,\"num\":0}]")
        #expect(found.attachments.map(\.array) == [expected])
        var reader = MessagePackReader(SharedBytes(bytes(hex)))
        #expect(try reader.peekKind() == .binary)
        #expect(try reader.readBinary().array == expected)
    }

    @Test("placeholders are numbered from the attachments that are there")
    func numbering() throws {
        var reader = MessagePackReader(SharedBytes(bytes("92 c40101 81a161c40102")))
        var json = ByteBuffer()
        var attachments = [SharedBytes("x")]
        try reader.readJSON(to: &json, attachments: &attachments)
        let expected =
            "[{\"_placeholder\":true,\"num\":1},{\"a\":{\"_placeholder\":true,\"num\":2}}]"
        #expect(json.takeShared().text == expected)
        #expect(attachments.map(\.array) == [[0x78], [1], [2]])
    }

    @Test(
        "extensions of other types are null",
        arguments: [
            "d40100", "d57f0102", "d6fe01020304", "d80100000000000000000000000000000000", "c700ff",
            "c7050101020304 05", "c70180 00", "d4ff00",
        ]
    )
    func unknownExtensions(_ hex: String) throws {
        #expect(try json(SharedBytes(bytes("92" + hex + "01"))).text == "[null,1]")
    }

    @Test("keys that are integers become their text, others are refused")
    func keys() throws {
        #expect(
            try json(SharedBytes(bytes("84 01c0 ffc0 cd0100c0 a0c0"))).text
                == "{\"1\":null,\"-1\":null,\"256\":null,\"\":null}"
        )
        for (hex, kind) in [
            ("81c001", .null), ("81c301", .boolean), ("81c40001", .binary), ("819001", .array),
            ("818001", .map), ("81ca3fc0000001", .double), ("81d4000001", .null),
            ("81d6ff0000000001", .date), ("81d4010001", .unknown),
        ] as [(String, MessagePackKind)] {
            #expect(throws: MessagePackError.unsupportedKey(kind, at: 1)) {
                try json(SharedBytes(bytes(hex)))
            }
        }
    }

    @Test(
        "strings are escaped, and what is not UTF-8 in them is replaced",
        arguments: [
            ("a3610a22", "a\\n\\\""), ("a3efbfbf", "\u{FFFF}"), ("a3eda0bd", "\u{FFFD}"),
            ("a6eda0bdedb18b", "\u{FFFD}\u{FFFD}"), ("a561eda0bd62", "a\u{FFFD}b"),
            ("a1ff", "\u{FFFD}"),
            ("a261c3", "a\u{FFFD}"), ("a2eda0", "\u{FFFD}\u{FFFD}"), ("a4ed9fbf0a", "\u{D7FF}\\n"),
            ("a5eda0bdff22", "\u{FFFD}\u{FFFD}\\\""), ("a2c080", "\u{FFFD}\u{FFFD}"),
            ("a4f09f918b", "👋"), ("a100", "\\u0000"),
        ]
    )
    func strings(_ hex: String, _ expected: String) throws {
        let quoted = "\"\(expected)\""
        #expect(try json(SharedBytes(bytes(hex))).text == quoted)
        #expect(try json(SharedBytes([0x81] + bytes(hex) + [0xC0])).text == "{\(quoted):null}")
        var reader = MessagePackReader(SharedBytes(bytes(hex)))
        #expect(try reader.readString().text == JSONText.unescaped(SharedBytes(expected).bytes))
    }

    @Test("the elements after an event's name become a list")
    func elements() throws {
        var reader = MessagePackReader(
            SharedBytes(bytes("95 a568656c6c6f 01 d40000 92c40107c0 80 a178"))
        )
        let count = try reader.readArrayHeader()
        #expect(try reader.readString() == SharedBytes("hello"))
        var json = ByteBuffer()
        var attachments: [SharedBytes] = []
        try reader.readJSONElements(count - 1, to: &json, attachments: &attachments)
        let list = json.takeShared().text
        #expect(list == "1,null,[{\"_placeholder\":true,\"num\":0},null],{}")
        #expect(attachments == [SharedBytes([7])])
        #expect(try reader.readString() == SharedBytes("x"))
        try reader.readJSONElements(0, to: &json, attachments: &attachments)
        let isEmpty = json.isEmpty
        #expect(isEmpty && reader.isAtEnd)
    }
}
