import Bytes
import Testing

@testable import EngineIOProtocol

@Suite("protocol.md §1–4, §10: handshake, ids, errors")
struct HandshakeTests {
    private func id(_ text: String) -> SessionID? {
        SessionID(parsing: SharedBytes(text).bytes)
    }

    @Test("§4: the open packet, key by key")
    func openPacket() throws {
        let sid = try #require(id("lv_VI97HAXpY6yYWAAAC"))
        let polling = OpenPacket(sid: sid, upgrades: [.websocket]).unit
        #expect(
            polling.text == #"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"#
                + #""pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#
        )
        let other = OpenPacket(
            sid: sid,
            upgrades: [],
            pingInterval: .milliseconds(300),
            pingTimeout: .seconds(1.25),
            maxPayload: 5
        ).unit
        #expect(
            other.text == #"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"#
                + #""pingInterval":300,"pingTimeout":1250,"maxPayload":5}"#
        )
        let extreme = OpenPacket(
            sid: sid,
            upgrades: [.polling, .websocket],
            pingInterval: .seconds(Int64.max),
            pingTimeout: .seconds(-1),
            maxPayload: -1
        ).unit
        #expect(
            extreme.text == #"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["polling","websocket"],"#
                + #""pingInterval":18446744073709551615,"pingTimeout":0,"maxPayload":0}"#
        )
    }

    @Test("§1: an id is 12 random bytes and a counter, in 20 url-safe characters")
    func sessionIDs() {
        let zero = SessionID(random: (0, 0), counter: 0)
        #expect(zero.description == "AAAAAAAAAAAAAAAAAAAA")
        let first = SessionID(random: (.max, .max), counter: 0)
        #expect(first.description == "________________AAAA")
        let second = SessionID(random: (0xFBEF_BEFB_EFBE_FBEF, 0xBEFB_EFBE), counter: 0x100_0001)
        #expect(second.description == "----------------AAAB")
        let sample = SessionID(random: (0x0001_0203_0405_0607, 0x0809_0A0B), counter: 0x0C_0D0E)
        let bytes = SharedBytes([UInt8](0..<15))
        let encoded = Base64.encode(bytes.bytes)
        #expect(sample.description == encoded.text)
        for sid in [zero, first, second, sample] { #expect(id(sid.description) == sid) }
    }

    @Test(
        "§1: what means something in a URL, a cookie or a script is no id",
        arguments: [
            "", "AAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAA+", "/AAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAA ü", "a b", "a&b", "a;b", "a\"b", "a\nb", "a%41", "a#b", "<", "\0",
            String(repeating: "a", count: 129),
        ]
    )
    func notIDs(text: String) {
        #expect(id(text) == nil)
    }

    @Test(
        "§12: an app's own id keeps its form",
        arguments: [
            "a", "AAAA", "AAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAA.",
            "user-1.2_3~4", String(repeating: "z", count: 128),
        ]
    )
    func ownIDs(text: String) throws {
        let own = try #require(id(text))
        #expect(own.description == text)
        #expect(own == id(text))
        #expect(own != id("AAAAAAAAAAAAAAAAAAAA"))
        #expect(OpenPacket(sid: own, upgrades: []).unit.text.hasPrefix(#"0{"sid":"\#(text)","#))
        #expect(SessionCookie().fieldValue(for: own).hasPrefix("io=\(text); "))
    }

    @Test(
        "§3: code, message, status and body of each error",
        arguments: [
            (.transportUnknown, 400, #"{"code":0,"message":"Transport unknown"}"#),
            (.sessionIDUnknown, 400, #"{"code":1,"message":"Session ID unknown"}"#),
            (.badHandshakeMethod, 400, #"{"code":2,"message":"Bad handshake method"}"#),
            (.badRequest(.invalidOrigin), 400, #"{"code":3,"message":"Bad request"}"#),
            (
                .badRequest(.transportMismatch(previous: .polling)), 400,
                #"{"code":3,"message":"Bad request"}"#
            ),
            (.badRequest(.idGeneration("x")), 400, #"{"code":3,"message":"Bad request"}"#),
            (
                .tooManyRequests(retryAfter: 3), 429,
                #"{"code":100,"message":"Too many requests"}"#
            ),
            (.shuttingDown, 503, #"{"code":101,"message":"Server shutting down"}"#),
            (.forbidden(nil), 403, #"{"code":4,"message":"Forbidden"}"#),
            (.forbidden("no \"guests\"\\"), 403, #"{"code":4,"message":"no \"guests\"\\"}"#),
            (
                .forbidden("a\n\r\t\u{8}\u{C}\u{0}\u{1B}\u{7F}é/"), 403,
                #"{"code":4,"message":"a\n\r\t\b\f\u0000\u001b"# + "\u{7F}é/\"}"
            ),
            (
                .unsupportedProtocolVersion, 400,
                #"{"code":5,"message":"Unsupported protocol version"}"#
            ),
        ] as [(HandshakeError, Int, String)]
    )
    func errors(error: HandshakeError, status: Int, body: String) {
        #expect(error.status == status)
        #expect(error.body.text == body)
    }

    @Test("§10: the close reasons by name")
    func closeReasons() {
        #expect(
            CloseReason.allCases.map(\.rawValue) == [
                "transport close", "transport error", "ping timeout", "parse error", "forced close",
            ]
        )
    }

    @Test(
        "§2: exactly 4 is version 4, all else version 3",
        arguments: [
            ("4", .v4), ("3", .v3), ("", .v3), ("04", .v3), ("4 ", .v3), (nil, .v3),
        ] as [(String?, EngineVersion)]
    )
    func versions(value: String?, version: EngineVersion) {
        let bytes = value.map { SharedBytes($0) }
        let named = EngineVersion(query: bytes?.bytes)
        #expect(named == version)
    }

    @Test(
        "§2: transports by name",
        arguments: [
            ("polling", .polling), ("websocket", .websocket), ("webtransport", nil), ("", nil),
            ("Polling", nil),
        ] as [(String, TransportName?)]
    )
    func transports(value: String, transport: TransportName?) {
        let named = TransportName(query: SharedBytes(value).bytes)
        #expect(named == transport)
    }
}
