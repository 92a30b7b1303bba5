import Bytes
import Support
import Testing

@Suite("RFC 8259: JSON validation")
struct JSONScannerTests {
    private func isValid(_ text: SharedBytes, maxDepth: Int = 512) -> Bool {
        (try? JSONScanner.validate(text.bytes, maxDepth: maxDepth)) != nil
    }

    @Test(
        "§2–7: accepted",
        arguments: [
            "[]", "{}", "\"\"", "0", "-0", "1", "-1", "10.5", "1e5", "1E+5", "1e-5", "0.0e0",
            "123456789012345678901234567890", "1e400", "true", "false", "null", " true ",
            "\t\r\n [ ] ", "[1]", "[1,2]", "[ 1 , 2 ]", "[[],[[]],{}]", "[null,true,false]",
            "{\"\":0}", "{\"a\":1,\"a\":2}", " { \"a\" : { \"b\" : [ ] } , \"c\" : 0 } ",
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\\uABCD\\uabcd\"", "\"\\uD834\\uDD1E\"",
            "\"\\uD800\"", "\"\\uDC00\\uD800\"", "\"\u{2028}\u{2029}\u{7F}é𝄞\"",
            "\"0123456\"", "\"01234567\"", "\"012345678\"", "[-0.1e-2]", "{\"\\u0061\":[]}",
            "[[[[[[[[]]]]]]]]", "{\"a\":{\"b\":{\"c\":[{\"d\":{}}]}}}",
        ]
    )
    func accepts(_ text: String) {
        #expect(isValid(SharedBytes(text)))
    }

    @Test(
        "§2–7: refused",
        arguments: [
            "", " ", "[", "]", "{", "}", "[}", "{]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1,,2]",
            "[1 2]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{\"a\" 1}",
            "{\"a\":}", "{a:1}", "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\",1}", "{'a':1}", "[1]]",
            "{}}",
            "01", "-01", "-", "+1", ".5", "1.", "1.e1", "1e", "1e+", "1e-", "0x1", "1_0", "1a",
            "--1",
            "NaN", "Infinity", "-Infinity", "nul", "nulll", "tru", "True", "TRUE", "fals", "falsee",
            "\"", "\"a", "\"\\\"", "\"\\", "\"\\a\"", "\"\\x00\"", "\"\\u\"", "\"\\u12\"",
            "\"\\u123\"", "\"\\u123g\"", "\"\\U0041\"", "\"\n\"", "\"\t\"", "\"\u{0}\"",
            "\"\u{1F}\"", "'a'", "[1]x", "1 2", "\"a\" \"b\"", "[1],", "//", "/**/1", "[1/*x*/]",
            "\u{FEFF}1", "\u{A0}1", "\u{0B}1", "\u{0C}[]", "[\"a]", "[a]", "[\"a\":1]", "undefined",
        ]
    )
    func refuses(_ text: String) {
        #expect(!isValid(SharedBytes(text)))
    }

    @Test("§7: a control character, quote or escape is seen at every offset of a word")
    func stringPositions() {
        for place in 0..<24 {
            var text = [UInt8](repeating: 0x61, count: 26)
            text[0] = ASCII.quote
            text[25] = ASCII.quote
            for bad: UInt8 in [0x00, 0x1F, 0x0A, ASCII.quote, ASCII.backslash] {
                var changed = text
                changed[place + 1] = bad
                #expect(!isValid(SharedBytes(changed)), "byte \(bad) at \(place)")
            }
            for good: UInt8 in [0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F, 0xC3, 0xFF] {
                var changed = text
                changed[place + 1] = good
                #expect(isValid(SharedBytes(changed)), "byte \(good) at \(place)")
            }
        }
    }

    @Test("§9: nesting is limited")
    func depth() throws {
        func nested(_ depth: Int) -> SharedBytes {
            SharedBytes(
                String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            )
        }
        #expect(isValid(nested(512)))
        #expect(!isValid(nested(513)))
        #expect(!isValid(nested(513), maxDepth: 100_000))
        #expect(isValid(nested(3), maxDepth: 3))
        #expect(!isValid(nested(4), maxDepth: 3))
        #expect(isValid(SharedBytes("1"), maxDepth: 0))
        #expect(!isValid(SharedBytes("[]"), maxDepth: 0))
        let mixed = String(repeating: "{\"a\":[", count: 256) + String(repeating: "]}", count: 256)
        #expect(isValid(SharedBytes(mixed)))
        let open = SharedBytes([UInt8](repeating: ASCII.openBracket, count: 100_000))
        #expect(throws: JSONError.tooDeep(limit: 512)) { try JSONScanner.validate(open.bytes) }
        let objects = SharedBytes(String(repeating: "{\"a\":", count: 100_000))
        #expect(throws: JSONError.tooDeep(limit: 512)) { try JSONScanner.validate(objects.bytes) }
    }

    @Test("errors name the offset")
    func offsets() {
        let text = SharedBytes("{\"a\": tru}")
        #expect(throws: JSONError.unexpectedByte(0x74, at: 6)) {
            try JSONScanner.validate(text.bytes)
        }
        let cut = SharedBytes("[1, 2")
        #expect(throws: JSONError.unexpectedEnd) { try JSONScanner.validate(cut.bytes) }
    }

    @Test("mutated examples neither trap nor contradict themselves")
    func fuzz() {
        let seeds = [
            "[1,-2.5e+3,\"a\\u00e9\\n\",{\"k\":[true,false,null],\"\\\"\":{}}]",
            "{\"room\":\"r1\",\"userId\":\"u\",\"message\":\"hello \\uD834\\uDD1E\"}",
            " [ [ ] , { } ] ",
        ]
        let alphabet = Array(
            "[]{}\",:\\u0123456789-+.eEtruefalsn/ \u{0}\u{1F}é_placeholdernum".utf8
        )
        var random = SplitMix64(seed: 1)
        for round in 0..<6000 {
            let input = random.mutated(
                Array(seeds[round % seeds.count].utf8),
                alphabet: alphabet
            )
            #expect(JSONFuzz.run(input), "\(input)")
        }
    }
}
