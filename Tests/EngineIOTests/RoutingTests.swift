import Bytes
import EngineIOProtocol
import HTTP1
import Testing

@testable import EngineIO

/// A request and what answers it.
struct RoutingExample: CustomTestStringConvertible, Sendable {
    var rule: String
    var method = "GET"
    var target: String
    var fields: [String] = []
    var body: String?
    var status: Int
    var answer: String?

    var testDescription: String { rule }

    static let transportUnknown = #"{"code":0,"message":"Transport unknown"}"#
    static let sessionUnknown = #"{"code":1,"message":"Session ID unknown"}"#
    static let badMethod = #"{"code":2,"message":"Bad handshake method"}"#
    static let badRequest = #"{"code":3,"message":"Bad request"}"#
    static let badVersion = #"{"code":5,"message":"Unsupported protocol version"}"#
    static let unknownID = "AAAAAAAAAAAAAAAAAAAA"

    static let all: [RoutingExample] = [
        .init(
            rule: "§2.2: no transport",
            target: "/socket.io/?EIO=4",
            status: 400,
            answer: transportUnknown
        ),
        .init(
            rule: "§2.2: unknown transport",
            target: "/socket.io/?EIO=4&transport=webtransport",
            status: 400,
            answer: transportUnknown
        ),
        .init(
            rule: "§2.2 before §2.5: bad transport and method",
            method: "POST",
            target: "/socket.io/?EIO=4&transport=x",
            status: 400,
            answer: transportUnknown
        ),
        .init(
            rule: "§2: the last value of a name wins",
            target: "/socket.io/?EIO=4&transport=polling&transport=x",
            status: 400,
            answer: transportUnknown
        ),
        .init(
            rule: "§2.4: unknown sid",
            target: "/socket.io/?EIO=4&transport=polling&sid=\(unknownID)",
            status: 400,
            answer: sessionUnknown
        ),
        .init(
            rule: "§2.4: a sid that is none",
            target: "/socket.io/?EIO=4&transport=polling&sid=x",
            status: 400,
            answer: sessionUnknown
        ),
        .init(
            rule: "§2.4 before §2.6: unknown sid and version",
            target: "/socket.io/?transport=polling&sid=x",
            status: 400,
            answer: sessionUnknown
        ),
        .init(
            rule: "§2.4: websocket without upgrade, unknown sid",
            target: "/socket.io/?EIO=4&transport=websocket&sid=x",
            status: 400,
            answer: sessionUnknown
        ),
        .init(
            rule: "§2.5: POST without sid",
            method: "POST",
            target: "/socket.io/?EIO=4&transport=polling",
            body: "4x",
            status: 400,
            answer: badMethod
        ),
        .init(
            rule: "§2.5: an empty sid is none",
            method: "POST",
            target: "/socket.io/?EIO=4&transport=polling&sid=",
            body: "4x",
            status: 400,
            answer: badMethod
        ),
        .init(
            rule: "§2.5: the method is looked at before the upgrade",
            method: "POST",
            target: "/socket.io/?EIO=4&transport=websocket",
            body: "4x",
            status: 400,
            answer: badMethod
        ),
        .init(
            rule: "§2.5: PUT without sid",
            method: "PUT",
            target: "/socket.io/?EIO=4&transport=polling",
            status: 400,
            answer: badMethod
        ),
        .init(
            rule: "§11: OPTIONS without CORS",
            method: "OPTIONS",
            target: "/socket.io/?EIO=4&transport=polling",
            status: 400,
            answer: badMethod
        ),
        .init(
            rule: "§2.5: HEAD",
            method: "HEAD",
            target: "/socket.io/?EIO=4&transport=polling",
            status: 400,
            answer: ""
        ),
        .init(
            rule: "§2.5: websocket without upgrade",
            target: "/socket.io/?EIO=4&transport=websocket",
            status: 400,
            answer: badRequest
        ),
        .init(
            rule: "§2.6: EIO missing",
            target: "/socket.io/?transport=polling",
            status: 400,
            answer: badVersion
        ),
        .init(
            rule: "§2.6: EIO 3",
            target: "/socket.io/?EIO=3&transport=polling",
            status: 400,
            answer: badVersion
        ),
        .init(
            rule: "§2: any path below the prefix",
            target: "/socket.io/default/?transport=polling",
            status: 400,
            answer: badVersion
        ),
        .init(
            rule: "RFC 9112 §3.2.2: a target in absolute form",
            target: "http://a/socket.io/?transport=polling",
            status: 400,
            answer: badVersion
        ),
        .init(
            rule: "§2: other paths are not the engine's",
            target: "/socket.i",
            status: 404,
            answer: ""
        ),
        .init(
            rule: "§3: a WebSocket is refused in plain text: transport",
            target: "/socket.io/?EIO=4&transport=x",
            fields: RawClient.upgradeFields,
            status: 400,
            answer: "Transport unknown"
        ),
        .init(
            rule: "§3: a WebSocket is refused in plain text: sid",
            target: "/socket.io/?EIO=4&transport=websocket&sid=x",
            fields: RawClient.upgradeFields,
            status: 400,
            answer: "Session ID unknown"
        ),
        .init(
            rule: "§3: a WebSocket is refused in plain text: version",
            target: "/socket.io/?EIO=3&transport=websocket",
            fields: RawClient.upgradeFields,
            status: 400,
            answer: "Unsupported protocol version"
        ),
        .init(
            rule: "§3: a WebSocket is refused in plain text: method",
            method: "POST",
            target: "/socket.io/?EIO=4&transport=websocket",
            fields: RawClient.upgradeFields,
            status: 400,
            answer: "Bad handshake method"
        ),
        .init(
            rule: "RFC 9112 §6: an upgrade with a body is refused",
            target: "/socket.io/?EIO=4&transport=websocket",
            fields: RawClient.upgradeFields,
            body: "hello",
            status: 400,
            answer: "Bad request"
        ),
        .init(
            rule: "RFC 6455 §4.4: another version",
            target: "/socket.io/?EIO=4&transport=websocket",
            fields: ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 8"],
            status: 426,
            answer: ""
        ),
    ]
}

