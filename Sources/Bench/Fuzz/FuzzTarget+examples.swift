// What the fuzz inputs are made of: examples from the specs, and the words of each language.
extension FuzzTarget {
    static let requests = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /socket.io/?EIO=4&transport=polling&t=abc HTTP/1.1\r\nHost: localhost:3000\r\n"
            + "Accept: */*\r\nOrigin: http://a.example\r\nAccept-Encoding: gzip;q=0.5, *\r\n\r\n",
        "POST /socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: a\r\n"
            + "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 6\r\n\r\n4hello",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5;x=\"y\"\r\nhello\r\n00a\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
            + "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + "Sec-WebSocket-Version: 13\r\n\r\n",
        "\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /%62?b=%20+&sid&=c HTTP/1.0\r\n"
            + "Connection: keep-alive\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: POST\r\n\r\n",
        "PUT http://a:80/x/../y HTTP/1.1\r\nHost: a:80\r\nExpect: 100-continue\r\n"
            + "Content-Length: 0\r\nConnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\nTransfer-Encoding: gzip\r\n\r\nx",
        "/.%2e/a%2Fb//c.js", "gzip, br;q=0, *;q=0.001", "W/\"a\", \"a\",*",
    ]

    static let httpTokens = [
        "\r\n", "\r\n\r\n", "\n", "\r", " ", "\t", "\0", ":", ";", ",", "/", "?", "%", "%00", "%2e",
        "&", "=", "#", "GET ", "HEAD", " HTTP/1.1", "HTTP/2.0", "Host: ", "Content-Length: ",
        "Transfer-Encoding: chunked\r\n", "chunked", "Connection: ", "close", "keep-alive",
        "Upgrade: websocket\r\n", "Expect: 100-continue\r\n", "0\r\n\r\n", "ffffffffffffffff\r\n",
        "7fffffffffffffff\r\n", "sid", "..", "q=0.5", "W/", "\"a\"", "*", "\u{7F}",
    ]

    static let frames: [[UInt8]] = [
        frame(0x81, Array("Hello".utf8)),
        frame(0x01, Array("Hel".utf8)) + frame(0x89, Array("?".utf8)) + frame(0x80, [0x6C, 0x6F]),
        frame(0x82, Array(0...255)),
        frame(0x82, [UInt8](repeating: 7, count: 300)),
        frame(0x81, Array("42[\"message\",{\"room\":\"r\"}]".utf8)),
        frame(0x81, Array("späte Grüße 👋🏽".utf8)),
        frame(0x01, [0xF0, 0x9F]) + frame(0x00, [0x91]) + frame(0x80, [0x8B]),
        frame(0x01, []) + frame(0x00, []) + frame(0x80, []),
        frame(0x8A, []), frame(0x89, [UInt8](repeating: 0x61, count: 125)),
        frame(0x88, []), frame(0x88, [0x03, 0xE8]), frame(0x88, [0x0F, 0xA0] + Array("bye".utf8)),
        frame(0x88, [0x03, 0xED]), frame(0x88, [0x03]), frame(0xC1, [0x61]), frame(0x83, []),
        [0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4, 0x60, 0x60],
        [0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0x11, 0x70, 0, 0, 0, 0, 0x60],
        [0x01, 0x83, 0, 0, 0, 0, 0x61, 0x61, 0x61, 0x80, 0xFE, 0x01, 0, 0, 0, 0, 0, 0x61],
    ]

    static let frameTokens: [[UInt8]] = [
        [0x81], [0x82], [0x80], [0x01], [0x02], [0x00], [0x88], [0x89], [0x8A], [0xC1], [0x83],
        [0xFE], [0xFF], [0x7F], [0x7E], [0x85], [0xFE, 0, 126], [0xFE, 0xFF, 0xFF],
        [0xFF, 0, 0, 0, 0, 0, 1, 0, 0], [0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0],
        [0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        [0xFF, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], [0xF0, 0x9F, 0x91, 0x8B],
        [0xED, 0xA0, 0x80], [0xC3], [0xA4], [0xF4, 0x90],
    ]

    /// Of Engine.IO 3.
    static let binaryPayloads: [[UInt8]] = [
        [0, 1, 0xFF, 0x32], [1, 4, 0xFF, 4, 1, 2, 3],
        [0, 2, 0, 0xFF] + Array("42[\"ev\",1,\"Q7y3bka\"]".utf8) + [1, 1, 0xFF, 4],
        [0, 5, 0xFF] + Array("4👋".utf8) + [0, 0, 0, 1, 0xFF, 0x36],
    ]

    static let payloads = [
        "1:320:42[\"ev\",1,\"Q7y3bka\"]", "5:4👋🏽2:4ä", "10:b4AQIDBA==", "0:1:2", "9:40/admin,",
        "0{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000}",
        "1", "2", "2probe", "3probe", "4hello", "5", "6", "4\u{1E}4", "bAQIDBA==", "b",
        "40\u{1E}42[\"a\"]\u{1E}bAQID\u{1E}2", "4späte Grüße 👋🏽\u{1E}bAA==", "AAAAAAAAAAAAAAAAAAAA",
        "Zm9v-_YmFyZm9v12AAAB",
    ]

    static let payloadTokens = [
        "\u{1E}", "0", "1", "2", "3", "4", "5", "6", "7", "b", "b=", "b==", "A", "AA==", "AAA=",
        "AAAA", "+/", "-_", "probe", "ä", "👋", "\0", "\u{1E}\u{1E}",
    ]

    static let packets = [
        "0", "0/admin,{\"token\":\"123\"}", "0{\"sid\":\"a\"}", "1", "1/admin,", "2[\"hello\",1]",
        "2/admin,456[\"project:delete\",123]", "3/admin,456[]", "3456[{\"a\":[1,2.5e3]}]",
        "4{\"message\":\"x\",\"data\":{}}", "4\"x\"",
        "51-[\"hello\",{\"_placeholder\":true,\"num\":0}]", "51-/admin,[\"a\",1]", "50-[\"a\"]",
        "61-/admin,456[{\"_placeholder\":true,\"num\":0}]", "2[\"\\u0061\\n\",\"\\ud83d\\udc4b\"]",
        "2[12,\"x\"]", "2[ \"a\" , [ ] , { } , null , true ]", "2[\"connect\"]",
        "52-[\"x\",{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]\0\u{1}ab\u{1}",
        "0\00/a,\00/b,\02/a,[\"x\"]\01/a,\051-[\"y\",{\"_placeholder\":true,\"num\":0}]\0abc\u{1}",
        "29007199254740992[\"a\"]", "2[\"a\",\"späte Grüße\"]",
        "0/\(String(repeating: "n", count: 90)),",
    ]

    static let packetTokens = [
        "\0", "\u{1}", "0", "1", "2", "3", "4", "5", "6", "7", "-", "/", "/,", "/a,", ",", "1-",
        "10-",
        "11-", "9007199254740993", "\"connect\"", "\"disconnecting\"", "\"newListener\"",
        "{\"_placeholder\":true,\"num\":0}", "\"_placeholder\":true", "\"num\":", "\\u0063",
    ]

    static let texts = [
        "null", "true", "[1,-2.5e+10,0.0]", "{\"a\":{\"b\":[]},\"c\":\"\\u00e4\\ud83d\\udc4b\"}",
        " [ { } , \"x\" , [ [ ] ] ] ", "\"späte Grüße 👋🏽 \\\\ \\\" \\/ \\b\\f\\n\\r\\t\"",
        "{\"message\":\"hello\",\"room\":\"r\",\"userId\":7,\"message\":null}", "-0", "1E400",
        "\"\\ud800\"", String(repeating: "[", count: 600) + String(repeating: "]", count: 600),
        String(repeating: "{\"a\":", count: 70) + "1" + String(repeating: "}", count: 70),
        "[\"\",\"\\\\\",\"\\\"\",{\"\":\"\"},0,false]",
    ]

    static let jsonTokens = [
        "[", "]", "{", "}", ",", ":", "\"", "\\", "\\u", "\\u00", "\\ud83d", "\\\"", "\\\\", "null",
        "true", "false", "0", "-", "-0", "1.", ".5", "e", "E+", "1e9", " ", "\n", "\t", "\r", "\0",
        "\u{1F}", "\u{7F}", "\"a\":", "[]", "{}", "\"\"", "ä", "👋", "[[[[[[[[", "{\"a\":",
    ]

    /// A client's frame, masked, with the shortest length.
    private static func frame(_ firstByte: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        let count = payload.count
        let length: [UInt8] =
            count < 126 ? [0x80 | UInt8(count)] : [0xFE, UInt8(count >> 8), UInt8(count & 0xFF)]
        return [firstByte] + length + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
    }
}
