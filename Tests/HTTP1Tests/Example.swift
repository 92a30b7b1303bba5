import Bytes
import HTTP1
import Testing

/// One request, or several, and what the parser must make of it.
struct Example: CustomTestStringConvertible, Sendable {
    let name: String
    let wire: String
    /// The body of each request.
    var bodies: [String] = [""]
    /// What `HTTPTranscript` must say of the first head, by lines; in any order.
    var says: [String] = []
    var error: HTTPParseError?

    var testDescription: String { name }

    /// Requests that must be understood.
    static let accepted: [Example] = [
        Example(
            name: "RFC 9112 §2.1, the example of a request",
            wire: """
                GET /hello.txt HTTP/1.1\r
                User-Agent: curl/7.64.1\r
                Host: www.example.com\r
                Accept-Language: en, mi\r
                \r

                """,
            says: [
                "GET /hello.txt 1", "path /hello.txt authority www.example.com",
                "User-Agent: curl/7.64.1", "Accept-Language: en, mi", "keeps alive",
            ]
        ),
        Example(
            name: "§3.2.1: origin form with a query",
            wire: "GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
            says: ["path /where authority www.example.org", "query q = now"]
        ),
        Example(
            name: "§3.2.2: absolute form, whose authority outranks Host",
            wire: "GET http://www.example.org/pub/x.html?a=1 HTTP/1.1\r\nHost: other\r\n\r\n",
            says: ["path /pub/x.html authority www.example.org", "query a = 1"]
        ),
        Example(
            name: "§3.2.2: absolute form without a path",
            wire: "GET HTTPS://[::1]:8080?a=1 HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
            says: ["path / authority [::1]:8080", "query a = 1"]
        ),
        Example(
            name: "§3.2.3: authority form",
            wire: "CONNECT www.example.com:80 HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
            says: ["CONNECT www.example.com:80 1", "path  authority www.example.com"]
        ),
        Example(
            name: "§3.2.4: asterisk form",
            wire: "OPTIONS * HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n",
            says: ["path * authority www.example.org:8001"]
        ),
        Example(
            name: "§3.2: an empty Host",
            wire: "GET / HTTP/1.1\r\nHost:\r\n\r\n",
            says: ["path / authority "]
        ),
        Example(
            name: "§2.2: empty lines before the request line",
            wire: "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            says: ["GET / 1"]
        ),
        Example(
            name: "§2.5: HTTP/1.0 needs no Host and does not persist",
            wire: "GET / HTTP/1.0\r\n\r\n",
            says: ["GET / 0", "path / authority none"]
        ),
        Example(
            name: "§5: whitespace around a value is no part of it",
            wire: "GET / HTTP/1.1\r\nHost: a\r\nX: \t a\tb \t \r\nY:\r\nZ:c\r\n\r\n",
            says: ["X: a\tb", "Y: ", "Z: c"]
        ),
        Example(
            name: "§5: obs-text passes",
            wire: "GET / HTTP/1.1\r\nHost: a\r\nX: grüße aus Köln\r\n\r\n",
            says: ["X: grüße aus Köln"]
        ),
        Example(
            name: "§5.1: any token is a field name, any token is a method",
            wire: "M-SEARCH!#$%&'*+.^_`|~09 / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~0Az: b\r\n\r\n",
            says: ["M-SEARCH!#$%&'*+.^_`|~09 / 1", "!#$%&'*+-.^_`|~0Az: b"]
        ),
        Example(
            name: "§6.2: a body by Content-Length",
            wire: "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello\r\n\r\nyo",
            bodies: ["hello\r\n\r\nyo"],
            says: ["length 11"]
        ),
        Example(
            name: "§6.2: a body of length 0",
            wire: "POST /p HTTP/1.1\r\nHost: a\r\ncontent-length: 000\r\n\r\n",
            says: ["length 0"]
        ),
        Example(
            name: "§6.3: equal lengths count once",
            wire: """
                PUT /p HTTP/1.1\r
                Host: a\r
                Content-Length: 2, 2\r
                Content-Length: 02\r
                \r
                ab
                """,
            bodies: ["ab"],
            says: ["length 2"]
        ),
        Example(
            name: "§7.1: chunks",
            wire: """
                POST /p HTTP/1.1\r
                Host: a\r
                Transfer-Encoding: Chunked\r
                \r
                4\r
                Wiki\r
                000b\r
                pedia in ch\r
                5\r
                unks.\r
                0\r
                \r

                """,
            bodies: ["Wikipedia in chunks."],
            says: ["chunked"]
        ),
        Example(
            name: "§7.1.1, §7.1.2: chunk extensions and trailers are dropped",
            wire: """
                POST /p HTTP/1.1\r
                Host: a\r
                Transfer-Encoding: chunked\r
                \r
                3;a=b;c="d;e"\r
                \r
                a\r
                1 \t;x\r
                b\r
                0;last\r
                Expires: never\r
                X-Empty:\r
                \r

                """,
            bodies: ["\r\nab"],
            says: ["chunked"]
        ),
        Example(
            name: "§9.3.2: pipelined requests",
            wire: """
                POST /1 HTTP/1.1\r
                Host: a\r
                Content-Length: 3\r
                \r
                oneGET /2 HTTP/1.1\r
                Host: a\r
                \r
                \r
                POST /3 HTTP/1.1\r
                Host: a\r
                Transfer-Encoding: chunked\r
                \r
                5\r
                three\r
                0\r
                \r

                """,
            bodies: ["one", "", "three"],
            says: ["POST /1 1"]
        ),
        Example(
            name: "RFC 9110 §7.8: an upgrade",
            wire: """
                GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r
                Host: server.example.com\r
                Upgrade: h2c, WebSocket\r
                Connection: keep-alive\r
                Connection: foo ,, Upgrade\r
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                \r

                """,
            says: ["upgrade", "query EIO = 4", "query transport = websocket"]
        ),
        Example(
            name: "RFC 9110 §10.1.1: an expectation",
            wire: """
                PUT / HTTP/1.1\r
                Host: a\r
                Content-Length: 1\r
                Expect: 100-Continue\r
                \r
                x
                """,
            bodies: ["x"],
            says: ["expects continue"]
        ),
    ]

