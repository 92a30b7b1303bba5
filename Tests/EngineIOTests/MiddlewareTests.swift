import Bytes
import EngineIOProtocol
import HTTP1
import Synchronization
import Testing

@testable import EngineIO

@Suite("protocol.md §2.1: middlewares of the engine", .timeLimit(.minutes(5)))
struct MiddlewareTests {
    private static let polling = TestServer.path + "polling"
    private static let webSocket = TestServer.path + "websocket"

    /// What a middleware was asked about, in order.
    private final class Requests: Sendable {
        private let requests = Mutex<[String]>([])
        var all: [String] { requests.withLock { $0 } }
        func add(_ request: HandshakeRequest) {
            let query = request.head.query
            let transport = query.value(of: "transport") ?? "?"
            let sid = query.value(of: "sid") == nil ? "" : " sid"
            requests.withLock { $0.append("\(request.head.method.name) \(transport)\(sid)") }
        }
    }

    private static func proceeding(
        _ body: @escaping @Sendable (HandshakeRequest) async -> Void
    ) -> (inout EngineHooks) -> Void {
        { hooks in
            hooks.middleware = { request in
                await body(request)
                return MiddlewareVerdict(.proceed, fields: [("X-M", "1")])
            }
        }
    }

    /// Answers with the status in the query's `no`, fails with `fail`.
    private static let judging: @Sendable (HandshakeRequest) async -> MiddlewareVerdict = {
        let query = $0.head.query
        if let status = query.value(of: "no").flatMap(Int.init) {
            let response = RouteResponse(
                status: status,
                fields: [("X-Own", "2")],
                body: SharedBytes("own")
            )
            return MiddlewareVerdict(.answer(response), fields: [("X-M", "1")])
        }
        let fails = query.value(of: "fail") != nil
        return MiddlewareVerdict(fails ? .failure : .proceed, fields: [("X-M", "1")])
    }

