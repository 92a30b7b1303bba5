import Bytes
import MessagePack
import Testing

@Suite("Reading MessagePack")
struct ReaderTests {
    /// One value of every format.
    private static let everything = bytes(
        """
        dc 0021 00 ff 81a16101 9101 a161 c0 c2 c3 c401aa c50001aa c600000001aa c70101aa c8000101aa
        c900000001 01aa ca3fc00000 cb3ff8000000000000 cc80 cd8000 ce80000000 cf8000000000000000 d080
        d18000 d280000000 d38000000000000000 d40000 d5010000 d6ff00000000 d7000000000000000000
        d80100000000000000000000000000000000 d90161 da000161 db0000000161 de0001a161dd00000001df0000
        0001a16101
        """
    )

    @Test("every format is read, and skipped to the same byte")
    func formats() throws {
        let found = try json(SharedBytes(Self.everything))
        #expect(
            found.text == """
                [0,-1,{"a":1},[1],"a",null,false,true,{"_placeholder":true,"num":0},\
                {"_placeholder":true,"num":1},{"_placeholder":true,"num":2},null,null,null,1.5,1.5,\
                128,32768,2147483648,9223372036854775808,-128,-32768,-2147483648,\
                -9223372036854775808,null,null,"1970-01-01T00:00:00.000Z",\
                "1970-01-01T00:00:00.000Z",null,"a","a","a",\
                {"a":[{"a":1}]}]
                """
        )
        #expect(isValid(found.text))
        var reader = MessagePackReader(SharedBytes(Self.everything))
        #expect(try reader.takeValue().array == Self.everything)
        let isAtEnd = reader.isAtEnd
        #expect(isAtEnd)
    }

    @Test("bytes that end anywhere inside a value are refused")
    func truncation() {
        for count in 0..<Self.everything.count {
            let cut = SharedBytes(Array(Self.everything[..<count]))
            #expect(throws: MessagePackError.unexpectedEnd) { try json(cut) }
            #expect(throws: MessagePackError.unexpectedEnd) {
                var reader = MessagePackReader(cut)
                try reader.skipValue()
            }
        }
    }

    @Test(
        "a claim beyond the bytes is refused at once",
        arguments: [
            "dbffffffff61", "c6ffffffff61", "c9ffffffff0061", "ddffffffff01", "dfffffffffa161",
            "d9ff", "daffff", "c4ff", "c5ffff", "c7ff00", "dcffff", "deffff", "9f01", "8fa161",
            "a361",
            "8101", "83a16101a162", "dd7fffffff" + "dd7fffffff", "92dc000390c0", "d8ff", "d7",
        ]
    )
    func hugeClaims(_ hex: String) {
        let input = SharedBytes(bytes(hex))
        #expect(throws: MessagePackError.unexpectedEnd) { try json(input) }
        #expect(throws: MessagePackError.unexpectedEnd) {
            var reader = MessagePackReader(input)
            try reader.skipValue()
        }
    }

    @Test("the byte that begins no value is named")
    func unusedByte() {
        #expect(throws: MessagePackError.unexpectedByte(0xC1, at: 2)) {
            try json(SharedBytes(bytes("92 01 c1")))
        }
    }

    @Test("nesting is limited, as JSON's is", arguments: ["91", "81a161"])
    func depth(_ head: String) throws {
        func nested(_ depth: Int) -> SharedBytes {
            SharedBytes(bytes(String(repeating: head, count: depth) + "c0"))
        }
        #expect(isValid(try json(nested(512)).text))
        #expect(throws: MessagePackError.tooDeep(limit: 512)) { try json(nested(513)) }
        #expect(throws: MessagePackError.tooDeep(limit: 512)) { try json(nested(100_000)) }
        let few = MessagePackLimits(maxDepth: 3)
        #expect(isValid(try json(nested(3), limits: few).text))
        #expect(throws: MessagePackError.tooDeep(limit: 3)) { try json(nested(4), limits: few) }
        #expect(MessagePackLimits(maxDepth: 9999).maxDepth == 512)
        var reader = MessagePackReader(nested(100_000))
        try reader.skipValue()
        let isAtEnd = reader.isAtEnd
        #expect(isAtEnd)
    }

    @Test("a placeholder counts as a level, and so does the array around a list")
    func depthOfPlaceholders() throws {
        let limits = MessagePackLimits(maxDepth: 2)
        #expect(isValid(try json(SharedBytes(bytes("91c40101")), limits: limits).text))
        #expect(throws: MessagePackError.tooDeep(limit: 2)) {
            try json(SharedBytes(bytes("9191c40101")), limits: limits)
        }
        #expect(throws: MessagePackError.tooDeep(limit: 2)) {
            var reader = MessagePackReader(SharedBytes(bytes("9190")), limits: limits)
            var json = ByteBuffer()
            var attachments: [SharedBytes] = []
            try reader.readJSONElements(1, to: &json, attachments: &attachments)
        }
    }

    @Test("the number of binary values is limited")
    func attachments() throws {
        let limits = MessagePackLimits(maxAttachments: 2)
        #expect(try json(SharedBytes(bytes("92c400c400")), limits: limits).attachments.count == 2)
        #expect(throws: MessagePackError.tooManyAttachments(limit: 2)) {
            try json(SharedBytes(bytes("93c400c400c400")), limits: limits)
        }
    }

    @Test("a broadcast is read value by value, whatever the order of its keys")
    func cursor() throws {
        var reader = MessagePackReader(
            SharedBytes(
                bytes(
                    """
                    93 a6 616263646566 83 a3 6e7370 a1 2f a4 64617461 92 a5 68656c6c6f 01 a4 74797065 02
                    84 a5 666c616773 81 a8 766f6c6174696c65 c3 a6 657863657074 c0 a1 78 92 01 80
                    a5 726f6f6d73 92 a2 7231 cd 1267
                    """
                )
            )
        )
        #expect(try reader.readArrayHeader() == 3)
        #expect(try reader.readString().text == "abcdef")
        #expect(try reader.readMapHeader() == 3)
        #expect(try reader.readString().text == "nsp")
        #expect(try reader.readText().text == "/")
        #expect(try reader.readString().text == "data")
        #expect(try reader.takeValue().array.hex == "92a568656c6c6f01")
        #expect(try reader.readString().text == "type")
        #expect(try reader.readInteger() == 2)
        #expect(try reader.readMapHeader() == 4)
        #expect(try reader.readString().text == "flags")
        #expect(try reader.readMapHeader() == 1)
        #expect(try reader.readString().text == "volatile")
        #expect(try !reader.readNil())
        #expect(try reader.readBool())
        #expect(try reader.readString().text == "except")
        #expect(try reader.readNil())
        #expect(try reader.readString().text == "x")
        try reader.skipValue()
        #expect(try reader.readString().text == "rooms")
        #expect(try reader.readArrayHeader() == 2)
        #expect(try reader.readText().text == "r1")
        #expect(try reader.readText().text == "4711")
        let isAtEnd = reader.isAtEnd
        #expect(isAtEnd)
        #expect(throws: MessagePackError.unexpectedEnd) { try reader.peekKind() }
    }

    @Test("a value of another kind stays unread")
    func otherKinds() throws {
        var reader = MessagePackReader(SharedBytes(bytes("92 a161 c3")))
        let map = MessagePackError.unexpectedKind(.array, at: 0)
        #expect(throws: map) { try reader.readMapHeader() }
        #expect(throws: map) { try reader.readString() }
        #expect(throws: map) { try reader.readText() }
        #expect(throws: map) { try reader.readBinary() }
        #expect(throws: map) { try reader.readInteger() }
        #expect(throws: map) { try reader.readDouble() }
        #expect(throws: map) { try reader.readBool() }
        #expect(try !reader.readNil())
        #expect(try reader.readArrayHeader() == 2)
        #expect(throws: MessagePackError.unexpectedKind(.string, at: 1)) {
            try reader.readArrayHeader()
        }
        #expect(try reader.readString().text == "a")
        #expect(try reader.readBool())
    }

    @Test("integers may be written as doubles, and do not overflow")
    func integers() throws {
        func integer(_ hex: String) throws -> Int {
            var reader = MessagePackReader(SharedBytes(bytes(hex)))
            return try reader.readInteger()
        }
        #expect(try integer("cb40b3880000000000") == 5000)
        #expect(try integer("ca3f800000") == 1)
        #expect(try integer("cf7fffffffffffffff") == .max)
        #expect(throws: MessagePackError.integerOutOfRange(at: 0)) {
            try integer("cf8000000000000000")
        }
        #expect(throws: MessagePackError.integerOutOfRange(at: 0)) {
            try integer("cb43e0000000000000")
        }
        for hex in ["cb3ff8000000000000", "cb7ff0000000000000", "cb7ff8000000000000"] {
            #expect(throws: MessagePackError.unexpectedKind(.double, at: 0)) { try integer(hex) }
        }
        var reader = MessagePackReader(SharedBytes(bytes("05 ff cb3ff8000000000000")))
        #expect(try reader.readDouble() == 5)
        #expect(try reader.readDouble() == -1)
        #expect(try reader.readDouble() == 1.5)
    }

    @Test("strings and binary values share the bytes read")
    func sharing() throws {
        let message = SharedBytes(bytes("92 a3616263 c403010203"))
        let owner = message.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        var reader = MessagePackReader(message)
        #expect(try reader.readArrayHeader() == 2)
        let text = try reader.readString()
        let binary = try reader.readBinary()
        #expect(text.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } == owner + 2)
        #expect(binary.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } == owner + 7)
    }
}
