import Bytes
import HTTP1
import Support
import Testing

@Suite("RFC 9112: requests")
struct RequestParserTests {
    @Test("accepted requests, in every split", arguments: Example.accepted, ByteSplit.allCases)
    func accepts(_ example: Example, split: ByteSplit) {
        for arrival in split.arrivals(of: SharedBytes(example.wire)) {
            let transcript = HTTPTranscript(of: arrival)
            #expect(transcript.error == nil && !transcript.isStuck)
            #expect(transcript.isBetweenRequests)
            let bodies = transcript.requests.map { String(decoding: $0.body, as: UTF8.self) }
            let isTwice = split == .everythingTwice
            #expect(bodies == (isTwice ? example.bodies + example.bodies : example.bodies))
            #expect(transcript.requests.allSatisfy { $0.isComplete })
            let lines = transcript.requests.first?.summary.split(
                separator: "\n",
                omittingEmptySubsequences: false
            )
            for line in example.says {
                #expect(lines?.contains(Substring(line)) == true, "\(line)")
            }
        }
    }

    @Test("refused requests, in every split", arguments: Example.refused, ByteSplit.allCases)
    func refuses(_ example: Example, split: ByteSplit) {
        for arrival in split.arrivals(of: SharedBytes(example.wire)) {
            let transcript = HTTPTranscript(of: arrival)
            #expect(transcript.error == example.error && !transcript.isStuck)
            let bodies = transcript.requests.map { String(decoding: $0.body, as: UTF8.self) }
            #expect(bodies == example.bodies)
            #expect(transcript.requests.allSatisfy { !$0.isComplete })
        }
    }

    @Test("§9.3: what persists")
    func persistence() throws {
        func keepsAlive(_ wire: String) throws -> Bool { try head(wire).keepsAlive }
        #expect(try keepsAlive("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == true)
        #expect(
            try keepsAlive("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n") == false
        )
        #expect(try keepsAlive("GET / HTTP/1.0\r\n\r\n") == false)
        #expect(try keepsAlive("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n") == true)
        #expect(try keepsAlive("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n") == false)
    }

    @Test("RFC 9110 §10.1.1: without a body or in HTTP/1.0 nothing is expected")
    func expectations() throws {
        let bodiless = try head("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
        #expect(!bodiless.expectsContinue)
        let old = try head("GET / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        #expect(!old.expectsContinue)
    }

    @Test("RFC 9110 §7.8: an upgrade takes both fields and HTTP/1.1")
    func upgrades() throws {
        func wants(_ fields: String, version: String = "1.1") throws -> Bool {
            try head("GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n\r\n")
                .wantsUpgrade(to: "websocket")
        }
        #expect(try wants("Connection: upgrade\r\nUpgrade: websocket") == true)
        #expect(try wants("Connection: upgrade\r\nUpgrade: websockets") == false)
        #expect(try wants("Connection: upgraded\r\nUpgrade: websocket") == false)
        #expect(try wants("Upgrade: websocket") == false)
        #expect(try wants("Connection: upgrade") == false)
        #expect(try wants("Connection: upgrade\r\nUpgrade: websocket", version: "1.0") == false)
    }

    @Test("RFC 9110 §5: fields are found without case, first and all")
    func fields() throws {
        let head = try head("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nB:\r\n\r\n")
        #expect(head.fields["X-a"]?.text == "1")
        #expect(head.fields.all("x-A").map(\.text) == ["1", "2"])
        #expect(head.fields["b"]?.isEmpty == true)
        #expect(head.fields["c"] == nil)
        #expect(head.fields.map(\.name.text) == ["Host", "X-A", "x-a", "B"])
        #expect(head.method == .get)
    }

    @Test("a head can be replayed into another parser, with what follows it")
    func replay() throws {
        let wire = SharedBytes(
            "\r\nPOST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET"
        )
        for cut in 0..<wire.count - 7 {
            var parser = RequestParser()
            var offset = 0
            var head: RequestHead?
            for part in [wire[0..<cut], wire[cut..<wire.count]] {
                offset = 0
                let bytes = part.bytes
                while head == nil, offset < bytes.byteCount {
                    if case .head(let parsed) = try parser.next(in: bytes, at: &offset) {
                        head = parsed
                    }
                }
            }
            let raw = try #require(head).bytes
            let rest = wire[cut + offset..<wire.count]
            #expect(rest.text == "bodyGET")
            let transcript = HTTPTranscript(of: [raw, rest])
            #expect(transcript.requests.map(\.body) == [Array("body".utf8)])
            #expect(!transcript.isBetweenRequests)
        }
    }

    @Test("the parser says where it stands, and stays failed")
    func phases() throws {
        var parser = RequestParser()
        func states(_ parser: borrowing RequestParser) -> [Bool] {
            [parser.isBetweenRequests, parser.isReadingHead, parser.isReadingBody]
        }
        #expect(states(parser) == [true, false, false])
        _ = try events("\r\n", &parser)
        #expect(states(parser) == [true, false, false])
        _ = try events("P", &parser)
        #expect(states(parser) == [false, true, false])
        _ = try events("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", &parser)
        #expect(states(parser) == [false, false, true])
        _ = try events("a", &parser)
        #expect(states(parser) == [false, false, true])
        _ = try events("a", &parser)
        #expect(states(parser) == [true, false, false])
        for wire in ["{", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
            do {
                _ = try events(wire, &parser)
                Issue.record("not refused")
            } catch {
                #expect(error == .malformedRequestLine)
            }
        }
        #expect(states(parser) == [false, false, false])
    }

    @Test("every error has its status")
    func statuses() {
        let others: [HTTPParseError: Int] = [
            .bodyTooLarge: 413, .targetTooLong: 414, .headTooLarge: 431, .tooManyFields: 431,
            .trailersTooLarge: 431, .unsupportedTransferCoding: 501, .unsupportedVersion: 505,
        ]
        for error in HTTPParseError.allCases { #expect(error.status == others[error] ?? 400) }
    }

    @Test("fuzz: mutated examples never trap, and mean the same in every split")
    func fuzz() {
        let wires = (Example.accepted + Example.refused).map { Array($0.wire.utf8) }
        let alphabet = Array("\r\n\0 \t:,;/?%&=0f\u{7F}".utf8) + [0x80, 0xFF]
        var random = SplitMix64(seed: 2)
        for round in 0..<6000 {
            let input = random.mutated(
                wires[round % wires.count],
                alphabet: alphabet,
                others: wires
            )
            let agrees = HTTP1Fuzz.run(input)
            if !agrees { Issue.record("splits disagree: \(input)") }
        }
    }
}

/// The head of `wire`.
func head(_ wire: String) throws -> RequestHead {
    var parser = RequestParser()
    let bytes = SharedBytes(wire)
    var offset = 0
    let event = try parser.next(in: bytes.bytes, at: &offset)
    guard case .head(let head) = event else { throw NoHead() }
    return head
}

struct NoHead: Error {}

/// The events of `wire` up to the end of its bytes.
func events(
    _ wire: String,
    _ parser: inout RequestParser
) throws(HTTPParseError) -> [RequestParser.Event] {
    let bytes = SharedBytes(wire)
    var offset = 0
    var events: [RequestParser.Event] = []
    while true {
        let event = try parser.next(in: bytes.bytes, at: &offset)
        if case .needsMore = event { return events }
        events.append(event)
    }
}
