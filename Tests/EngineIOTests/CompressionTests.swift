import Bytes
import CZlib
import EngineIOProtocol
import HTTP1
import Testing
import WebSocket

@testable import EngineIO

/// What a client compresses and decompresses with.
private final class ClientDeflate {
    private var contexts = DeflateContexts(DeflatePolicy())
    private var deflate: PermessageDeflate

    init(takeover: Bool = false) {
        deflate = PermessageDeflate(
            DeflateParameters(
                serverNoContextTakeover: !takeover,
                clientNoContextTakeover: !takeover
            )
        )
    }

    /// The text of a frame, which must be compressed.
    func text(_ frame: RawClient.Frame) throws -> String {
        #expect(frame.isCompressed && frame.opcode == 1)
        let payload = SharedBytes(frame.payload)
        return try deflate.inflate(.text, payload.bytes, limit: 1 << 21, &contexts).text
    }

    /// A client's frame with `text` compressed, which must make it shorter.
    func frame(_ text: String, opcode: UInt8 = 0x41) throws -> [UInt8] {
        let text = SharedBytes(text)
        let frame = try #require(deflate.frame(.text, text.bytes, &contexts)).array
        let header = frame[1] < 126 ? 2 : frame[1] == 126 ? 4 : 10
        return RawClient.frame(opcode, [UInt8](frame[header...]))
    }
}

private let offer = ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]
private let long = String(repeating: "long text ", count: 200)

extension TestServer {
    /// A session over a WebSocket that has made an offer, and the answer to that.
    fileprivate func deflateSession(
        _ offer: [String] = offer
    ) throws -> (answer: String?, client: RawClient) {
        let client = try client()
        let response = try client.upgrade(Self.path + "websocket", fields: offer)
        #expect(try client.readFrame().text.hasPrefix("0{"))
        return (response["sec-websocket-extensions"], client)
    }
}

extension EngineOptions {
    /// With compression of WebSocket messages.
    fileprivate static func deflating(
        _ change: (inout DeflatePolicy) -> Void = { _ in }
    ) -> EngineOptions {
        var policy = DeflatePolicy()
        change(&policy)
        return .with { $0.deflate = policy }
    }
}

@Suite("RFC 7692, protocol.md §7: compressed messages", .timeLimit(.minutes(5)))
struct DeflateTests {
    @Test("Off by default: an offer is not answered, and RSV1 is an error")
    func off() async throws {
        try await TestServer.run { server in
            let (answer, client) = try server.deflateSession()
            #expect(answer == nil)
            client.sendFrame("4" + long)
            #expect(try client.readFrame() == .text("4" + long))
            client.send(bytes: try ClientDeflate().frame("4" + long))
            #expect(try client.readFrame() == .close(1002))
        }
    }

    @Test("Messages from the threshold on are compressed, both ways, frame by frame")
    func echoes() async throws {
        try await TestServer.run(options: .deflating()) { server in
            let (answer, client) = try server.deflateSession()
            let expected =
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            #expect(answer == expected)
            let deflate = ClientDeflate()
            for _ in 0..<3 {
                client.send(bytes: try deflate.frame("4" + long))
                #expect(try deflate.text(client.readFrame()) == "4" + long)
            }
            let atThreshold = "4" + String(repeating: "x", count: 1023)
            client.sendFrame(atThreshold)
            #expect(try deflate.text(client.readFrame()) == atThreshold)
            client.sendFrame(String(atThreshold.dropLast()))
            #expect(try client.readFrame() == .text(String(atThreshold.dropLast())))
            client.sendFrame("4!plain" + long)
            #expect(try client.readFrame() == .text("4!plain" + long))

            let whole = try deflate.frame("4" + long)
            let payload = whole[6...].enumerated().map { $1 ^ [1, 2, 3, 4][$0 & 3] }
            client.send(bytes: RawClient.frame(0x41, [UInt8](payload[..<5]), isFinal: false))
            client.send(bytes: RawClient.frame(9, [7]))
            client.send(bytes: RawClient.frame(0, [UInt8](payload[5...])))
            #expect(try client.readFrame() == .init(opcode: 10, payload: [7]))
            #expect(try deflate.text(client.readFrame()) == "4" + long)
        }
    }

    @Test("With takeover a message refers to the ones before it")
    func takeover() async throws {
        let options = EngineOptions.deflating {
            $0.serverNoContextTakeover = false
            $0.clientNoContextTakeover = false
        }
        try await TestServer.run(options: options) { server in
            let (answer, client) = try server.deflateSession()
            #expect(answer == "permessage-deflate")
            let deflate = ClientDeflate(takeover: true)
            var sizes: [Int] = []
            for _ in 0..<3 {
                client.send(bytes: try deflate.frame("4" + long))
                let frame = try client.readFrame()
                sizes.append(frame.payload.count)
                #expect(try deflate.text(frame) == "4" + long)
            }
            #expect(sizes[1] < sizes[0])
        }
    }

