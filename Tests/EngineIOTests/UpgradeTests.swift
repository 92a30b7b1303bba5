import EngineIOProtocol
import Testing

@testable import EngineIO

@Suite("protocol.md §8: upgrade from polling to WebSocket", .timeLimit(.minutes(5)))
struct UpgradeTests {
    private func target(_ sid: String) -> String { TestServer.path + "polling&sid=\(sid)" }

    private func probe(_ server: TestServer, _ sid: String) throws -> RawClient {
        let client = try server.client()
        try client.upgrade(TestServer.path + "websocket&sid=\(sid)")
        return client
    }

    @Test("§8.3–8.5: probe, noop, upgrade, queued packets over the WebSocket", arguments: [1, 2])
    func upgrade(loops: Int) async throws {
        try await TestServer.run(loops: loops) { server in
            for _ in 0..<(loops == 1 ? 1 : 6) {
                let (sid, poller) = try server.pollingSession()
                poller.request("GET", target(sid))
                let socket = try probe(server, sid)
                socket.sendFrame("2probe")
                #expect(try socket.readFrame() == .text("3probe"))
                #expect(try poller.response().body == "6")
                let poster = try server.client()
                _ = try poster.exchange("POST", target(sid), body: "4queued\u{1E}bAQI=")
                socket.sendFrame("5")
                #expect(try socket.readFrame() == .text("4queued"))
                #expect(try socket.readFrame() == .init(opcode: 2, payload: [1, 2]))
                socket.sendFrame("4!transport")
                #expect(try socket.readFrame() == .text("4webSocket"))
                let late = try poster.exchange("GET", target(sid))
                #expect(late.body == RoutingExample.badRequest)
            }
        }
    }

    @Test("§8.4: a noop every 100 ms while the client probes; messages still leave by polling")
    func noops() async throws {
        try await TestServer.run { server in
            let (sid, poller) = try server.pollingSession()
            let socket = try probe(server, sid)
            socket.sendFrame("2probe")
            #expect(try socket.readFrame() == .text("3probe"))
            for _ in 0..<3 { #expect(try poller.exchange("GET", target(sid)).body == "6") }
            let poster = try server.client()
            _ = try poster.exchange("POST", target(sid), body: "4x")
            #expect(try poller.exchange("GET", target(sid)).body == "4x")
        }
    }

    @Test("§8.5: `5` without a probe; the pending GET gets `1`, the POST is cut off")
    func upgradeWithRequests() async throws {
        try await TestServer.run { server in
            let (sid, poller) = try server.pollingSession()
            poller.request("GET", target(sid))
            let poster = try server.client()
            poster.send("POST \(target(sid)) HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n4")
            let socket = try probe(server, sid)
            _ = try server.client().exchange("GET", "/")
            socket.sendFrame("5")
            #expect(try poller.response().body == "1")
            #expect(poster.readsEnd())
            socket.sendFrame("4on")
            #expect(try socket.readFrame() == .text("4on"))
        }
    }

    @Test("§8.8: a GET whose body ends only after the upgrade is a mismatch")
    func lateGET() async throws {
        try await TestServer.run { server in
            let (sid, poller) = try server.pollingSession()
            poller.send("GET \(target(sid)) HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
            let socket = try probe(server, sid)
            _ = try server.client().exchange("GET", "/")
            socket.sendFrame("5")
            socket.sendFrame("4on")
            #expect(try socket.readFrame() == .text("4on"))
            poller.send("x")
            #expect(try poller.response().body == RoutingExample.badRequest)
        }
    }

    @Test(
        "§8.6: whatever else a probe sends closes it; the session goes on",
        arguments: [
            RawClient.frame(1, Array("2foo".utf8)), RawClient.frame(1, Array("4x".utf8)),
            RawClient.frame(1, Array("abc".utf8)), RawClient.frame(2, [1]),
            RawClient.frame(1, Array("bAQID".utf8)), RawClient.frame(1, Array("1".utf8)),
        ]
    )
    func abandoned(frame: [UInt8]) async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            let socket = try probe(server, sid)
            socket.send(bytes: frame)
            #expect(try socket.readFrame() == .close())
            #expect(socket.readsEnd())
            _ = try client.exchange("POST", target(sid), body: "4on")
            #expect(try client.exchange("GET", target(sid)).body == "4on")
            let again = try probe(server, sid)
            again.sendFrame("2probe")
            #expect(try again.readFrame() == .text("3probe"))
        }
    }

