import Bytes
import Testing

@Suite("RFC 4648: base64")
struct Base64Tests {
    /// The test vectors of §10.
    static let vectors = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ]

    @Test("§10: the test vectors, both ways", arguments: vectors)
    func vector(plain: String, encoded: String) {
        let written = Base64.encode(SharedBytes(plain).bytes)
        #expect(written.text == encoded)
        let read = Base64.decode(SharedBytes(encoded).bytes)
        #expect(read == SharedBytes(plain))
    }

    @Test("every length to 400 survives both ways, appended after other bytes")
    func roundTrip() {
        for count in 0..<400 {
            let bytes = SharedBytes((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 7) })
            var buffer = ByteBuffer()
            buffer.append("b")
            Base64.encode(bytes.bytes, into: &buffer)
            let written = buffer.takeShared()
            #expect(written.count == 1 + Base64.encodedCount(of: count))
            let read = Base64.decode(written[1..<written.count].bytes)
            #expect(read == bytes)
        }
    }

    @Test(
        "§5 and Node: the url-safe alphabet, missing or excess padding, a lone last character",
        arguments: [
            ("-_-_", [0xFB, 0xFF, 0xBF]), ("+/-_", [0xFB, 0xFF, 0xBF]), ("Zg", [0x66]),
            ("Zg=", [0x66]), ("Zm8", [0x66, 0x6F]), ("Zm9v=", [0x66, 0x6F, 0x6F]), ("Z", []),
            ("Zg====", [0x66]), ("=", []), ("Zm9vZ", [0x66, 0x6F, 0x6F]),
        ] as [(String, [UInt8])]
    )
    func lenient(text: String, bytes: [UInt8]) {
        let read = Base64.decode(SharedBytes(text).bytes)
        #expect(read?.array == bytes)
    }

    @Test("a character of neither alphabet is refused, wherever it stands")
    func foreign() {
        let allowed = Set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_".utf8
        )
        for byte in UInt8.min...UInt8.max where !allowed.contains(byte) {
            for place in 0..<7 {
                var text = [UInt8]("QUJDREVG".utf8)
                text[place] = byte
                let read = Base64.decode(SharedBytes(text).bytes)
                #expect(read == nil, "\(byte) at \(place)")
            }
        }
    }
}
