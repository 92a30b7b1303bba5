import EngineIOProtocol
import Testing

@testable import EngineIO

@Suite("protocol.md §13: clients of Engine.IO 3", .timeLimit(.minutes(5)))
struct Version3Tests {
    private static let path = "/socket.io/?EIO=3&transport="
    private static let octets = ["Content-Type: application/octet-stream"]

    private func target(_ sid: String) -> String { Self.path + "polling&sid=\(sid)" }

    private func end(_ reason: CloseReason, _ description: String? = nil) -> SessionLog.End {
        SessionLog.End(reason: reason, description: description)
    }

    private func run(
        loops: Int = 1,
        _ change: (inout EngineOptions) -> Void = { _ in },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        let options = EngineOptions.with {
            $0.allowsEIO3 = true
            change(&$0)
        }
        try await TestServer.run(loops: loops, options: options, body)
    }

    private func pollingSession(
        _ server: TestServer,
        _ query: String = ""
    ) throws -> (sid: String, client: RawClient) {
        let client = try server.client()
        let response = try client.exchange("GET", Self.path + "polling" + query)
        let parts = response.body.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { throw RawClient.Failure.malformed(response.body) }
        return (try TestServer.sid(String(parts[1])), client)
    }

    private func webSocket(_ server: TestServer, _ query: String = "") throws -> RawClient {
        let client = try server.client()
        try client.upgrade(Self.path + "websocket" + query)
        return client
    }

    private func webSocketSession(_ server: TestServer, _ query: String = "") throws -> RawClient {
        let client = try webSocket(server, query)
        _ = try TestServer.sid(client.readFrame().text)
        return client
    }

    private func post(
        _ client: RawClient,
        _ sid: String,
        octets: [UInt8]
    ) throws -> RawClient.Response {
        let head = [
            "POST \(target(sid)) HTTP/1.1", "Host: a", "Content-Length: \(octets.count)",
            Self.octets[0], "", "",
        ]
        client.send(bytes: Array(head.joined(separator: "\r\n").utf8) + octets)
        return try client.response()
    }

    @Test("§2: without the option they are refused, whatever they call themselves")
    func refused() async throws {
        try await TestServer.run { server in
            for version in ["EIO=3&", "EIO=5&", ""] {
                let client = try server.client()
                let target = "/socket.io/?\(version)transport="
                let polling = try client.exchange("GET", target + "polling")
                #expect(polling.body == RoutingExample.badVersion)
                let socket = try client.exchange(
                    "GET",
                    target + "websocket",
                    fields: RawClient.upgradeFields
                )
                #expect(socket.status == 400)
                #expect(socket.body == "Unsupported protocol version")
            }
        }
    }

