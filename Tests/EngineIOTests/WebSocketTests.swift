import EngineIOProtocol
import Testing

@testable import EngineIO

@Suite("protocol.md §7: WebSocket", .timeLimit(.minutes(5)))
struct WebSocketTests {
    private func end(_ reason: CloseReason, _ description: String? = nil) -> SessionLog.End {
        SessionLog.End(reason: reason, description: description)
    }

    @Test("§4, §7: open packet, text and binary, ping and pong of the protocol below")
    func echoes() async throws {
        try await TestServer.run(loops: 2) { server in
            let client = try server.client()
            let answer = try client.upgrade(TestServer.path + "websocket")
            #expect(answer["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(try client.readFrame().text.contains(#""upgrades":[],"#))
            client.sendFrame("4hello")
            #expect(try client.readFrame() == .text("4hello"))
            client.send(bytes: RawClient.frame(2, [1, 2, 3]))
            #expect(try client.readFrame() == .init(opcode: 2, payload: [1, 2, 3]))
            client.sendFrame("bAQID")
            #expect(try client.readFrame() == .init(opcode: 2, payload: [1, 2, 3]))
            client.send(bytes: RawClient.frame(9, [7]))
            #expect(try client.readFrame() == .init(opcode: 10, payload: [7]))
            client.send(bytes: RawClient.frame(1, [0x34, 0x61], isFinal: false))
            client.send(bytes: RawClient.frame(0, [0x62]))
            #expect(try client.readFrame() == .text("4ab"))
        }
    }

    @Test("§2: with `b64` binary messages are sent as text")
    func base64() async throws {
        try await TestServer.run { server in
            let (_, client) = try server.webSocketSession("&b64=1")
            client.send(bytes: RawClient.frame(2, [1, 2, 3, 4]))
            #expect(try client.readFrame() == .text("bAQIDBA=="))
            let (_, plain) = try server.webSocketSession("&b64=")
            plain.send(bytes: RawClient.frame(2, [1, 2, 3, 4]))
            #expect(try plain.readFrame() == .init(opcode: 2, payload: [1, 2, 3, 4]))
        }
    }

    @Test("Frames that come with the upgrade request are read once", arguments: [false, true])
    func earlyFrames(waits: Bool) async throws {
        let gate = Gate()
        try await TestServer.run(
            allowRequest: deciding { _ in
                if waits { await gate.pass() }
                return .allow
            }
        ) { server in
            let client = try server.client()
            let request =
                "GET \(TestServer.path)websocket HTTP/1.1\r\nHost: a\r\n"
                + RawClient.upgradeFields.joined(separator: "\r\n") + "\r\n\r\n"
            client.send(bytes: Array(request.utf8) + RawClient.frame(1, Array("4early".utf8)))
            if waits { await gate.arrival() }
            client.sendFrame("4later")
            gate.open()
            #expect(try client.response().status == 101)
            #expect(try client.readFrame().text.hasPrefix("0{"))
            #expect(try client.readFrame() == .text("4early"))
            #expect(try client.readFrame() == .text("4later"))
            client.sendFrame("4last")
            #expect(try client.readFrame() == .text("4last"))
        }
    }

    @Test("§7: the peer closes, by whatever code: transport close")
    func peerCloses() async throws {
        try await TestServer.run { server in
            for code in [nil, 1000, 4321] as [UInt16?] {
                let (_, client) = try server.webSocketSession()
                let frame = RawClient.Frame.close(code)
                client.send(bytes: RawClient.frame(8, frame.payload))
                #expect(try client.readFrame() == frame)
                #expect(client.readsEnd())
                #expect(await server.log.next() == end(.transportClose))
            }
            let (_, client) = try server.webSocketSession()
            client.close()
            #expect(await server.log.next() == end(.transportClose))
            let (_, other) = try server.webSocketSession()
            other.sendFrame("1")
            #expect(try other.readFrame() == .close())
            #expect(await server.log.next() == end(.transportClose))
        }
    }