    @Test("Offers in several fields are one list; one that is none is answered 400")
    func offers() async throws {
        try await TestServer.run(options: .deflating()) { server in
            let second = try server.deflateSession([
                "Sec-WebSocket-Extensions: x-other; a=1",
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9",
            ])
            #expect(second.answer?.contains("server_max_window_bits=9") == true)
            let declined = try server.deflateSession([
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8"
            ])
            #expect(declined.answer == nil)
            let client = try server.client()
            let response = try client.exchange(
                "GET",
                TestServer.path + "websocket",
                fields: RawClient.upgradeFields + ["Sec-WebSocket-Extensions: permessage-deflate;"]
            )
            #expect(response.status == 400)
        }
    }

    @Test("A bomb is 1009 with a reason; data that does not decompress, or to no text, 1007")
    func refusals() async throws {
        var options = EngineOptions.deflating()
        options.maxHTTPBufferSize = 5000
        let bomb = try ClientDeflate().frame(String(repeating: "4", count: 5001))
        let broken = RawClient.frame(0x41, [0xFF, 0xFF])
        let notText = RawClient.frame(0x41, [0x00, 0x01, 0x00, 0xFE, 0xFF, 0xC3, 0x00])
        try await TestServer.run(options: options) { server in
            for (bytes, code) in [(bomb, 1009), (broken, 1007), (notText, 1007)] {
                let (_, client) = try server.deflateSession()
                client.send(bytes: bytes)
                let frame = try client.readFrame()
                #expect(frame.closeCode == UInt16(code))
                #expect(frame.payload.count > 2 || code == 1007)
                #expect(client.readsEnd())
                #expect(await server.log.next()?.reason == .transportError)
            }
            // The contexts that all share are as good as new.
            let (_, client) = try server.deflateSession()
            let deflate = ClientDeflate()
            client.send(bytes: try deflate.frame("4" + long))
            #expect(try deflate.text(client.readFrame()) == "4" + long)
        }
    }

    @Test("More than a turn may decompress is read in later ones, in order")
    func postponed() async throws {
        try await TestServer.run(options: .deflating()) { server in
            let (_, client) = try server.deflateSession()
            let deflate = ClientDeflate()
            let texts = (0..<20).map { "4\($0)" + String(repeating: "x", count: 900_000) }
            client.send(bytes: try texts.flatMap { try deflate.frame($0) })
            client.sendFrame("4last")
            for text in texts { #expect(try deflate.text(client.readFrame()) == text) }
            #expect(try client.readFrame() == .text("4last"))
            client.sendFrame("4again")
            #expect(try client.readFrame() == .text("4again"))
        }
    }

    @Test(
        "The same for what follows a request for a WebSocket that was pipelined behind others",
        arguments: [true, false],
        [0, 7, 8, 14, 15, 16]
    )
    func postponedEarly(asksMiddleware: Bool, count: Int) async throws {
        var routes = RouteTable()
        routes.add(.get, "/route") { _ in RouteResponse(status: 200) }
        try await TestServer.run(
            routes: routes,
            options: .deflating(),
            hooks: hooking { hooks in
                guard asksMiddleware else { return }
                hooks.middleware = { _ in MiddlewareVerdict(.proceed, fields: []) }
            }
        ) { server in
            let client = try server.client()
            let target = asksMiddleware ? "/socket.io/?EIO=4" : "/route"
            // What the loop has not read yet must not overtake what it has put off.
            var bytes: [UInt8] = []
            for _ in 0..<count {
                bytes += Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            }
            let upgrade = ["GET \(TestServer.path)websocket HTTP/1.1", "Host: a"]
            let lines = upgrade + RawClient.upgradeFields + offer + ["", ""]
            bytes += Array(lines.joined(separator: "\r\n").utf8)
            let deflate = ClientDeflate()
            let large = try deflate.frame("4" + String(repeating: "a", count: 300_000))
            let plain = RawClient.frame(1, Array("4plain".utf8))
            let filler = RawClient.frame(1, [UInt8](repeating: 0x34, count: 20_000))
            for _ in 0..<20 { bytes += large + filler + plain }
            client.send(bytes: bytes)
            for _ in 0..<count { _ = try client.response() }
            #expect(try client.response().status == 101)
            #expect(try client.readFrame().text.hasPrefix("0{"))
            for _ in 0..<20 {
                #expect(try deflate.text(client.readFrame()).utf8.count == 300_001)
                #expect(try client.readFrame().payload.count > 1)
                #expect(try client.readFrame().text == "4plain")
            }
        }
    }

    @Test("What a polling session has queued leaves compressed after its upgrade")
    func upgrade() async throws {
        try await TestServer.run(options: .deflating()) { server in
            let (sid, poller) = try server.pollingSession()
            let client = try server.client()
            try client.upgrade(TestServer.path + "websocket&sid=\(sid)", fields: offer)
            _ = try poller.exchange(
                "POST",
                TestServer.path + "polling&sid=\(sid)",
                body: "4" + long
            )
            client.sendFrame("5")
            #expect(try ClientDeflate().text(client.readFrame()) == "4" + long)
        }
    }
}

@Suite("protocol.md §11: compressed poll responses", .timeLimit(.minutes(5)))
struct HTTPCompressionTests {
    /// The response to a poll for `packets`, which are echoed.
    private func poll(
        _ server: TestServer,
        _ packets: String,
        accepting coding: String?
    ) throws -> RawClient.Response {
        let (sid, client) = try server.pollingSession()
        let target = TestServer.path + "polling&sid=\(sid)"
        let answer = try client.exchange("POST", target, body: packets)
        #expect(answer.body == "ok" && answer["content-encoding"] == nil)
        return try client.exchange(
            "GET",
            target,
            fields: coding.map { ["Accept-Encoding: \($0)"] } ?? []
        )
    }