@Suite("protocol.md §2, §3, §11: what answers a request", .timeLimit(.minutes(5)))
struct RoutingTests {
    @Test(arguments: RoutingExample.all)
    func answer(_ example: RoutingExample) async throws {
        try await TestServer.run { server in
            let client = try server.client()
            let response = try client.exchange(
                example.method,
                example.target,
                fields: example.fields,
                body: example.body
            )
            #expect(response.status == example.status)
            if let answer = example.answer { #expect(response.body == answer) }
            #expect(response["cache-control"] == nil)
            if example.fields.isEmpty {
                #expect(response["connection"] == "keep-alive")
            } else {
                #expect(response["connection"] == "close")
                #expect(client.readsEnd())
            }
            #expect(server.engine.sessionCount == 0)
        }
    }

    @Test("§2.2: transports that are off", arguments: ["polling", "websocket"])
    func disabled(transport: String) async throws {
        try await TestServer.run(
            options: .with {
                $0.allowsPolling = transport != "polling"
                $0.allowsWebSocket = transport != "websocket"
            }
        ) { server in
            let client = try server.client()
            let response = try client.exchange("GET", TestServer.path + transport)
            #expect(response.body == RoutingExample.transportUnknown)
        }
    }

    @Test("§2.5 before §2.6: allowRequest is asked before the version is looked at")
    func refusalFirst() async throws {
        try await TestServer.run(allowRequest: deciding { _ in .refuse("no \"entry\"") }) {
            server in
            let client = try server.client()
            let plain = try client.exchange("GET", "/socket.io/?EIO=3&transport=polling")
            #expect(plain.status == 403)
            #expect(plain.body == #"{"code":4,"message":"no \"entry\""}"#)
            let socket = try client.exchange(
                "GET",
                "/socket.io/?EIO=3&transport=websocket",
                fields: RawClient.upgradeFields
            )
            #expect(socket.status == 400)
            #expect(socket.body == "no \"entry\"")
            #expect(client.readsEnd())
        }
    }

    @Test("§2: allowRequest is asked for handshakes alone")
    func askedOnce() async throws {
        try await TestServer.run(
            allowRequest: deciding { request in
                request.head.query.value(of: "sid") == nil ? .allow : .refuse(nil)
            }
        ) { server in
            let (sid, client) = try server.pollingSession()
            let target = TestServer.path + "polling&sid=\(sid)"
            #expect(try client.exchange("POST", target, body: "4x").body == "ok")
            #expect(try client.exchange("GET", target).body == "4x")
            try server.client().upgrade(TestServer.path + "websocket&sid=\(sid)")
        }
    }

    @Test("A client that goes while allowRequest thinks leaves no session")
    func disconnectedMeanwhile() async throws {
        let gate = Gate()
        try await TestServer.run(
            allowRequest: deciding { _ in
                await gate.pass()
                return .allow
            }
        ) { server in
            for transport in ["polling", "websocket"] {
                let client = try server.client()
                let fields = transport == "websocket" ? RawClient.upgradeFields : []
                client.request("GET", TestServer.path + transport, fields: fields)
                await gate.arrival()
                client.close()
            }
            // A request that is answered after both ends were seen.
            for _ in 0..<3 { _ = try server.client().exchange("GET", "/") }
            gate.open()
            for _ in 0..<3 { _ = try server.client().exchange("GET", "/") }
            #expect(server.engine.sessionCount == 0)
            #expect(server.log.aliveCount == 0)
        }
    }

    @Test("§2: other methods than GET and POST on a session: 500, empty; it goes on")
    func otherMethods() async throws {
        try await TestServer.run { server in
            let (sid, client) = try server.pollingSession()
            let target = TestServer.path + "polling&sid=\(sid)"
            for method in ["PUT", "DELETE", "HEAD", "OPTIONS"] {
                let response = try client.exchange(method, target)
                #expect(response.status == 500)
                #expect(response.body == "")
            }
            #expect(try client.exchange("POST", target, body: "4x").body == "ok")
            #expect(server.engine.sessionCount == 1)
        }
    }

    @Test("§11: a preflight is 204 with what the policy allows")
    func preflight() async throws {
        try await TestServer.run(
            options: .with { $0.cors = CORSPolicy(origin: .fixed("http://b")) }
        ) {
            server in
            let response = try server.client().exchange(
                "OPTIONS",
                "/socket.io/?EIO=4&transport=polling",
                fields: ["Origin: http://b", "Access-Control-Request-Headers: x-a"]
            )
            #expect(response.status == 204)
            #expect(response["access-control-allow-origin"] == "http://b")
            #expect(response["access-control-allow-methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE")
            #expect(response["access-control-allow-headers"] == "x-a")
            #expect(response["vary"] == "Origin, Access-Control-Request-Headers")
        }
    }

    @Test("§11: every answer of the engine has the CORS fields, errors and the 101 too")
    func corsEverywhere() async throws {
        try await TestServer.run(
            options: .with {
                $0.cors = CORSPolicy(origin: .reflectAll)
                $0.maxHTTPBufferSize = 10
            }
        ) { server in
            let origin = ["Origin: http://b"]
            func check(_ response: RawClient.Response, _ status: Int) {
                #expect(response.status == status)
                #expect(response["access-control-allow-origin"] == "http://b")
                #expect(response["vary"] == "Origin")
            }
            let client = try server.client()
            let open = try client.exchange("GET", TestServer.path + "polling", fields: origin)
            check(open, 200)
            let target = try TestServer.path + "polling&sid=\(TestServer.sid(open.body))"
            check(try client.exchange("POST", target, fields: origin, body: "4x"), 200)
            check(try client.exchange("GET", target, fields: origin), 200)
            check(try client.exchange("PUT", target, fields: origin), 500)
            check(try client.exchange("GET", target + "x", fields: origin), 400)
            check(try client.exchange("POST", target, fields: origin), 411)
            let socket = try server.client()
            let sid = try TestServer.sid(open.body)
            check(try socket.upgrade(TestServer.path + "websocket&sid=\(sid)", fields: origin), 101)
            let large = String(repeating: "4", count: 11)
            let posting = try server.client()
            check(try posting.exchange("POST", target, fields: origin, body: large), 413)
            let first = try server.client()
            first.send("POST \(target) HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n4")
            #expect(try client.exchange("GET", "/").status == 404)
            let second = try server.client()
            check(try second.exchange("POST", target, fields: origin, body: "4x"), 400)
        }
    }

    @Test("§11: no CORS fields without a policy; the cookie on the polling handshake alone")
    func cookie() async throws {
        try await TestServer.run(options: .with { $0.cookie = SessionCookie() }) { server in
            let client = try server.client()
            let open = try client.exchange("GET", TestServer.path + "polling")
            let sid = try TestServer.sid(open.body)
            #expect(open["set-cookie"] == "io=\(sid); Path=/; HttpOnly; SameSite=Lax")
            #expect(open["access-control-allow-origin"] == nil)
            let target = TestServer.path + "polling&sid=\(sid)"
            #expect(try client.exchange("POST", target, body: "4x")["set-cookie"] == nil)
            #expect(try client.exchange("GET", target)["set-cookie"] == nil)
            let upgrade = try server.client().upgrade(TestServer.path + "websocket")
            #expect(upgrade["set-cookie"] == nil)
        }
    }

    @Test(
        "§11: old Internet Explorers are told not to filter",
        arguments: [
            ("Mozilla/4.0 (compatible;MSIE 8.0)", "0"), ("x Trident/7.0; rv:11.0", "0"),
            ("Mozilla/5.0 MSIE", nil),
        ] as [(String, String?)]
    )
    func filter(userAgent: String, value: String?) async throws {
        try await TestServer.run { server in
            let fields = ["User-Agent: \(userAgent)"]
            let client = try server.client()
            let open = try client.exchange("GET", TestServer.path + "polling", fields: fields)
            #expect(open["x-xss-protection"] == value)
            let target = try TestServer.path + "polling&sid=\(TestServer.sid(open.body))"
            let post = try client.exchange("POST", target, fields: fields, body: "4x")
            #expect(post["x-xss-protection"] == value)
            let poll = try client.exchange("GET", target, fields: fields)
            #expect(poll["x-xss-protection"] == value)
        }
    }

    @Test("Plain routes: HEAD from GET, 405 with Allow, 404")
    func routes() async throws {
        var routes = RouteTable()
        routes.add(.get, "/healthz") { _ in RouteResponse(status: 200, body: .init("fine")) }
        routes.add(.post, "/echo") { RouteResponse(status: 200, body: $0.body) }
        try await TestServer.run(routes: routes) { server in
            let client = try server.client()
            #expect(try client.exchange("GET", "/healthz?x=1").body == "fine")
            let head = try client.exchange("HEAD", "/healthz")
            #expect(head["content-length"] == "4")
            let other = try client.exchange("DELETE", "/healthz")
            #expect(other.status == 405)
            #expect(other["allow"] == "GET")
            #expect(try client.exchange("POST", "/echo", body: "abc").body == "abc")
            #expect(try client.exchange("GET", "/nothing").status == 404)
        }
    }
}