    @Test("§7: the server closes without a code, after what it has sent")
    func serverCloses() async throws {
        try await TestServer.run { server in
            let (_, client) = try server.webSocketSession()
            client.sendFrame("4!bye")
            client.sendFrame("4late")
            #expect(try client.readFrame() == .text("4bye"))
            #expect(try client.readFrame() == .close())
            #expect(client.readsEnd())
            #expect(await server.log.next() == end(.forcedClose))
        }
    }

    @Test("A session that the app closes as it begins is told so")
    func closedAtOnce() async throws {
        try await TestServer.run { server in
            let (_, client) = try server.webSocketSession("&refuse")
            #expect(try client.readFrame() == .close())
            #expect(await server.log.next() == end(.forcedClose))
            #expect(server.engine.sessionCount == 0)
            #expect(client.readsEnd())
            await server.engine.closeAll()
            #expect(server.log.aliveCount == 0)
        }
    }

    @Test(
        "§7: a client that breaks the rules: the close code, and the reason of the session",
        arguments: [
            (RawClient.frame(1, Array("4a".utf8)).prefix(1) + [2, 0x34, 0x61], 1002),
            (RawClient.frame(3, []), 1002),
            (RawClient.frame(1, [0x34, 0xFF]), 1007),
            (RawClient.frame(1, [UInt8](repeating: 0x34, count: 101)), 1009),
            (RawClient.frame(2, [UInt8](repeating: 0x34, count: 101)), 1009),
        ] as [([UInt8], UInt16)]
    )
    func violations(bytes: [UInt8], code: UInt16) async throws {
        try await TestServer.run(options: .with { $0.maxHTTPBufferSize = 100 }) { server in
            let (_, client) = try server.webSocketSession()
            client.send(bytes: bytes)
            let frame = try client.readFrame()
            #expect(frame.closeCode == code)
            let reason = code == 1009 ? "message of more than 100 bytes" : ""
            #expect(String(decoding: frame.payload.dropFirst(2), as: UTF8.self) == reason)
            #expect(client.readsEnd())
            #expect(await server.log.next()?.reason == .transportError)
        }
    }

    @Test("§7: a message at the limit is taken")
    func limit() async throws {
        try await TestServer.run(options: .with { $0.maxHTTPBufferSize = 100 }) { server in
            let (_, client) = try server.webSocketSession()
            let text = "4" + String(repeating: "x", count: 99)
            client.sendFrame(text)
            #expect(try client.readFrame() == .text(text))
        }
    }

    @Test("§5: what is no packet ends the session", arguments: ["abc", "", "b!"])
    func parseErrors(unit: String) async throws {
        try await TestServer.run { server in
            let (_, client) = try server.webSocketSession()
            client.sendFrame(unit)
            #expect(try client.readFrame() == .close())
            #expect(await server.log.next() == end(.parseError))
        }
    }

    @Test("§9: a client's ping is an error")
    func heartbeatDirection() async throws {
        try await TestServer.run { server in
            let (_, client) = try server.webSocketSession()
            client.sendFrame("2")
            #expect(try client.readFrame() == .close())
            #expect(await server.log.next() == end(.transportError, "invalid heartbeat direction"))
        }
    }

    @Test("§9: pings until one is not answered; other packets do not count")
    func pingTimeout() async throws {
        try await TestServer.run(
            options: .with {
                $0.pingInterval = .milliseconds(50)
                $0.pingTimeout = .seconds(2)
            }
        ) { server in
            let (_, client) = try server.webSocketSession()
            for _ in 0..<2 {
                #expect(try client.readFrame() == .text("2"))
                client.sendFrame("3")
            }
            #expect(try client.readFrame() == .text("2"))
            client.sendFrame("4x")
            #expect(try client.readFrame() == .text("4x"))
            #expect(try client.readFrame() == .close())
            #expect(await server.log.next() == end(.pingTimeout))
        }
    }
}
