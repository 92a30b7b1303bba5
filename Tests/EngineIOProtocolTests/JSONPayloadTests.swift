import Bytes
import Testing

@testable import EngineIOProtocol

@Suite("protocol.md §6: JSONP")
struct JSONPayloadTests {
    @Test(
        "a response is a call with the payload as a string",
        arguments: [
            ("1:6", "0", #"___eio[0]("1:6");"#),
            (#"6:4["a"]"#, "12", #"___eio[12]("6:4[\"a\"]");"#),
            ("3:4\n\\", "", #"___eio[]("3:4\n\\");"#),
            ("4:4\u{2028}\u{2029}a", "1", #"___eio[1]("4:4\u2028\u2029a");"#),
            ("5:4\u{2027}\u{202A}€â", "1", "___eio[1](\"5:4\u{2027}\u{202A}€â\");"),
            ("</script>", "1", #"___eio[1]("</script>");"#),
        ]
    )
    func scripts(payload: String, index: String, script: String) {
        let (bytes, digits) = (SharedBytes(payload), SharedBytes(index))
        let written = JSONPayload.script(bytes.bytes, index: digits.bytes)
        #expect(written.text == script)
    }

    @Test(
        "of the index only digits are kept",
        arguments: [
            ("0", "0"), ("", ""), ("12", "12"), ("1);alert(1", "11"), ("a", ""), ("٣", ""),
            (String(repeating: "9", count: 50), String(repeating: "9", count: 20)),
        ]
    )
    func indices(parameter: String, index: String) {
        #expect(JSONPayload.index(parameter: parameter).text == index)
    }

    @Test(
        "in a form's field `\\n` is a line feed and `\\\\n` what `\\n` was",
        arguments: [
            ("4:4abc", "4:4abc"), (#"4a\nb"#, "4a\nb"), (#"4a\\nb"#, #"4a\nb"#),
            (#"4a\\\nb"#, #"4a\\nb"#), (#"\"#, #"\"#), (#"\\"#, #"\\"#), (#"\t\n"#, "\\t\n"),
            (#"\n\n"#, "\n\n"), ("", ""),
        ]
    )
    func forms(field: String, payload: String) {
        let bytes = SharedBytes(field)
        let read = JSONPayload.payload(field: bytes.bytes)
        #expect(read.text == payload)
    }
}