    private static func refused(
        _ name: String,
        _ wire: String,
        _ error: HTTPParseError,
        bodies: [String] = []
    ) -> Example {
        Example(name: name, wire: wire, bodies: bodies, error: error)
    }

    /// A request with these field lines besides `Host`.
    private static func fields(_ lines: String) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n"
    }

    private static func chunked(_ body: String) -> String {
        fields("Transfer-Encoding: chunked") + body
    }

    /// Requests that must be refused.
    static let refused: [Example] =
        refusedRequestLines + refusedFields + refusedFraming + refusedChunks

    private static let refusedRequestLines: [Example] = [
        refused("§3: no version", "GET /\r\n\r\n", .malformedRequestLine),
        refused("§3: no target", "GET HTTP/1.1\r\n\r\n", .malformedRequestLine),
        refused("§3: an empty target", "GET  HTTP/1.1\r\n\r\n", .malformedRequestLine),
        refused("§3: only a method", "GET\r\n\r\n", .malformedRequestLine),
        refused("§3: two spaces", "GET /  HTTP/1.1\r\n\r\n", .malformedRequestLine),
        refused("§3: a space after the version", "GET / HTTP/1.1 \r\n\r\n", .malformedRequestLine),
        refused("§3: a tab", "GET\t/ HTTP/1.1\r\n\r\n", .malformedRequestLine),
        refused("§3: a leading space", " GET / HTTP/1.1\r\n\r\n", .malformedRequestLine),
        refused("§3.1: a method that is no token", "G{T / HTTP/1.1\r\n\r\n", .malformedRequestLine),
        refused("§3.1: a TLS handshake", "\u{16}\u{3}\u{1}\u{2}\u{0}", .malformedRequestLine),
        refused("§2.3: small letters", "GET / http/1.1\r\n\r\n", .malformedRequestLine),
        refused("§2.3: two digits", "GET / HTTP/1.10\r\n\r\n", .malformedRequestLine),
        refused("§2.3: another protocol", "GET / ICAP/1.0\r\n\r\n", .malformedRequestLine),
        refused("§2.3: HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", .unsupportedVersion),
        refused("§2.3: HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", .unsupportedVersion),
        refused(
            "RFC 9113 §3.4: the preface of HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            .unsupportedVersion
        ),
        refused("§3.2: a control byte", "GET /\u{1} HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2: NUL", "GET /\u{0} HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2: a bare CR", "GET /\r HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2: bytes over 7F", "GET /ü HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2: a fragment", "GET /#top HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2: no form", "GET index.html HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2.2: another scheme", "GET ftp://a/ HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2.2: no authority", "GET http:///x HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2.2: user information", "GET http://u@a/ HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2.3: CONNECT without port", "CONNECT a HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2.3: CONNECT to a path", "CONNECT /:1 HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§3.2.4: GET *", "GET * HTTP/1.1\r\n\r\n", .invalidTarget),
        refused("§2.2: a bare LF ends the line", "GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
        refused("§2.2: a bare LF comes first", "\nGET / HTTP/1.1\r\n\r\n", .bareLineFeed),
        refused("§2.2: CR CR LF first", "\r\r\nGET / HTTP/1.1\r\n\r\n", .malformedRequestLine),
        refused(
            "§2.2: too many empty lines",
            "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            .malformedRequestLine
        ),
    ]

    private static let refusedFields: [Example] = [
        refused("§2.2: a bare LF in the fields", fields("A: b\nC: d"), .bareLineFeed),
        refused("§2.2: a bare LF as empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        refused("§2.2: a bare CR in a value", fields("A: b\rC: d"), .invalidFieldValue),
        refused("§2.2: CR CR LF", fields("A: b\r"), .invalidFieldValue),
        refused("RFC 9110 §5.5: NUL in a value", fields("A: b\u{0}"), .invalidFieldValue),
        refused("RFC 9110 §5.5: DEL in a value", fields("A: 12345678\u{7F}"), .invalidFieldValue),
        refused("§5.1: a space before the colon", fields("A : b"), .whitespaceBeforeColon),
        refused("§5.1: a tab before the colon", fields("A\t: b"), .whitespaceBeforeColon),
        refused("§5.2: a folded line", fields("A: b\r\n c"), .lineFolding),
        refused("§5.2: a folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", .lineFolding),
        refused("§5: no colon", fields("Abc"), .malformedField),
        refused("§5: no name", fields(": b"), .invalidFieldName),
        refused("RFC 9110 §5.1: a name that is no token", fields("A(b): c"), .invalidFieldName),
        refused("RFC 9110 §5.1: NUL in a name", fields("A\u{0}: c"), .invalidFieldName),
        refused("RFC 9110 §5.1: bytes over 7F in a name", fields("Ä: c"), .invalidFieldName),
        refused("§3.2: no Host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", .missingHost),
        refused("§3.2: two Hosts", fields("hOST: a"), .duplicateHost),
        refused("§3.2: a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .invalidHost),
        refused("§3.2: a list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .invalidHost),
        refused("§3.2: a Host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", .invalidHost),
    ]

    private static let refusedFraming: [Example] = [
        refused("§6.3: a negative length", fields("Content-Length: -1"), .invalidContentLength),
        refused("§6.3: a signed length", fields("Content-Length: +1"), .invalidContentLength),
        refused("§6.3: a length in words", fields("Content-Length: one"), .invalidContentLength),
        refused("§6.3: hexadecimal", fields("Content-Length: 0x10"), .invalidContentLength),
        refused("§6.3: an empty length", fields("Content-Length:"), .invalidContentLength),
        refused("§6.3: a fraction", fields("Content-Length: 1.0"), .invalidContentLength),
        refused("§6.3: two numbers", fields("Content-Length: 1 1"), .invalidContentLength),
        refused(
            "§6.3: a length over Int",
            fields("Content-Length: 9223372036854775808"),
            .bodyTooLarge
        ),
        refused(
            "§6.3: two lengths",
            fields("Content-Length: 1\r\nContent-Length: 2"),
            .conflictingContentLength
        ),
        refused("§6.3: a list", fields("Content-Length: 1, 2"), .conflictingContentLength),
        refused(
            "§6.1: both framings",
            fields("Content-Length: 1\r\nTransfer-Encoding: chunked"),
            .contentLengthWithTransferEncoding
        ),
        refused(
            "§6.1: both framings, the other way round",
            fields("Transfer-Encoding: chunked\r\nContent-Length: 1"),
            .contentLengthWithTransferEncoding
        ),
        refused("§6.1: gzip", fields("Transfer-Encoding: gzip"), .unsupportedTransferCoding),
        refused(
            "§6.1: gzip, chunked",
            fields("Transfer-Encoding: gzip, chunked"),
            .unsupportedTransferCoding
        ),
        refused(
            "§6.1: chunked, then identity on another line",
            fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
            .unsupportedTransferCoding
        ),
        refused(
            "§6.1: xchunked",
            fields("Transfer-Encoding: xchunked"),
            .unsupportedTransferCoding
        ),
        refused(
            "§6.1: chunked twice",
            fields("Transfer-Encoding: chunked, chunked"),
            .invalidTransferEncoding
        ),
        refused(
            "§7: chunked with a parameter",
            fields("Transfer-Encoding: chunked;q=1"),
            .invalidTransferEncoding
        ),
        refused("§6.1: no coding", fields("Transfer-Encoding: ,"), .invalidTransferEncoding),
        refused(
            "§6.1: no token",
            fields("Transfer-Encoding: \"chunked\""),
            .invalidTransferEncoding
        ),
        refused(
            "§6.1: chunked in HTTP/1.0",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            .invalidTransferEncoding
        ),
    ]

    private static let refusedChunks: [Example] = [
        refused("§7.1: no size", chunked("\r\n"), .malformedChunk, bodies: [""]),
        refused("§7.1: a size that is no number", chunked("g\r\n"), .malformedChunk, bodies: [""]),
        refused("§7.1: a negative size", chunked("-1\r\n"), .malformedChunk, bodies: [""]),
        refused("§7.1: 0x", chunked("0x1\r\na\r\n"), .malformedChunk, bodies: [""]),
        refused("§7.1: a space first", chunked(" 1\r\na\r\n"), .malformedChunk, bodies: [""]),
        refused("§7.1: a space after the size", chunked("1 \r\na"), .malformedChunk, bodies: [""]),
        refused("§7.1: a bare LF after the size", chunked("1\na"), .malformedChunk, bodies: [""]),
        refused("§7.1: a bare CR after the size", chunked("1\ra"), .malformedChunk, bodies: [""]),
        refused(
            "§7.1: a size over Int",
            chunked("8000000000000000\r\n"),
            .malformedChunk,
            bodies: [""]
        ),
        refused(
            "§7.1: a size over 64 bits",
            chunked("10000000000000001\r\n"),
            .malformedChunk,
            bodies: [""]
        ),
        refused(
            "§7.1: a size over the limit",
            chunked("7fffffffffffffff\r\n"),
            .bodyTooLarge,
            bodies: [""]
        ),
        refused("§7.1: more data than said", chunked("1\r\nab"), .malformedChunk, bodies: ["a"]),
        refused("§7.1: no CRLF after data", chunked("1\r\na0\r\n"), .malformedChunk, bodies: ["a"]),
        refused("§7.1: CR X after data", chunked("1\r\na\rx"), .malformedChunk, bodies: ["a"]),
        refused("§7.1: a bare LF after data", chunked("1\r\na\n"), .malformedChunk, bodies: ["a"]),
        refused("§7.1.1: LF in an extension", chunked("1;a\na"), .malformedChunk, bodies: [""]),
        refused("§7.1.1: NUL in an extension", chunked("1;\u{0}"), .malformedChunk, bodies: [""]),
        refused(
            "§7.1.2: a trailer without name",
            chunked("0\r\n:"),
            .invalidFieldName,
            bodies: [""]
        ),
        refused("§7.1.2: a folded trailer", chunked("0\r\n a"), .invalidFieldName, bodies: [""]),
        refused("§7.1.2: no colon", chunked("0\r\nab\r\n"), .invalidFieldName, bodies: [""]),
        refused("§7.1.2: NUL", chunked("0\r\na:\u{0}"), .invalidFieldValue, bodies: [""]),
        refused("§7.1.2: a bare CR", chunked("0\r\na: \rb"), .invalidFieldValue, bodies: [""]),
        refused("§7.1.2: a bare LF", chunked("0\r\na:\n"), .invalidFieldValue, bodies: [""]),
        refused("§7.1: CR X at the end", chunked("0\r\n\rx"), .malformedChunk, bodies: [""]),
    ]
}
