import Bytes
import HTTP1
import Testing

@Suite("RFC 9112: responses")
struct ResponseTests {
    private let ok = SharedBytes("ok")

    @Test("§4: a complete response, byte for byte")
    func complete() {
        let response = ResponseWriter.response(
            200,
            fields: [("Content-Type", "text/html"), ("cache-control", "no-store")],
            body: ok,
            keepsAlive: true,
            date: HTTPDate.format(secondsSinceEpoch: 784_111_777)
        )
        #expect(
            response.text == """
                HTTP/1.1 200 OK\r
                Content-Type: text/html\r
                cache-control: no-store\r
                Date: Sun, 06 Nov 1994 08:49:37 GMT\r
                Content-Length: 2\r
                Connection: keep-alive\r
                \r
                ok
                """
        )
    }

    @Test("RFC 9110 §9.3.2: HEAD has the length and not the body")
    func head() {
        let response = ResponseWriter.response(404, body: ok, isHead: true, keepsAlive: false)
        let wanted = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        #expect(response.text == wanted)
    }

    @Test("§6.3: 204 and 304 have neither body nor length", arguments: [204, 304])
    func bodiless(status: Int) {
        let response = ResponseWriter.response(status, body: ok, keepsAlive: true).text
        #expect(!response.contains("Content-Length") && response.hasSuffix("\r\n\r\n"))
    }

    @Test("§11.1: no response splitting, whatever an app passes")
    func splitting() {
        let response = ResponseWriter.response(
            200,
            fields: [
                ("A", "b\r\nSet-Cookie: x=\u{0}y\tz"), ("B\r\nC", "d"), ("", "e"), ("F:", "g"),
                ("content-LENGTH", "7"), ("transfer-encoding", "chunked"), ("Connection", "x"),
                ("D", "12345678901\n"), ("Grüße", "h"), ("I", "grüße"), ("date", "never"),
            ],
            keepsAlive: true,
            date: "now"
        )
        #expect(
            response.text == """
                HTTP/1.1 200 OK\r
                A: b  Set-Cookie: x= y\tz\r
                D: 12345678901 \r
                I: grüße\r
                Date: now\r
                Content-Length: 0\r
                Connection: keep-alive\r
                \r

                """
        )
    }

    @Test("an own Date passes where none is given")
    func ownDate() {
        let response = ResponseWriter.response(200, fields: [("Date", "d")], keepsAlive: true)
        #expect(response.text.contains("\r\nDate: d\r\n"))
    }

    @Test("§4: a status out of range is 500, one without a phrase has none")
    func statuses() {
        for status in [Int.min, -1, 0, 100, 199, 600, Int.max] {
            let response = ResponseWriter.response(status, keepsAlive: true)
            #expect(response.text.hasPrefix("HTTP/1.1 500 Internal Server Error\r\n"))
        }
        #expect(ResponseWriter.response(299, keepsAlive: true).text.hasPrefix("HTTP/1.1 299 \r\n"))
    }

    @Test("RFC 9110 §15: every status of a parse error has a reason")
    func reasons() {
        for error in HTTPParseError.allCases {
            #expect(ResponseWriter.reason(error.status).utf8CodeUnitCount > 0)
        }
    }

    @Test("RFC 9110 §15.2.1: 100")
    func interim() {
        #expect(ResponseWriter.continueResponse.text == "HTTP/1.1 100 Continue\r\n\r\n")
    }

    @Test(
        "RFC 9110 §5.6.7: dates",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (Int.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (Int.min, "Mon, 01 Jan 0001 00:00:00 GMT"),
        ]
    )
    func dates(seconds: Int, date: String) {
        #expect(HTTPDate.format(secondsSinceEpoch: seconds) == date)
    }
}