    @Test("The handshake's body has a length; what is not version 4 is version 3")
    func handshake() async throws {
        try await run { server in
            for version in ["EIO=3&", "EIO=2&", ""] {
                let response = try server.client()
                    .exchange("GET", "/socket.io/?\(version)transport=polling")
                #expect(response["content-type"] == "text/plain; charset=UTF-8")
                let parts = response.body.split(separator: ":", maxSplits: 1).map(String.init)
                let sid = try TestServer.sid(parts[1])
                #expect(
                    parts[1] == #"0{"sid":"\#(sid)","upgrades":["websocket"],"pingInterval":90000,"#
                        + #""pingTimeout":20000,"maxPayload":1000000}"#
                )
                #expect(parts[0] == "\(parts[1].count)")
            }
            // Version 4 is as ever.
            let (sid, client) = try server.pollingSession()
            let wrong = try client.exchange(
                "POST",
                TestServer.path + "polling&sid=\(sid)",
                fields: Self.octets,
                body: "4x"
            )
            #expect(wrong.status == 400)
            #expect(await server.log.next() == end(.transportError, "invalid content"))
        }
    }

    @Test(
        "Polling: text and binary, in bodies of both kinds; on two loops also",
        arguments: [1, 2]
    )
    func polling(loops: Int) async throws {
        try await run(loops: loops) { server in
            for _ in 0..<(loops == 1 ? 1 : 6) {
                let (sid, client) = try pollingSession(server)
                let text = try client.exchange("POST", target(sid), body: "6:4hello5:4👋€ä0:1:6")
                #expect(text.body == "ok")
                #expect(text["content-type"] == "text/html")
                let echoed = try client.exchange("GET", target(sid))
                #expect(echoed.body == "6:4hello5:4👋€ä")
                #expect(echoed["content-type"] == "text/plain; charset=UTF-8")

                _ = try client.exchange("POST", target(sid), body: "10:b4AQIDBA==3:4ab")
                let mixed = try client.exchange("GET", target(sid))
                #expect(mixed["content-type"] == "application/octet-stream")
                #expect(mixed.bytes == [1, 5, 0xFF, 4, 1, 2, 3, 4, 0, 3, 0xFF, 0x34, 0x61, 0x62])

                let binary = try post(
                    client,
                    sid,
                    octets: [0, 4, 0xFF, 0x34, 0xE2, 0x82, 0xAC, 1, 3, 0xFF, 4, 0xFF, 0]
                )
                #expect(binary.body == "ok")
                let answer = try client.exchange("GET", target(sid))
                #expect(
                    answer.bytes == [0, 4, 0xFF, 0x34, 0xE2, 0x82, 0xAC, 1, 3, 0xFF, 4, 0xFF, 0]
                )
                // A batch without binary messages is text.
                _ = try post(client, sid, octets: [0, 2, 0xFF, 0x34, 0x61])
                #expect(try client.exchange("GET", target(sid)).body == "2:4a")
            }
        }
    }

    @Test("§2: with `b64` binary messages are text on both transports")
    func base64() async throws {
        try await run { server in
            let (sid, client) = try pollingSession(server, "&b64=1")
            _ = try client.exchange("POST", target(sid), body: "10:b4AQIDBA==2:4a")
            let answer = try client.exchange("GET", target(sid))
            #expect(answer.body == "10:b4AQIDBA==2:4a")
            #expect(answer["content-type"] == "text/plain; charset=UTF-8")
            let socket = try webSocketSession(server, "&b64=1")
            socket.send(bytes: RawClient.frame(2, [4, 1, 2, 3, 4]))
            #expect(try socket.readFrame() == .text("b4AQIDBA=="))
        }
    }

    @Test("A body that comes in two pieces, cut anywhere, is read whole")
    func cuts() async throws {
        try await run { server in
            let (sid, client) = try pollingSession(server)
            let bodies: [(fields: String, body: [UInt8])] = [
                ("", Array("4:4👋ä6:b4AQI=2:4z".utf8)),
                (
                    "Content-Type: application/octet-stream\r\n",
                    [0, 7, 0xFF] + Array("4👋ä".utf8) + [1, 3, 0xFF, 4, 1, 2, 0, 2, 0xFF]
                        + Array("4z".utf8)
                ),
            ]
            for (fields, body) in bodies {
                for cut in 0...body.count {
                    client.send(
                        "POST \(target(sid)) HTTP/1.1\r\nHost: a\r\n\(fields)"
                            + "Content-Length: \(body.count)\r\n\r\n"
                    )
                    client.send(bytes: Array(body[..<cut]))
                    // The answer to another request shows that the first piece was read.
                    #expect(try server.client().exchange("GET", "/nothing").status == 404)
                    client.send(bytes: Array(body[cut...]))
                    #expect(try client.response().body == "ok")
                    let answer = try client.exchange("GET", target(sid))
                    #expect(
                        answer.bytes == [0, 7, 0xFF] + Array("4👋ä".utf8)
                            + [1, 3, 0xFF, 4, 1, 2, 0, 2, 0xFF] + Array("4z".utf8)
                    )
                }
            }
        }
    }

    @Test(
        "What is no body ends the session: the pending GET gets `1`",
        arguments: [
            "", "4hello", "1:23", "9999999999999999999:4", "2:4👋", ":", "1:x", "2:b9",
            String(repeating: "9", count: 100_000), String(repeating: "0", count: 100_000),
        ]
    )
    func malformed(body: String) async throws {
        try await run { server in
            let (sid, poller) = try pollingSession(server)
            poller.request("GET", target(sid))
            let poster = try server.client()
            #expect(try poster.exchange("POST", target(sid), body: body).body == "ok")
            #expect(try poller.response().body == "1:1")
            #expect(await server.log.next() == end(.parseError))
        }
    }

    @Test(
        "So does what is no binary body",
        arguments: [
            [], [0], [0, 0xFF], [0, 9, 9, 0xFF, 0x34], [2, 1, 0xFF, 0x34], [1, 1, 0xFF, 2],
            [UInt8](repeating: 9, count: 100_000), [0] + [UInt8](repeating: 0, count: 100_000),
        ] as [[UInt8]]
    )
    func malformedBinary(body: [UInt8]) async throws {
        try await run { server in
            let (sid, client) = try pollingSession(server)
            #expect(try post(client, sid, octets: body).body == "ok")
            #expect(await server.log.next() == end(.parseError))
        }
    }

    @Test("WebSocket: text as in version 4, binary frames begin with the type")
    func webSocket() async throws {
        try await run { server in
            let socket = try webSocketSession(server)
            socket.sendFrame("4hello👋")
            #expect(try socket.readFrame() == .text("4hello👋"))
            socket.send(bytes: RawClient.frame(2, [4, 1, 2, 3]))
            #expect(try socket.readFrame() == .init(opcode: 2, payload: [4, 1, 2, 3]))
            socket.send(bytes: RawClient.frame(2, [4]))
            #expect(try socket.readFrame() == .init(opcode: 2, payload: [4]))
            socket.sendFrame("b4AQID")
            #expect(try socket.readFrame() == .init(opcode: 2, payload: [4, 1, 2, 3]))
            // Where the frame's own length takes more bytes than the message's would.
            for count in [124, 125, 126, 65_534, 65_535, 65_536] {
                let message = [4] + [UInt8](repeating: 7, count: count)
                socket.send(bytes: RawClient.frame(2, message))
                #expect(try socket.readFrame() == .init(opcode: 2, payload: message))
            }
        }
    }

    @Test(
        "A binary frame of another type, or of none, is a parse error",
        arguments: [[], [0x34, 1], [2], [0]] as [[UInt8]]
    )
    func wrongFrames(frame: [UInt8]) async throws {
        try await run { server in
            let socket = try webSocketSession(server)
            socket.send(bytes: RawClient.frame(2, frame))
            #expect(try socket.readFrame() == .close())
            #expect(await server.log.next() == end(.parseError))
        }
    }

    @Test("The client pings, the server answers and restarts its time; on both transports")
    func heartbeat() async throws {
        try await run {
            $0.pingInterval = .milliseconds(500)
            $0.pingTimeout = .milliseconds(1500)
        } _: { server in
            let (sid, client) = try pollingSession(server)
            let socket = try webSocketSession(server)
            let silent = try webSocketSession(server)
            // Longer than one who came later and is silent, on pings alone.
            while server.engine.sessionCount == 3 {
                #expect(try client.exchange("POST", target(sid), body: "6:2probe").body == "ok")
                #expect(try client.exchange("GET", target(sid)).body == "1:3")
                socket.sendFrame("2")
                #expect(try socket.readFrame() == .text("3"))
            }
            #expect(await server.log.next() == self.end(.pingTimeout))
            #expect(try silent.readFrame() == .close())
            client.request("GET", target(sid))
            // No ping from here on, and none of the server.
            #expect(try client.response().body == "1:1")
            #expect(try socket.readFrame() == .close())
            for _ in 0..<2 { #expect(await server.log.next() == self.end(.pingTimeout)) }
        }
    }

    @Test("One pong answers all the pings before it")
    func manyPings() async throws {
        try await run { server in
            let (sid, client) = try pollingSession(server)
            for _ in 0..<2 {
                let pings = String(repeating: "1:2", count: 100_000) + "2:4a" + "1:2"
                #expect(try client.exchange("POST", target(sid), body: pings).body == "ok")
                #expect(try client.exchange("GET", target(sid)).body == "1:32:4a")
            }
        }
    }

    @Test("A client's pong ends the session")
    func pong() async throws {
        try await run { server in
            let socket = try webSocketSession(server)
            socket.sendFrame("3")
            #expect(try socket.readFrame() == .close())
            #expect(
                await server.log.next() == end(.transportError, "invalid heartbeat direction")
            )
        }
    }

    @Test("§8: the upgrade, with probe, noop, and what is queued over the WebSocket")
    func upgrade() async throws {
        try await run(loops: 2) { server in
            for _ in 0..<4 {
                let (sid, poller) = try pollingSession(server)
                poller.request("GET", target(sid))
                let socket = try webSocket(server, "&sid=\(sid)")
                socket.sendFrame("2probe")
                #expect(try socket.readFrame() == .text("3probe"))
                #expect(try poller.response().body == "1:6")
                let poster = try server.client()
                _ = try poster.exchange("POST", target(sid), body: "7:4queued6:b4AQI=")
                socket.sendFrame("5")
                #expect(try socket.readFrame() == .text("4queued"))
                #expect(try socket.readFrame() == .init(opcode: 2, payload: [4, 1, 2]))
                socket.sendFrame("2")
                #expect(try socket.readFrame() == .text("3"))
                let late = try poller.exchange("GET", target(sid))
                #expect(late.body == RoutingExample.badRequest)
            }
        }
    }

    @Test("§8.5, §8.6: a GET pending at the upgrade gets `1`; a frame of bytes is no probe")
    func upgradeEnds() async throws {
        try await run { server in
            let (sid, poller) = try pollingSession(server)
            let first = try webSocket(server, "&sid=\(sid)")
            first.send(bytes: RawClient.frame(2, [4, 1]))
            #expect(try first.readFrame() == .close())
            poller.request("GET", target(sid))
            _ = try server.client().exchange("POST", target(sid), body: "1:6")
            let second = try webSocket(server, "&sid=\(sid)")
            second.sendFrame("5")
            #expect(try poller.response().body == "1:1")
            second.sendFrame("4a")
            #expect(try second.readFrame() == .text("4a"))
        }
    }

    @Test("§2, §8: the session's version counts, whatever the upgrade's request says")
    func upgradeVersion() async throws {
        try await run { server in
            let (sid, _) = try server.pollingSession()
            let socket = try webSocket(server, "&sid=\(sid)")
            socket.sendFrame("5")
            socket.send(bytes: RawClient.frame(2, [1, 2]))
            #expect(try socket.readFrame() == .init(opcode: 2, payload: [1, 2]))
        }
    }

    @Test("§6: close by either side")
    func closing() async throws {
        try await run { server in
            let (sid, poller) = try pollingSession(server)
            poller.request("GET", target(sid))
            let poster = try server.client()
            _ = try poster.exchange("POST", target(sid), body: "1:1")
            #expect(try poller.response().body == "1:6")
            #expect(await server.log.next() == end(.transportClose))

            let (other, client) = try pollingSession(server)
            _ = try client.exchange("POST", target(other), body: "5:4!bye")
            #expect(try client.exchange("GET", target(other)).body == "4:4bye")
            #expect(try client.exchange("GET", target(other)).body == "1:61:1")
            #expect(await server.log.next() == end(.forcedClose))
        }
    }

    @Test("§6: JSONP: scripts out, forms in; the index is the handshake's")
    func jsonp() async throws {
        try await run { server in
            let client = try server.client()
            let open = try client.exchange("GET", Self.path + "polling&j=7x&b64=1")
            #expect(open["content-type"] == "text/plain; charset=UTF-8")
            let prefix = #"___eio[7]("118:0{\"sid\":\""#
            #expect(open.body.hasPrefix(prefix))
            #expect(open.body.hasSuffix(#"}");"#))
            let sid = String(open.body.dropFirst(prefix.count).prefix(20))
            let form = ["Content-Type: application/x-www-form-urlencoded"]
            let posted = try client.exchange(
                "POST",
                target(sid) + "&j=7",
                fields: form,
                body: "d=6%3A4%5Cna%5C%5Cnb10:b4AQIDBA%3D%3D&e=1"
            )
            #expect(posted.body == "ok")
            #expect(
                try client.exchange("GET", target(sid) + "&j=7").body
                    == #"___eio[7]("6:4\na\\nb10:b4AQIDBA==");"#
            )
            let wrong = try client.exchange("POST", target(sid), fields: form, body: "e=1")
            #expect(wrong.body == "ok")
            #expect(await server.log.next() == end(.parseError))
        }
    }

    @Test("§6: JSONP is for clients of version 3 alone")
    func noJSONP() async throws {
        try await run { server in
            let open = try server.client().exchange("GET", TestServer.path + "polling&j=1")
            #expect(open.body.hasPrefix(#"0{"sid""#))
        }
    }

    @Test("§4: the initial packet follows the open packet", arguments: [3, 4])
    func initialPacket(version: Int) async throws {
        try await run {
            $0.initialPacket = "2[\"héllo\"]"
        } _: { server in
            let target = "/socket.io/?EIO=\(version)&transport="
            let client = try server.client()
            let polling = try client.exchange("GET", target + "polling").body
            let suffix = version == 3 ? "}11:42[\"héllo\"]" : "}\u{1E}42[\"héllo\"]"
            #expect(polling.hasSuffix(suffix))
            try client.upgrade(target + "websocket")
            _ = try TestServer.sid(client.readFrame().text)
            #expect(try client.readFrame() == .text("42[\"héllo\"]"))
            client.sendFrame("4a")
            #expect(try client.readFrame() == .text("4a"))
        }
    }
}
