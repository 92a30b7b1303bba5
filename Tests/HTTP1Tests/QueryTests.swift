import Bytes
import HTTP1
import Testing

@Suite("protocol.md §2: queries")
struct QueryTests {
    @Test(
        "decoded as Node's querystring does",
        arguments: [
            ("", []),
            ("a=1&b=2", ["a=1", "b=2"]),
            ("a", ["a="]),
            ("=b", ["=b"]),
            ("&&a=1&&", ["a=1"]),
            ("a=b=c", ["a=b=c"]),
            ("a=%41%2b+c&d+e=%20", ["a=A+ c", "d e= "]),
            ("a=%&b=%4&c=%4g&d=%%41", ["a=%", "b=%4", "c=%4g", "d=%A"]),
            ("a=%C3%BC&b=%FF", ["a=ü", "b=\u{FFFD}"]),
        ] as [(String, [String])]
    )
    func decodes(query: String, wanted: [String]) {
        let pairs = Query(SharedBytes(query)).pairs.map { "\($0.name)=\($0.value)" }
        #expect(pairs == wanted)
    }

    @Test("the last value of a name wins; a name may be encoded")
    func values() {
        let query = Query(SharedBytes("EIO=3&sid=%2D_a&j&EIO=4&%73%69d=b+c&t="))
        #expect(query.value(of: "EIO") == "4")
        #expect(query.value(of: "sid") == "b c")
        #expect(query.value(of: "j") == "")
        #expect(query.value(of: "t") == "")
        #expect(query.value(of: "eio") == nil)
        #expect(query.value(of: "b64") == nil)
    }
}

@Suite("Static files")
struct StaticFileTests {
    @Test(
        "safe paths",
        arguments: [
            ("/", ["index.html"]), ("/a.js", ["a.js"]), ("/a/b.css", ["a", "b.css"]),
            ("/a/", ["a", "index.html"]), ("/a%20b", ["a b"]), ("/%C3%BC", ["ü"]),
            ("/a..b", ["a..b"]), ("/%252e%252e", ["%2e%2e"]), ("/a+b", ["a+b"]),
        ] as [(String, [String])]
    )
    func safe(path: String, components: [String]) {
        #expect(StaticPath.components(of: SharedBytes(path)) == components)
    }

    @Test(
        "paths that are refused",
        arguments: [
            "", "a", "*", "//", "//a", "/a//b", "/a//", "/.", "/..", "/../a", "/a/..", "/a/../b",
            "/%2e%2e/a", "/.%2E/a", "/%2e", "/.env", "/.git/config", "/%2egit/", "/a%2fb",
            "/a%2F..%2Fb", "/a%5Cb", "/..%5c", "/a\\b", "/a%00", "/a%0a", "/a%7F", "/%", "/%4",
            "/%zz", "/%FF", "/%C3", "/%C0%AE%C0%AE/", "/%ED%A0%80",
        ]
    )
    func refused(path: String) {
        #expect(StaticPath.components(of: SharedBytes(path)) == nil)
    }

    @Test("another index, and none")
    func index() {
        #expect(StaticPath.components(of: SharedBytes("/a/"), index: "x") == ["a", "x"])
        #expect(StaticPath.components(of: SharedBytes("/a\u{0}")) == nil)
    }

    @Test(
        "RFC 9110 §8.3: media types",
        arguments: [
            ("index.html", "text/html; charset=utf-8"), ("a.min.CSS", "text/css; charset=utf-8"),
            ("socket.io.js", "text/javascript; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.json", "application/json; charset=utf-8"),
            ("socket.io.js.map", "application/json; charset=utf-8"),
            ("a.svg", "image/svg+xml; charset=utf-8"), ("a.png", "image/png"),
            ("a.jpg", "image/jpeg"), ("a.ico", "image/x-icon"), ("a.webp", "image/webp"),
            ("a.woff2", "font/woff2"), ("a.txt", "text/plain; charset=utf-8"),
            ("a.wasm", "application/wasm"),
            ("a.webmanifest", "application/manifest+json; charset=utf-8"),
            ("a.exe", "application/octet-stream"), ("html", "application/octet-stream"),
            ("a.", "application/octet-stream"), ("", "application/octet-stream"),
        ]
    )
    func mediaTypes(name: String, type: String) {
        #expect(MediaType.ofFile(named: name) == type)
    }

    @Test(
        "RFC 9110 §12.5.3: Accept-Encoding",
        arguments: [
            ([], .identity), ([""], .identity), (["gzip"], .gzip), (["deflate"], .deflate),
            (["br"], .identity), (["gzip, deflate, br"], .gzip), (["deflate, gzip"], .gzip),
            (["deflate", "GZIP"], .gzip), (["x-gzip"], .gzip), (["*"], .gzip),
            (["gzip;q=0.5, deflate;q=0.8"], .deflate), (["gzip;q=0, *"], .deflate),
            (["gzip;q=0"], .identity), (["gzip ; q=0.001"], .gzip),
            (["identity, gzip;q=0.9"], .identity), (["identity, gzip"], .gzip),
            (["identity;q=0"], nil), (["*;q=0"], nil), (["br, *;q=0"], nil),
            (["*;q=0, gzip"], .gzip), (["*;q=0, identity;q=0.1"], .identity),
            (["gzip;q=1.000"], .gzip), (["gzip;q=1.001"], .identity), (["gzip;q=x"], .identity),
            (["gzip;q=2"], .identity), (["gzip;q=0.0001"], .identity), (["gzip;"], .identity),
            (["gzip;q"], .identity), (["gzip;q="], .identity), ([";q=1"], .identity),
            (["gzip;q=1."], .gzip), (["gzip;q=.5"], .identity), (["identity;q=0, gzip;q=0"], nil),
        ] as [([String], ContentCoding?)]
    )
    func codings(values: [String], wanted: ContentCoding?) {
        let values = values.map { SharedBytes($0) }
        #expect(AcceptEncoding.preferred(in: values) == wanted)
    }

    @Test("only what is offered is chosen")
    func offered() {
        let values = [SharedBytes("gzip, deflate")]
        #expect(AcceptEncoding.preferred(in: values, of: []) == .identity)
        #expect(AcceptEncoding.preferred(in: values, of: [.deflate]) == .deflate)
    }

    @Test(
        "RFC 9110 §13.1.2: If-None-Match compares weakly",
        arguments: [
            (#""a""#, #""a""#, true), (#""a""#, #"W/"a""#, true), (#"W/"a""#, #""a""#, true),
            (#"W/"a""#, #"W/"a""#, true), (#""a""#, "*", true), (#""a""#, #""b""#, false),
            (#""a""#, #""b", W/"c" ,,"a""#, true), (#""a""#, #""x,"a",""#, false),
            (#""a""#, "a", false), (#""a""#, #""a"#, false), (#""a""#, "", false),
            (#""a""#, "W/", false), (#""a""#, "W", false), (#""a,b""#, #""a,b""#, true),
            (#""a""#, #"w/"a""#, false), (#""a""#, #""b" * "a""#, false),
        ]
    )
    func entityTags(tag: String, value: String, isListed: Bool) {
        #expect(EntityTag.isListed(tag, inIfNoneMatch: SharedBytes(value)) == isListed)
    }
}