    @Test("each request to the engine is asked about once, and its fields go with any answer")
    func each() async throws {
        let requests = Requests()
        var routes = RouteTable()
        routes.add(.get, "/route") { _ in RouteResponse(status: 200) }
        try await TestServer.run(
            routes: routes,
            options: .with { $0.cors = CORSPolicy(origin: .any) },
            hooks: Self.proceeding { requests.add($0) }
        ) { server in
            let (sid, client) = try server.pollingSession()
            let target = Self.polling + "&sid=\(sid)"
            var responses = [
                try client.exchange("POST", target, body: "4x"),
                try client.exchange("GET", target),
                try client.exchange("PUT", target),
                try client.exchange("GET", Self.polling + "&sid=nobody"),
                try client.exchange("GET", "/socket.io/?EIO=4"),
                try client.exchange("GET", Self.webSocket),
                try client.exchange("POST", target, fields: ["Content-Encoding: br"], body: "4x"),
            ]
            #expect(responses.map(\.status) == [200, 200, 500, 400, 400, 400, 415])
            for url in [Self.webSocket, Self.webSocket + "&sid=\(sid)"] {
                let socket = try server.client()
                responses.append(try socket.upgrade(url))
            }
            let other = try server.client()
            responses.append(
                try other.exchange(
                    "GET",
                    Self.webSocket + "&sid=nobody",
                    fields: RawClient.upgradeFields
                )
            )
            #expect(responses.allSatisfy { $0["x-m"] == "1" })
            #expect(
                requests.all == [
                    "GET polling", "POST polling sid", "GET polling sid", "PUT polling sid",
                    "GET polling sid", "GET ?", "GET websocket", "POST polling sid",
                    "GET websocket", "GET websocket sid", "GET websocket sid",
                ]
            )
            // Neither preflights nor what is not the engine's.
            for (method, target) in [
                ("OPTIONS", Self.polling), ("GET", "/route"), ("GET", "/nothing"),
                ("POST", "/route"),
            ] {
                let response = try client.exchange(method, target)
                #expect(response["x-m"] == nil)
            }
            #expect(requests.all.count == 11)
        }
    }

    @Test("a request that moves to its session's loop is asked about there, once")
    func moved() async throws {
        let requests = Requests()
        try await TestServer.run(loops: 3, hooks: Self.proceeding { requests.add($0) }) { server in
            let (sid, _) = try server.pollingSession()
            let target = Self.polling + "&sid=\(sid)"
            for _ in 0..<20 {
                let client = try server.client()
                let post = try client.exchange("POST", target, body: "4x")
                #expect(post.body == "ok")
                #expect(post["x-m"] == "1")
                #expect(try client.exchange("GET", target).body == "4x")
            }
            #expect(requests.all.count == 41)
        }
    }

    @Test("what comes while a middleware decides is kept, wherever it is cut")
    func suspended() async throws {
        let gate = Gate()
        try await TestServer.run(
            hooks: Self.proceeding {
                if $0.head.query.value(of: "wait") != nil { await gate.pass() }
            }
        ) { server in
            let (sid, client) = try server.pollingSession()
            let target = Self.polling + "&sid=\(sid)"
            // Head and a part of the body; then the rest, and another request.
            client.send(
                "POST \(target)&wait=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n4fi"
            )
            await gate.arrival()
            client.send("rst")
            client.request("POST", target, body: "4second")
            client.request("GET", target)
            gate.open()
            #expect(try client.response().body == "ok")
            #expect(try client.response().body == "ok")
            #expect(try client.response().body == "4first\u{1E}4second")
            // The same for frames behind the request for a WebSocket.
            let socket = try server.client()
            socket.request("GET", Self.webSocket + "&wait=1", fields: RawClient.upgradeFields)
            socket.sendFrame("4early")
            #expect(try socket.response().status == 101)
            _ = try socket.readFrame()
            #expect(try socket.readFrame() == .text("4early"))
        }
    }

    @Test("each of many pipelined requests has its turn, whatever waits for how long")
    func pipelined() async throws {
        let gate = Gate()
        try await TestServer.run(
            options: .with { $0.maxPipelinedBytes = 1000 },
            hooks: Self.proceeding { request in
                switch request.head.query.value(of: "wait") {
                case "long": await gate.pass()
                case "short": await Task.yield()
                default: break
                }
            }
        ) { server in
            let client = try server.client()
            client.request("GET", Self.polling + "&wait=long")
            await gate.arrival()
            for index in 0..<1000 {
                client.request("GET", Self.polling + (index % 2 == 0 ? "" : "&wait=short"))
            }
            gate.open()
            for _ in 0...1000 {
                let response = try client.response()
                #expect(response.status == 200)
                #expect(response["x-m"] == "1")
            }
            #expect(server.engine.sessionCount == 1001)
        }
    }

    @Test("a middleware may answer itself; the body is read, and the connection goes on")
    func answers() async throws {
        try await TestServer.run(hooks: hooking { $0.middleware = Self.judging }) { server in
            let (sid, client) = try server.pollingSession()
            let target = Self.polling + "&sid=\(sid)"
            let post = try client.exchange("POST", target + "&no=401", body: "4lost")
            #expect(post.status == 401)
            #expect(post.body == "own")
            #expect(post["x-own"] == "2")
            #expect(post["x-m"] == "1")
            let handshake = try client.exchange("GET", Self.polling + "&no=402")
            #expect(handshake.status == 402)
            #expect(server.engine.sessionCount == 1)
            // The session has not noticed.
            #expect(try client.exchange("POST", target, body: "4x").body == "ok")
            #expect(try client.exchange("GET", target).body == "4x")
            for url in [Self.webSocket, Self.webSocket + "&sid=\(sid)"] {
                let socket = try server.client()
                socket.request("GET", url + "&no=403", fields: RawClient.upgradeFields)
                socket.sendFrame("4x")
                let answer = try socket.response()
                #expect(answer.status == 403)
                #expect(answer["connection"] == "close")
                #expect(socket.readsEnd())
            }
            client.request(
                "POST",
                target + "&no=413",
                fields: ["Expect: 100-continue", "Content-Length: 5"]
            )
            let refused = try client.response()
            #expect(refused.status == 413)
            #expect(refused["connection"] == "close")
            #expect(client.readsEnd())
            #expect(server.engine.sessionCount == 1)
        }
    }

    @Test("what a middleware adds is for its request alone, and no name comes twice")
    func fields() async throws {
        let fields = [
            ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("vary", "Cookie"),
            ("content-type", "text/evil"), ("Access-Control-Allow-Origin", "http://own"),
            ("Content-Length", "7"), ("no name", "x"), ("Connection", "x"), ("Upgrade", "x"),
            ("Sec-WebSocket-Accept", "x"), ("X-Split", "1\r\nX-More: \u{1}2"),
        ]
        var routes = RouteTable()
        routes.add(.get, "/route") { _ in RouteResponse(status: 200) }
        try await TestServer.run(
            routes: routes,
            options: .with { $0.cors = CORSPolicy(origin: .list(["http://a"])) },
            hooks: hooking { hooks in
                hooks.middleware = { request in
                    guard request.head.query.value(of: "own") != nil else {
                        return MiddlewareVerdict(.proceed, fields: fields)
                    }
                    let answer = RouteResponse(status: 401, fields: fields)
                    return MiddlewareVerdict(.answer(answer), fields: [("Vary", "X")])
                }
            }
        ) { server in
            let origin = "Origin: http://a"
            let client = try server.client()
            let open = try client.exchange("GET", Self.polling, fields: [origin])
            let own = try client.exchange("GET", Self.polling + "&own=1", fields: [origin])
            let socket = try server.client().upgrade(Self.webSocket, fields: [origin])
            func values(_ response: RawClient.Response, _ name: String) -> [String] {
                response.fields.filter { $0.name == name }.map(\.value)
            }
            for response in [open, own, socket] {
                #expect(values(response, "set-cookie") == ["a=1", "b=2"])
                #expect(values(response, "access-control-allow-origin") == ["http://own"])
                #expect(values(response, "connection").count == 1)
                #expect(values(response, "x-split") == ["1  X-More:  2"])
                #expect(values(response, "no name").isEmpty)
                #expect(values(response, "x-more").isEmpty)
            }
            #expect(values(open, "vary") == ["Origin", "Cookie"])
            #expect(values(own, "vary") == ["Origin", "Cookie", "X"])
            #expect(values(open, "content-type") == ["text/plain; charset=UTF-8"])
            #expect(values(own, "content-type") == ["text/evil"])
            #expect(values(socket, "upgrade") == ["websocket"])
            #expect(values(socket, "sec-websocket-accept").count == 1)
            #expect(values(socket, "content-length").isEmpty)
            #expect(values(open, "content-length") == ["\(open.body.utf8.count)"])
            // The next requests of the connection, one that is none too.
            #expect(try client.exchange("GET", "/route")["set-cookie"] == nil)
            _ = try client.exchange("GET", Self.polling)
            client.send("GET /route HTTP/1.1\r\nno field\r\n\r\n")
            let bad = try client.response()
            #expect(bad.status == 400)
            #expect(bad["set-cookie"] == nil)
        }
    }

    @Test("§3: a middleware that fails makes it a bad request, of which the app is told")
    func failures() async throws {
        let failures = Mutex<[[String: String]]>([])
        try await TestServer.run(
            hooks: hooking { hooks in
                hooks.middleware = Self.judging
                hooks.connectionFailed = { failure in
                    failures.withLock { $0.append(failure.context) }
                }
            }
        ) { server in
            let client = try server.client()
            let polling = try client.exchange("GET", Self.polling + "&fail=1")
            #expect(polling.status == 400)
            #expect(polling.body == RoutingExample.badRequest)
            #expect(polling["x-m"] == "1")
            let socket = try client.exchange(
                "GET",
                Self.webSocket + "&fail=1",
                fields: RawClient.upgradeFields
            )
            #expect(socket.status == 400)
            #expect(socket.body == "Bad request")
            #expect(socket["x-m"] == "1")
            #expect(server.engine.sessionCount == 0)
        }
        let told = failures.withLock { $0 }
        #expect(told == [["name": "MIDDLEWARE_FAILURE"], ["name": "MIDDLEWARE_FAILURE"]])
    }

    @Test("a session that ends while a middleware decides about its request is unknown then")
    func sessionEnds() async throws {
        let gate = Gate()
        try await TestServer.run(
            hooks: Self.proceeding {
                if $0.head.query.value(of: "wait") != nil { await gate.pass() }
            }
        ) { server in
            let (sid, client) = try server.pollingSession()
            let target = Self.polling + "&sid=\(sid)"
            let other = try server.client()
            other.request("GET", target + "&wait=1")
            await gate.arrival()
            // No poll of the session yet, so this one is not one too many.
            #expect(try client.exchange("POST", target, body: "1").body == "ok")
            gate.open()
            let response = try other.response()
            #expect(response.status == 400)
            #expect(response.body.contains("Session ID unknown"))
        }
    }

    @Test("a connection that ends while a middleware decides opens no session")
    func connectionEnds() async throws {
        let gate = Gate()
        let decided = Gate()
        try await TestServer.run(
            hooks: Self.proceeding {
                await gate.pass()
                if $0.head.query.value(of: "last") != nil { await decided.pass() }
            }
        ) { server in
            let client = try server.client()
            client.request("GET", Self.polling)
            await gate.arrival()
            client.close()
            // Known to the server by then: the loop reads in order.
            let last = try server.client()
            last.request("GET", Self.polling + "&last=1")
            await gate.arrival()
            gate.open()
            await decided.arrival()
            decided.open()
            #expect(try last.response().status == 200)
            #expect(server.engine.sessionCount == 1)
        }
    }

    @Test(
        "§19: a request that is decided after the server has closed is answered 503 by then",
        arguments: ["polling", "websocket"]
    )
    func shutdown(transport: String) async throws {
        let gate = Gate()
        try await TestServer.run(hooks: Self.proceeding { _ in await gate.pass() }) { server in
            let client = try server.client()
            let fields = transport == "websocket" ? RawClient.upgradeFields : []
            client.request("GET", TestServer.path + transport, fields: fields)
            await gate.arrival()
            await server.engine.closeAll()
            #expect(try client.response().status == 503)
            #expect(client.readsEnd())
            gate.open()
            await server.engine.closeAll()
            #expect(server.engine.sessionCount == 0)
            #expect(server.log.aliveCount == 0)
        }
    }
}
