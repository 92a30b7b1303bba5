import Bytes
import Testing

@Suite("RFC 8259: slices and text")
struct JSONSliceTests {
    @Test("an array splits into its elements, without white space")
    func elements() throws {
        let text = SharedBytes(" [ 1 , \"a,]\\\"\" , [2,[3]] , {\"x\":[,]} , null ] ")
        #expect(throws: JSONError.self) { try JSONSlice(validating: text) }
        let slice = try JSONSlice(
            validating: SharedBytes(" [ 1 , \"a,]\\\"\" , [2,[3]] , {\"x\":[]} , null,true ] ")
        )
        let parts = slice.elements().map(\.bytes.text)
        #expect(parts == ["1", "\"a,]\\\"\"", "[2,[3]]", "{\"x\":[]}", "null", "true"])
        let kinds = slice.elements().map(\.kind)
        #expect(kinds == [.number, .string, .array, .object, .null, .boolean(true)])
        #expect(try JSONSlice(validating: SharedBytes("[ ]")).elements().isEmpty)
        #expect(JSONSlice.list(SharedBytes("1,[2, 3] ,4")).count == 3)
        #expect(JSONSlice.list(SharedBytes()).isEmpty)
    }

    @Test("members are found by their unescaped names, the last of several")
    func members() throws {
        let slice = try JSONSlice(
            validating: SharedBytes(
                "{ \"a\" : 1, \"b\\u0063\":\"x\\ty\" , \"a\":-2,\"\":{\"a\":9}}"
            )
        )
        #expect(slice.member(named: "a")?.integer == -2)
        #expect(slice.member(named: "bc")?.string == "x\ty")
        #expect(slice.member(named: "")?.member(named: "a")?.integer == 9)
        #expect(slice.member(named: "c") == nil)
        #expect(slice.members().map(\.name) == ["a", "bc", "a", ""])
        #expect(slice.string == nil && slice.integer == nil && slice.elements().isEmpty)
    }

    @Test("numbers: integers that fit, doubles, booleans")
    func scalars() throws {
        func slice(_ text: String) throws -> JSONSlice {
            try JSONSlice(validating: SharedBytes(text))
        }
        #expect(try slice("9223372036854775807").integer == .max)
        #expect(try slice("9223372036854775808").integer == nil)
        #expect(try slice("1.0").integer == nil)
        #expect(try slice("1.5e1").number == 15)
        #expect(try slice("true").boolean == true)
        #expect(try slice("null").kind == .null)
    }

    @Test("§7: strings are written as JSON.stringify does")
    func writes() {
        var buffer = ByteBuffer()
        buffer.append(jsonString: "a\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}é\u{2028}𝄞 and more text")
        let text = buffer.bytes.text
        #expect(
            text == #""a\"\\/\b\f\n\r\t\u0000\u001f"# + "\u{7F}é\u{2028}𝄞 and more text\""
        )
    }

    @Test(
        "§7: escapes are read",
        arguments: [
            (#"plain"#, "plain"), (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#"\u0041\u00e9\u20AC"#, "Aé€"), (#"\uD834\uDD1E!"#, "𝄞!"), (#"\uD834"#, "\u{FFFD}"),
            (#"\uDD1E\uD834x"#, "\u{FFFD}\u{FFFD}x"), (#"\uD834\uD834\uDD1E"#, "\u{FFFD}𝄞"),
            (#"\uD834\n"#, "\u{FFFD}\n"),
        ]
    )
    func reads(_ example: (contents: String, text: String)) {
        let contents = SharedBytes(example.contents)
        let text = JSONText.unescaped(contents.bytes)
        #expect(text == example.text)
    }
}