    @Test("§8.6: a probe that goes, or breaks the rules, leaves the session on polling")
    func lostProbe() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            try probe(server, sid).close()
            let socket = try probe(server, sid)
            socket.send(bytes: RawClient.frame(3, []))
            // The first one may still be there; then this one is not wanted.
            #expect([.close(1002), .close()].contains(try socket.readFrame()))
            _ = try client.exchange("POST", target(sid), body: "4on")
            #expect(try client.exchange("GET", target(sid)).body == "4on")
        }
    }

    @Test("§8.2: a second WebSocket, while probing or upgraded, is accepted and closed")
    func secondSocket() async throws {
        try await TestServer.run { server in
            let (sid, _) = try server.pollingSession()
            let first = try probe(server, sid)
            let second = try probe(server, sid)
            #expect(try second.readFrame() == .close())
            #expect(second.readsEnd())
            first.sendFrame("5")
            first.sendFrame("4a")
            #expect(try first.readFrame() == .text("4a"))
            #expect(try probe(server, sid).readFrame() == .close())
            first.sendFrame("4b")
            #expect(try first.readFrame() == .text("4b"))
            let (own, socket) = try server.webSocketSession()
            #expect(try probe(server, own).readFrame() == .close())
            socket.sendFrame("4c")
            #expect(try socket.readFrame() == .text("4c"))
        }
    }

    @Test("§8.3: a probe that takes too long is closed")
    func timeout() async throws {
        #expect(EngineOptions().upgradeTimeout == .seconds(10))
        try await TestServer.run(options: .with { $0.upgradeTimeout = .seconds(1) }) {
            server in
            let (sid, client) = try server.pollingSession()
            #expect(try probe(server, sid).readFrame() == .close())
            _ = try client.exchange("POST", target(sid), body: "4on")
            #expect(try client.exchange("GET", target(sid)).body == "4on")
        }
    }

    @Test("§8.9: a session that ends while probing closes the WebSocket")
    func closedWhileProbing() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            let socket = try probe(server, sid)
            _ = try client.exchange("POST", target(sid), body: "1")
            #expect(try socket.readFrame() == .close())
            #expect(await server.log.next()?.reason == .transportClose)
        }
    }

    @Test("§8.9: close() while probing, then `5`: the upgraded transport closes, forced")
    func closingWhileProbing() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            let socket = try probe(server, sid)
            _ = try client.exchange("POST", target(sid), body: "4!bye")
            socket.sendFrame("5")
            #expect(try socket.readFrame() == .text("4bye"))
            #expect(try socket.readFrame() == .close())
            #expect(await server.log.next() == SessionLog.End(reason: .forcedClose))
        }
    }

    @Test("§8.10: the upgrade ends a pong's time limit and starts an interval")
    func heartbeat() async throws {
        try await TestServer.run(
            options: .with {
                $0.pingInterval = .milliseconds(60)
                $0.pingTimeout = .seconds(2)
            }
        ) { server in
            let (sid, client) = try server.pollingSession()
            #expect(try client.exchange("GET", target(sid)).body == "2")
            let socket = try probe(server, sid)
            socket.sendFrame("5")
            // Longer than the time limit would be.
            for _ in 0..<40 {
                #expect(try socket.readFrame() == .text("2"))
                socket.sendFrame("3")
            }
        }
    }
}