    /// `bytes` out of their coding.
    private func decoded(_ response: RawClient.Response) -> String {
        var stream = z_stream()
        // 32: gzip or zlib, as the data says.
        #expect(czlib_inflate_init(&stream, 15 + 32) == Z_OK)
        defer { inflateEnd(&stream) }
        var input = response.bytes
        var output = [UInt8](repeating: 0, count: 1 << 22)
        let count = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                #expect(inflate(&stream, Z_FINISH) == Z_STREAM_END)
                return target.count - Int(stream.avail_out)
            }
        }
        return String(decoding: output[..<count], as: UTF8.self)
    }

    @Test(
        "As the client prefers, gzip on ties",
        arguments: [
            ("gzip, deflate, br", "gzip"), ("deflate, gzip", "gzip"), ("deflate", "deflate"),
            ("gzip;q=0.4, deflate;q=0.5", "deflate"), ("*", "gzip"), ("gzip;q=0, *", "deflate"),
            ("br", nil), ("identity", nil), ("gzip;q=0", nil), (nil, nil),
        ] as [(String?, String?)]
    )
    func codings(accepted: String?, coding: String?) async throws {
        try await TestServer.run { server in
            let response = try poll(server, "4" + long, accepting: accepted)
            #expect(response.status == 200)
            #expect(response["content-encoding"] == coding)
            #expect(response["content-type"] == "text/plain; charset=UTF-8")
            if coding == nil {
                #expect(response.body == "4" + long)
            } else {
                #expect(response.bytes.count < long.utf8.count / 2)
                #expect(decoded(response) == "4" + long)
            }
        }
    }

    @Test("From the threshold on, if a packet in it may be compressed, up to 1 MiB")
    func threshold() async throws {
        try await TestServer.run { server in
            let text = "4" + String(repeating: "x", count: 1023)
            let short = try poll(server, String(text.dropLast()), accepting: "gzip")
            #expect(short["content-encoding"] == nil)
            let response = try poll(server, text, accepting: "gzip")
            #expect(response["content-encoding"] == "gzip")
            let plain = try poll(server, "4!plain" + long, accepting: "gzip")
            #expect(plain["content-encoding"] == nil)
            let mixed = try poll(server, "4!plain" + long + "\u{1E}4a", accepting: "gzip")
            #expect(decoded(mixed) == "4!plain" + long + "\u{1E}4a")
            let half = "4" + String(repeating: "x", count: 600_000)
            let large = try poll(server, half + "\u{1E}4", accepting: "gzip")
            #expect(decoded(large).utf8.count == half.utf8.count + 2)
        }
        try await TestServer.run(options: .with { $0.httpCompressionThreshold = nil }) { server in
            let response = try poll(server, "4" + long, accepting: "gzip")
            #expect(response["content-encoding"] == nil)
        }
    }

    @Test("A POST that is compressed is answered 415, and the session goes on")
    func compressedPost() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            let target = TestServer.path + "polling&sid=\(sid)"
            let fields = ["Content-Encoding: gzip"]
            let response = try client.exchange("POST", target, fields: fields, body: "4x")
            #expect(response.status == 415)
            #expect(response["accept-encoding"] == "identity")
            let identity = ["Content-Encoding: identity"]
            let next = try client.exchange("POST", target, fields: identity, body: "4y")
            #expect(next.body == "ok")
            #expect(try client.exchange("GET", target).body == "4y")
        }
    }
}
