import EngineIOProtocol
import Testing

@testable import EngineIO

@Suite("protocol.md §4–6: long-polling", .timeLimit(.minutes(5)))
struct PollingTests {
    private func target(_ sid: String) -> String { TestServer.path + "polling&sid=\(sid)" }

    private func end(_ reason: CloseReason, _ description: String? = nil) -> SessionLog.End {
        SessionLog.End(reason: reason, description: description)
    }

    @Test("§4: the handshake's answer is the open packet")
    func handshake() async throws {
        try await TestServer.run(
            options: .with {
                $0.pingInterval = .milliseconds(300)
                $0.pingTimeout = .milliseconds(200)
            }
        ) { server in
            let open = try server.client().exchange("GET", TestServer.path + "polling")
            let sid = try TestServer.sid(open.body)
            #expect(
                open.body == #"0{"sid":"\#(sid)","upgrades":["websocket"],"pingInterval":300,"#
                    + #""pingTimeout":200,"maxPayload":1000000}"#
            )
            #expect(open["content-type"] == "text/plain; charset=UTF-8")
            #expect(open["cache-control"] == "no-store")
        }
    }

    @Test("§4: no upgrades where they are off", arguments: [true, false])
    func noUpgrades(allowsWebSocket: Bool) async throws {
        try await TestServer.run(
            options: .with {
                $0.allowsWebSocket = allowsWebSocket
                $0.allowsUpgrades = !allowsWebSocket
            }
        ) { server in
            let open = try server.client().exchange("GET", TestServer.path + "polling")
            #expect(open.body.contains(#""upgrades":[],"#))
        }
    }

    @Test("§6: packets in one body, binary as base64; on two loops also", arguments: [1, 2])
    func echoes(loops: Int) async throws {
        try await TestServer.run(loops: loops) { server in
            for _ in 0..<8 {
                let (sid, poller) = try server.pollingSession()
                let poster = try server.client()
                let post = try poster.exchange(
                    "POST",
                    target(sid),
                    body: "4hello\u{1E}bAQIDBA==\u{1E}6\u{1E}3\u{1E}0\u{1E}5"
                )
                #expect(post.body == "ok")
                #expect(post["content-type"] == "text/html")
                #expect(try poller.exchange("GET", target(sid)).body == "4hello\u{1E}bAQIDBA==")
                poller.request("GET", target(sid))
                #expect(try poster.exchange("POST", target(sid), body: "4später").body == "ok")
                #expect(try poller.response().body == "4später")
            }
        }
    }

    @Test("§6: requests pipelined behind one that moves to another loop move along")
    func handover() async throws {
        try await TestServer.run(loops: 2) { server in
            for _ in 0..<10 {
                let (sid, _) = try server.pollingSession()
                let client = try server.client()
                let post = "POST \(target(sid)) HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
                client.send(
                    "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" + post + "4a" + post + "4b"
                        + "GET \(target(sid)) HTTP/1.1\r\nHost: a\r\n\r\nGET /no"
                )
                #expect(try client.response().status == 404)
                #expect(try client.response().body == "ok")
                #expect(try client.response().body == "ok")
                #expect(try client.response().body == "4a\u{1E}4b")
                client.send("thing HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.response().status == 404)
            }
        }
    }

    @Test(
        "§6: a second GET ends the session: the first gets `1`, the second 400",
        arguments: [1, 2]
    )
    func pollOverlap(loops: Int) async throws {
        try await TestServer.run(loops: loops) { server in
            let (sid, first) = try server.pollingSession()
            first.request("GET", target(sid))
            // The answer to a POST shows that the GET before it was read.
            let other = try server.client()
            _ = try other.exchange("POST", target(sid), body: "3")
            let second = try other.exchange("GET", target(sid))
            guard second.status == 400 else {
                // On another loop than the first GET's, the second may have come first.
                #expect(loops == 2 && second.body == "1")
                #expect(try first.response().status == 400)
                return
            }
            #expect(second.body == "")
            #expect(try first.response().body == "1")
            #expect(await server.log.next() == end(.transportError, "overlap from client"))
            let late = try other.exchange("GET", target(sid))
            #expect(late.body == RoutingExample.sessionUnknown)
        }
    }

    @Test("§6: a second POST ends the session: it gets 400, the first is cut off")
    func postOverlap() async throws {
        try await TestServer.run { server in
            let (sid, poller) = try server.pollingSession()
            poller.request("GET", target(sid))
            let first = try server.client()
            first.send("POST \(target(sid)) HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n4")
            let second = try server.client()
            _ = try second.exchange("GET", "/")
            let response = try second.exchange("POST", target(sid), body: "4x")
            #expect(response.status == 400)
            #expect(response.body == "")
            #expect(first.readsEnd())
            #expect(try poller.response().body == "1")
            let expected = end(.transportError, "data request overlap from client")
            #expect(await server.log.next() == expected)
        }
    }

    @Test("§6: a GET or POST that its client gives up ends the session")
    func aborted() async throws {
        try await TestServer.run { server in
            let (sid, poller) = try server.pollingSession()
            poller.request("GET", target(sid))
            poller.close()
            let poll = end(.transportError, "poll connection closed prematurely")
            #expect(await server.log.next() == poll)
            let (other, _) = try server.pollingSession()
            let poster = try server.client()
            poster.send("POST \(target(other)) HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n4")
            poster.close()
            let post = end(.transportError, "data request connection closed prematurely")
            #expect(await server.log.next() == post)
        }
    }

    @Test("§6: a body at the limit is taken; one above it is 413 and the session goes on")
    func limit() async throws {
        try await TestServer.run(options: .with { $0.maxHTTPBufferSize = 20 }) { server in
            let (sid, client) = try server.pollingSession()
            let exact = "4" + String(repeating: "x", count: 19)
            #expect(try client.exchange("POST", target(sid), body: exact).body == "ok")
            #expect(try client.exchange("GET", target(sid)).body == exact)
            for chunked in [false, true] {
                let poster = try server.client()
                if chunked {
                    let chunk = "15\r\n\(exact)x\r\n0\r\n\r\n"
                    poster.request("POST", target(sid), fields: ["Transfer-Encoding: chunked"])
                    poster.send(chunk)
                } else {
                    poster.request("POST", target(sid), body: exact + "x")
                }
                let response = try poster.response()
                #expect(response.status == 413)
                #expect(response.body == "")
                #expect(poster.readsEnd())
            }
            #expect(try client.exchange("POST", target(sid), body: "4on").body == "ok")
            #expect(try client.exchange("GET", target(sid)).body == "4on")
        }
    }

    @Test(
        "§6: packets before a bad one are delivered, then the session ends",
        arguments: ["4a\u{1E}abc", "4a\u{1E}", "4a\u{1E}\u{1E}4b", "4a\u{1E}b!"]
    )
    func parseErrors(body: String) async throws {
        try await TestServer.run { server in
            let (sid, poller) = try server.pollingSession()
            poller.request("GET", target(sid))
            let poster = try server.client()
            #expect(try poster.exchange("POST", target(sid), body: body).body == "ok")
            #expect(try poller.response().body == "1")
            #expect(await server.log.next() == end(.parseError))
        }
    }

    @Test("§6: an empty body is a parse error")
    func emptyBody() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            #expect(try client.exchange("POST", target(sid), body: "").body == "ok")
            #expect(await server.log.next() == end(.parseError))
        }
    }

    @Test("§6: `application/octet-stream` is 400 and ends the session")
    func octetStream() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            let response = try client.exchange(
                "POST",
                target(sid),
                fields: ["Content-Type: application/octet-stream"],
                body: "4x"
            )
            #expect(response.status == 400)
            #expect(response.body == "")
            #expect(await server.log.next() == end(.transportError, "invalid content"))
        }
    }

    @Test("§6: a client's `1`: the GET gets a noop, the POST `ok`, the reason is transport close")
    func clientCloses() async throws {
        try await TestServer.run { server in
            let (sid, poller) = try server.pollingSession()
            poller.request("GET", target(sid))
            let poster = try server.client()
            #expect(try poster.exchange("POST", target(sid), body: "1\u{1E}4x").body == "ok")
            #expect(try poller.response().body == "6")
            #expect(await server.log.next() == end(.transportClose))
            let late = try poster.exchange("POST", target(sid), body: "4x")
            #expect(late.body == RoutingExample.sessionUnknown)
        }
    }

    @Test("§9: a client's ping is an error")
    func heartbeatDirection() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            #expect(try client.exchange("POST", target(sid), body: "2").body == "ok")
            #expect(await server.log.next() == end(.transportError, "invalid heartbeat direction"))
        }
    }

    @Test("§6, §10: the server closes with a GET pending: what is queued, then `1`")
    func closeWithPoll() async throws {
        try await TestServer.run { server in
            for (order, answers) in [("4!close", ["1"]), ("4!bye", ["4bye", "6\u{1E}1"])] {
                let (sid, poller) = try server.pollingSession()
                poller.request("GET", target(sid))
                let poster = try server.client()
                #expect(try poster.exchange("POST", target(sid), body: order).body == "ok")
                #expect(try poller.response().body == answers[0])
                for answer in answers.dropFirst() {
                    #expect(try poller.exchange("GET", target(sid)).body == answer)
                }
                #expect(await server.log.next() == end(.forcedClose))
            }
        }
    }

    @Test("§6, §10: the server closes without a GET: what is queued, then `1` with the next")
    func closeWithoutPoll() async throws {
        try await TestServer.run { server in
            for (order, answers) in [("4!close", ["6\u{1E}1"]), ("4!bye", ["4bye", "6\u{1E}1"])] {
                let (sid, client) = try server.pollingSession()
                #expect(try client.exchange("POST", target(sid), body: order).body == "ok")
                #expect(server.engine.sessionCount == 1)
                #expect(try client.exchange("POST", target(sid), body: "4late").body == "ok")
                for answer in answers {
                    #expect(try client.exchange("GET", target(sid)).body == answer)
                }
                #expect(await server.log.next() == end(.forcedClose))
                let late = try client.exchange("GET", target(sid))
                #expect(late.body == RoutingExample.sessionUnknown)
            }
        }
    }

    @Test("§6: a closing session waits for a GET no longer than its limit")
    func closingTimeout() async throws {
        #expect(EngineOptions().closingTimeout == .seconds(30))
        try await TestServer.run(options: .with { $0.closingTimeout = .milliseconds(50) }) {
            server in
            let (sid, client) = try server.pollingSession()
            _ = try client.exchange("POST", target(sid), body: "4!bye")
            #expect(await server.log.next() == end(.forcedClose))
            #expect(server.engine.sessionCount == 0)
        }
    }

    @Test("§10: a forced close does not wait for what is queued")
    func discard() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            _ = try client.exchange("POST", target(sid), body: "4!discard")
            #expect(await server.log.next() == end(.forcedClose))
        }
    }

    @Test("§9: pings come through polls; the pong starts the next interval")
    func heartbeat() async throws {
        try await TestServer.run(options: .with { $0.pingInterval = .milliseconds(30) }) { server in
            let (sid, client) = try server.pollingSession()
            for _ in 0..<3 {
                #expect(try client.exchange("GET", target(sid)).body == "2")
                #expect(try client.exchange("POST", target(sid), body: "3").body == "ok")
            }
        }
    }

    @Test("§9: who stops polling, or does not answer, has timed out", arguments: [false, true])
    func pingTimeout(polls: Bool) async throws {
        try await TestServer.run(
            options: .with {
                $0.pingInterval = .milliseconds(30)
                // Two polls of a slow client fit in.
                $0.pingTimeout = .seconds(3)
            }
        ) { server in
            let (sid, client) = try server.pollingSession()
            if polls {
                #expect(try client.exchange("GET", target(sid)).body == "2")
                #expect(try client.exchange("GET", target(sid)).body == "1")
            }
            #expect(await server.log.next() == end(.pingTimeout))
        }
    }

    @Test("A client that does not fetch what is queued for it is given up")
    func overflow() async throws {
        #expect(EngineOptions().maxSendQueueBytes == 16 << 20)
        try await TestServer.run(options: .with { $0.maxSendQueueBytes = 5000 }) { server in
            let (sid, client) = try server.pollingSession()
            #expect(try client.exchange("POST", target(sid), body: "4!flood").body == "ok")
            #expect(await server.log.next() == end(.transportError, "send queue overflow"))
            // What is sent at once may not be more either.
            let (other, poller) = try server.pollingSession()
            poller.request("GET", target(other))
            _ = try client.exchange("POST", target(other), body: "4!flood")
            #expect(try poller.response().body == "1")
            #expect(await server.log.next() == end(.transportError, "send queue overflow"))
        }
    }

    @Test("RFC 9112 §6.3: a POST without a length is 411")
    func lengthRequired() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            #expect(try client.exchange("POST", target(sid)).status == 411)
            #expect(server.engine.sessionCount == 1)
        }
    }

    @Test("Answers that release each other's pipelined requests come one after the other")
    func chain() async throws {
        try await TestServer.run { server in
            var links: [(sid: String, client: RawClient)] = []
            for _ in 0..<200 { links.append(try server.pollingSession()) }
            for index in links.indices.dropLast() {
                // Once its own GET is answered, each connection ends the next session.
                links[index].client.request("GET", target(links[index].sid))
                links[index].client.request("POST", target(links[index + 1].sid), body: "1")
            }
            let first = try server.client()
            _ = try first.exchange("GET", "/")
            #expect(try first.exchange("POST", target(links[0].sid), body: "1").body == "ok")
            for link in links.dropLast() {
                #expect(try link.client.response().body == "6")
                #expect(try link.client.response().body == "ok")
            }
            #expect(server.engine.sessionCount == 0)
        }
    }
}
