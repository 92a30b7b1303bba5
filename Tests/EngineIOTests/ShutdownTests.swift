import Bytes
import EngineIOProtocol
import HTTP1
import Testing

@testable import EngineIO

@Suite("protocol.md §6, §19: shutdown", .timeLimit(.minutes(5)))
struct ShutdownTests {
    @Test("§19: a pending GET gets the close packet, a WebSocket a close frame", arguments: [1, 2])
    func sessions(loops: Int) async throws {
        try await TestServer.run(loops: loops) { server in
            let idle = try server.client()
            let (sid, poller) = try server.pollingSession()
            poller.request("GET", TestServer.path + "polling&sid=\(sid)")
            let (_, socket) = try server.webSocketSession()
            // The round trip shows that the server has read what was sent before.
            socket.sendFrame("4x")
            #expect(try socket.readFrame() == .text("4x"))
            await server.engine.closeAll()
            let last = try poller.response()
            #expect(last.body == "1")
            #expect(last["connection"] == "close" || poller.readsEnd())
            #expect(try socket.readFrame() == .close())
            #expect(socket.readsEnd())
            #expect(idle.readsEnd())
            let forced = SessionLog.End(reason: .forcedClose)
            #expect([await server.log.next(), await server.log.next()] == [forced, forced])
            #expect(server.engine.sessionCount == 0)
        }
    }

    @Test(
        "§19: a handshake that is decided after the server has closed opens no session",
        arguments: ["polling", "websocket"]
    )
    func lateDecision(transport: String) async throws {
        let gate = Gate()
        try await TestServer.run(
            allowRequest: deciding { _ in
                await gate.pass()
                return .allow
            }
        ) { server in
            let client = try server.client()
            let fields = transport == "websocket" ? RawClient.upgradeFields : []
            client.request("GET", TestServer.path + transport, fields: fields)
            await gate.arrival()
            await server.engine.closeAll()
            let response = try client.response()
            #expect(response.status == 503)
            #expect(response["connection"] == "close")
            #expect(client.readsEnd())
            gate.open()
            // Comes after the decision: the loop takes its jobs in order.
            await server.engine.closeAll()
            #expect(server.engine.sessionCount == 0)
            #expect(server.log.aliveCount == 0)
        }
    }

    @Test("A route that answers after its client has gone, or after the server has, is harmless")
    func lateRoute() async throws {
        let gate = Gate()
        var routes = RouteTable()
        routes.add(.get, "/slow") { _ in
            await gate.pass()
            return RouteResponse(status: 200)
        }
        try await TestServer.run(routes: routes) { server in
            let gone = try server.client()
            gone.request("GET", "/slow")
            await gate.arrival()
            gone.close()
            let client = try server.client()
            client.request("GET", "/slow")
            await gate.arrival()
            await server.engine.closeAll()
            #expect(try client.response().status == 503)
            gate.open()
            await server.engine.closeAll()
        }
    }

    @Test("stopAccepting refuses new connections; the old ones go on")
    func stopAccepting() async throws {
        try await TestServer.run(loops: 2) { server in
            let (_, socket) = try server.webSocketSession()
            await server.engine.stopAccepting()
            #expect(throws: RawClient.Failure.self) {
                let late = try server.client()
                _ = try late.exchange("GET", "/")
            }
            socket.sendFrame("4x")
            #expect(try socket.readFrame() == .text("4x"))
        }
    }

    @Test("Draining refuses new sessions on old connections, 503, and serves the old ones")
    func draining() async throws {
        try await TestServer.run(loops: 2) { server in
            let idle = [try server.client(), try server.client(), try server.client()]
            // A round trip each: accepted, not only in the backlog.
            for client in idle { #expect(try client.exchange("GET", "/nowhere").status == 404) }
            let (sid, poller) = try server.pollingSession()
            let (_, socket) = try server.webSocketSession()
            await server.engine.beginDraining()
            #expect(throws: RawClient.Failure.self) { try server.client() }
            let refusal = try idle[0].exchange("GET", TestServer.path + "polling")
            #expect(refusal.status == 503 && refusal["retry-after"] == "1")
            #expect(refusal.body == #"{"code":101,"message":"Server shutting down"}"#)
            #expect(refusal["connection"] == "close" && idle[0].readsEnd())
            idle[1].request("GET", TestServer.path + "websocket", fields: RawClient.upgradeFields)
            let upgrade = try idle[1].response()
            #expect(upgrade.status == 503 && upgrade["retry-after"] == "1")
            #expect(upgrade["connection"] == "close" && idle[1].readsEnd())
            // Requests of the session there is may come on any connection, and keep theirs alive.
            let post = try idle[2].exchange(
                "POST",
                TestServer.path + "polling&sid=\(sid)",
                body: "4x"
            )
            #expect(post.body == "ok" && post["connection"] != "close")
            let poll = try poller.exchange("GET", TestServer.path + "polling&sid=\(sid)")
            #expect(poll.body == "4x" && poll["connection"] != "close")
            socket.sendFrame("4y")
            #expect(try socket.readFrame() == .text("4y"))
            // A session that polls may still move to WebSocket, on a connection that it has.
            try idle[2].upgrade(TestServer.path + "websocket&sid=\(sid)")
            idle[2].sendFrame("2probe")
            #expect(try idle[2].readFrame() == .text("3probe"))
        }
    }

    @Test(
        "a handshake that is decided while the server drains opens no session",
        arguments: ["polling", "websocket"]
    )
    func lateDecisionWhileDraining(transport: String) async throws {
        let gate = Gate()
        try await TestServer.run(
            allowRequest: deciding { _ in
                await gate.pass()
                return .allow
            }
        ) { server in
            let client = try server.client()
            let fields = transport == "websocket" ? RawClient.upgradeFields : []
            client.request("GET", TestServer.path + transport, fields: fields)
            await gate.arrival()
            await server.engine.beginDraining()
            gate.open()
            let response = try client.response()
            #expect(response.status == 503 && response["connection"] == "close")
            #expect(client.readsEnd())
            #expect(server.engine.sessionCount == 0)
        }
    }

    @Test("Ended sessions leave nothing in memory")
    func leaks() async throws {
        try await TestServer.run(loops: 2, options: .with { $0.closingTimeout = .milliseconds(20) })
        {
            server in
            for _ in 0..<10 {
                let (sid, poller) = try server.pollingSession()
                let probe = try server.client()
                try probe.upgrade(TestServer.path + "websocket&sid=\(sid)")
                poller.request("GET", TestServer.path + "polling&sid=\(sid)")
                let post = try server.client()
                post.send("POST \(TestServer.path)polling&sid=\(sid) HTTP/1.1\r\nHost: a\r\n")
                post.send("Content-Length: 9\r\n\r\n4")
                poller.close()
                _ = await server.log.next()
                let (_, socket) = try server.webSocketSession()
                socket.close()
                _ = await server.log.next()
            }
            #expect(server.engine.sessionCount == 0)
            await server.engine.closeAll()
            await server.engine.closeAll()
            #expect(server.log.aliveCount == 0)
        }
    }
}
