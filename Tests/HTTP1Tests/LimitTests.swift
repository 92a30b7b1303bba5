import Bytes
import HTTP1
import Testing

@Suite("Limits: the last allowed, the first refused")
struct LimitTests {
    private func error(
        _ wire: String,
        _ change: (inout HTTPLimits) -> Void
    ) -> HTTPParseError? {
        var limits = HTTPLimits()
        change(&limits)
        let bytes = SharedBytes(wire)
        let whole = HTTPTranscript(of: [bytes], limits: limits)
        for split in [ByteSplit.oneByOne, .everyCut] {
            for arrival in split.arrivals(of: bytes) {
                let transcript = HTTPTranscript(of: arrival, limits: limits)
                #expect(transcript == whole)
            }
        }
        #expect(!whole.isStuck && whole.isBetweenRequests == (whole.error == nil))
        return whole.error
    }

    @Test("RFC 6585 §5: bytes of a head")
    func headBytes() {
        let wire = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let count = wire.utf8.count
        #expect(error(wire) { $0.maxHeadBytes = count } == nil)
        #expect(error("\r\n" + wire) { $0.maxHeadBytes = count } == nil)
        #expect(error(wire) { $0.maxHeadBytes = count - 1 } == .headTooLarge)
        #expect(error(String(repeating: "a", count: 50)) { $0.maxHeadBytes = 50 } == .headTooLarge)
        #expect(
            error("GET " + String(repeating: "a", count: 50)) { $0.maxHeadBytes = 50 }
                == .targetTooLong
        )
        #expect(error(wire) { $0.maxHeadBytes = 0 } == .headTooLarge)
    }

    @Test("RFC 6585 §5: number of fields")
    func fieldCount() {
        let wire = "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nA: c\r\n\r\n"
        #expect(error(wire) { $0.maxFieldCount = 3 } == nil)
        #expect(error(wire) { $0.maxFieldCount = 2 } == .tooManyFields)
    }

    @Test("RFC 9110 §15.5.15: bytes of a target")
    func targetBytes() {
        let wire = "GET /12345?789 HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(error(wire) { $0.maxTargetBytes = 10 } == nil)
        #expect(error(wire) { $0.maxTargetBytes = 9 } == .targetTooLong)
    }

    @Test("RFC 9110 §15.5.14: bytes of a body")
    func bodyBytes() {
        let plain = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"
        #expect(error(plain) { $0.maxBodyBytes = 5 } == nil)
        #expect(error(plain) { $0.maxBodyBytes = 4 } == .bodyTooLarge)
        let start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let chunked = start + "3\r\n123\r\n2\r\n45\r\n0\r\n\r\n"
        #expect(error(chunked) { $0.maxBodyBytes = 5 } == nil)
        #expect(error(chunked) { $0.maxBodyBytes = 4 } == .bodyTooLarge)
    }

    @Test("RFC 9112 §7.1.1: bytes of the chunk extensions of a body")
    func chunkExtensions() {
        let start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let chunked = start + "1;ab\r\nx\r\n0;cd\r\n\r\n"
        #expect(error(chunked) { $0.maxChunkExtensionBytes = 6 } == nil)
        #expect(error(chunked) { $0.maxChunkExtensionBytes = 5 } == .malformedChunk)
    }

    @Test("RFC 9112 §7.1.2: bytes of the trailers")
    func trailers() {
        let start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let chunked = start + "0\r\na: b\r\nc:\r\n\r\n"
        #expect(error(chunked) { $0.maxTrailerBytes = 10 } == nil)
        #expect(error(chunked) { $0.maxTrailerBytes = 9 } == .trailersTooLarge)
    }

    @Test("RFC 9112 §2.2: empty lines before a request")
    func emptyLines() {
        let wire = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(error(wire) { $0.maxEmptyLines = 2 } == nil)
        #expect(error(wire + wire) { $0.maxEmptyLines = 2 } == nil)
        #expect(error(wire) { $0.maxEmptyLines = 1 } == .malformedRequestLine)
    }

    @Test("a request's own body limit holds for it alone, and before its body is read")
    func ownBodyLimit() throws {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
        var parser = RequestParser()
        let bytes = SharedBytes(head)
        for limit in [3, 1_000_000] {
            var offset = 0
            _ = try parser.next(in: bytes.bytes, at: &offset)
            parser.setBodyLimit(limit)
            _ = try events("abc", &parser)
            let isBetweenRequests = parser.isBetweenRequests
            #expect(isBetweenRequests)
        }
        var offset = 0
        _ = try parser.next(in: bytes.bytes, at: &offset)
        parser.setBodyLimit(2)
        do {
            _ = try events("", &parser)
            Issue.record("not refused")
        } catch {
            #expect(error == .bodyTooLarge)
        }
    }

    @Test("the defaults")
    func defaults() {
        let limits = HTTPLimits()
        #expect(limits.maxHeadBytes == 16_384 && limits.maxTargetBytes == 8192)
        #expect(limits.maxFieldCount == 100 && limits.maxBodyBytes == 1_000_000)
    }
}
