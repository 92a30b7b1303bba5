import Bytes
import EngineIOProtocol
import Glibc
import HTTP1
import Synchronization
import Testing
import WebSocket

@testable import EngineIO

@Suite("Peers that read slowly")
struct SlowReaderTests {
    private func target(_ sid: String) -> String { TestServer.path + "polling&sid=\(sid)" }

    /// A route of so many bytes at `/big`.
    private static func routes(_ count: Int) -> RouteTable {
        var routes = RouteTable()
        let body = SharedBytes([UInt8](repeating: 0x78, count: count))
        routes.add(.get, "/big") { _ in RouteResponse(status: 200, body: body) }
        return routes
    }

    @Test("An answer to a poll arrives whole, however slowly it is read and little may wait")
    func largeAnswer() async throws {
        try await TestServer.run(
            options: .with {
                $0.maxSendQueueBytes = 64 << 10
                $0.maxHTTPBufferSize = 16 << 20
                $0.sendQueuePolicy = .dropOldest
            }
        ) { server in
            // An echo is an event that may not be dropped, so it is all there may be.
            let (sid, client) = try server.pollingSession()
            let text = "4" + String(repeating: "x", count: 60_000)
            for _ in 0..<3 {
                #expect(try client.exchange("POST", target(sid), body: text).body == "ok")
                #expect(try client.exchange("GET", target(sid)).body == text)
            }
            // A WebSocket has a packet handed over that is larger than what may wait.
            let (_, socket) = try server.webSocketSession()
            let large = [UInt8](repeating: 7, count: 8 << 20)
            for _ in 0..<3 {
                socket.send(bytes: RawClient.frame(2, large))
                #expect(try socket.readFrame().payload == large)
            }
            #expect(server.engine.sessionCount == 2)
        }
    }

    @Test("Who polls again without having read the answer is given up: it is lost, or adds up")
    func unreadAnswer() async throws {
        try await TestServer.run(options: .with { $0.maxHTTPBufferSize = 16 << 20 }) { server in
            let text = "4" + String(repeating: "x", count: 15 << 20)
            for closes in [false, true] {
                let (sid, client) = try server.pollingSession()
                #expect(try client.exchange("POST", target(sid), body: text).body == "ok")
                let slow = try server.client()
                slow.request("GET", target(sid))
                // It has begun, and is more than the kernel takes.
                #expect(slow.hasBytes(within: 60_000))
                if closes { slow.close() }
                #expect(try client.exchange("GET", target(sid)).status == 400)
                let end = SessionLog.End(
                    reason: .transportError,
                    description: "poll response not read"
                )
                #expect(await server.log.next() == end)
            }
        }
    }

    @Test("Polls and POSTs may change places on their connections")
    func twoConnections() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            var (poller, poster) = (client, try server.client())
            for number in 0..<200 {
                poller.request("GET", target(sid))
                poster.request("POST", target(sid), body: "4\(number)")
                #expect(try poller.response().body == "4\(number)")
                // Its answer may not have left yet when the other connection polls again.
                swap(&poller, &poster)
                poster.request("POST", target(sid), body: "4x\(number)")
                #expect(try poller.response().body == "ok")
                #expect(try poller.exchange("GET", target(sid)).body == "4x\(number)")
                #expect(try poster.response().body == "ok")
            }
        }
    }

    @Test("What follows a read answer on its connection, and is stuck or lost, is not its matter")
    func sharedConnection() async throws {
        try await TestServer.run(routes: Self.routes(16 << 20)) { server in
            for closes in [false, true] {
                let (sid, client) = try server.pollingSession()
                let shared = try server.client()
                #expect(try client.exchange("POST", target(sid), body: "4a").body == "ok")
                #expect(try shared.exchange("GET", target(sid)).body == "4a")
                shared.request("GET", "/big")
                #expect(shared.hasBytes(within: 60_000))
                if closes { shared.close() }
                #expect(try client.exchange("POST", target(sid), body: "4b").body == "ok")
                #expect(try client.exchange("GET", target(sid)).body == "4b")
            }
        }
    }

    @Test("A WebSocket opened behind answers that are stuck keeps the order of what it sends")
    func stuckUpgrade() async throws {
        try await TestServer.run(
            routes: Self.routes(16 << 20),
            options: .with {
                $0.maxUnsentBytes = 1 << 30
                $0.deflate = DeflatePolicy()
            }
        ) { server in
            for extensions in [[], ["Sec-WebSocket-Extensions: permessage-deflate"]] {
                let client = try server.client()
                let fields = ["Host: a"] + RawClient.upgradeFields + extensions
                let upgrade =
                    (["GET \(TestServer.path)websocket HTTP/1.1"] + fields)
                    .joined(separator: "\r\n") + "\r\n\r\n"
                client.request("GET", "/big")
                client.send(bytes: Array(upgrade.utf8) + RawClient.frame(1, Array("4a".utf8)))
                #expect(try client.response().bytes.count == 16 << 20)
                #expect(try client.response().status == 101)
                #expect(try client.readFrame().text.hasPrefix("0{"))
                #expect(try client.readFrame().text == "4a")
                client.sendFrame("4b")
                #expect(try client.readFrame().text == "4b")
            }
        }
    }

    @Test(
        "`drained` comes after an upgrade too that carries all at once",
        arguments: [10, 100_000]
    )
    func drainAtUpgrade(count: Int) async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            let text = "4" + String(repeating: "x", count: count)
            #expect(try client.exchange("POST", target(sid), body: text).body == "ok")
            let socket = try server.client()
            try socket.upgrade(TestServer.path + "websocket&sid=\(sid)")
            socket.sendFrame("2probe")
            #expect(try socket.readFrame() == .text("3probe"))
            socket.sendFrame("5")
            #expect(try socket.readFrame() == .text(text))
            socket.sendFrame("4a")
            #expect(try socket.readFrame() == .text("4a"))
            #expect(server.log.drains.load(ordering: .relaxed) == 1)
        }
    }

    @Test("RFC 6455 §5.5.3: of many pings behind much output the last one is answered")
    func pings() async throws {
        try await TestServer.run { server in
            let (_, client) = try server.webSocketSession()
            let text = "4" + String(repeating: "x", count: 20_000)
            var bytes = RawClient.frame(1, Array(text.utf8))
            for number in 0..<1000 { bytes += RawClient.frame(9, Array("\(number)".utf8)) }
            client.send(bytes: bytes)
            #expect(try client.readFrame() == .text(text))
            var count = 0
            var last = ""
            while last != "999" {
                let frame = try client.readFrame()
                #expect(frame.opcode == 10)
                last = frame.text
                count += 1
            }
            #expect(count < 1000)
            // A few are answered one by one.
            client.send(bytes: RawClient.frame(9, [1]) + RawClient.frame(9, [2]))
            #expect(try client.readFrame().payload == [1])
            #expect(try client.readFrame().payload == [2])
        }
    }

    @Test("A download may last longer than an idle connection is kept, as long as it goes on")
    func slowDownload() async throws {
        let size = 32 << 20
        try await TestServer.run(
            routes: Self.routes(size),
            options: .with { $0.keepAliveTimeout = .seconds(4) }
        ) { server in
            let client = try server.client()
            client.request("GET", "/big")
            // Time itself is what matters here: twice that of the connection, in large portions.
            for _ in 0..<6 {
                try client.buffer(size / 7)
                usleep(1_300_000)
            }
            #expect(try client.response().bytes.count == size)
            #expect(try client.exchange("GET", "/").status == 404)
        }
    }
}
