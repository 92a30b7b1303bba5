import Bytes
import EngineIOProtocol
import HTTP1
import Loop
import Synchronization
import Testing

@testable import EngineIO

@Suite("RFC 9112: connections of the engine", .timeLimit(.minutes(5)))
struct HTTPTests {
    /// A table with `/late`, which answers its query after a detour over another thread.
    private static func lateRoutes() throws -> RouteTable {
        let other = try LoopGroup(count: 1).loops[0]
        var routes = RouteTable()
        routes.add(.get, "/late") { request in
            await withCheckedContinuation { continuation in
                other.post { continuation.resume() }
            }
            return RouteResponse(status: 200, body: request.head.query.bytes)
        }
        return routes
    }

    @Test("§9.3.2: pipelined requests are answered in order, late answers too")
    func pipelining() async throws {
        try await TestServer.run(routes: try Self.lateRoutes()) { server in
            let client = try server.client()
            var text = ""
            for index in 0..<100 {
                let path = index % 3 == 0 ? "/nothing" : "/late?\(index)"
                text += "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n"
            }
            client.send(text)
            for index in 0..<100 {
                let response = try client.response()
                #expect(response.status == (index % 3 == 0 ? 404 : 200))
                #expect(response.body == (index % 3 == 0 ? "" : "\(index)"))
            }
        }
    }

    @Test("What is pipelined behind a slow answer is read no further than the limit")
    func pipelinedBytes() async throws {
        let gate = Gate()
        var routes = try Self.lateRoutes()
        routes.add(.get, "/slow") { _ in
            await gate.pass()
            return RouteResponse(status: 200)
        }
        try await TestServer.run(routes: routes, options: .with { $0.maxPipelinedBytes = 1000 }) {
            server in
            let client = try server.client()
            client.request("GET", "/slow")
            await gate.arrival()
            let request = "GET /late?x HTTP/1.1\r\nHost: a\r\n\r\n"
            client.send(String(repeating: request, count: 3000))
            gate.open()
            _ = try client.response()
            for _ in 0..<3000 { #expect(try client.response().body == "x") }
        }
    }

    @Test("Requests wait while earlier answers have not left")
    func unreadAnswers() async throws {
        let calls = Atomic<Int>(0)
        let body = SharedBytes([UInt8](repeating: 0x78, count: 256 * 1024))
        var routes = RouteTable()
        routes.add(.get, "/large") { _ in
            calls.add(1, ordering: .relaxed)
            return RouteResponse(status: 200, body: body)
        }
        try await TestServer.run(routes: routes) { server in
            let client = try server.client()
            client.send(String(repeating: "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", count: 200))
            let other = try server.client()
            for _ in 0..<20 { _ = try other.exchange("GET", "/") }
            #expect(calls.load(ordering: .relaxed) < 100)
            for _ in 0..<200 { #expect(try client.response().body.utf8.count == 256 * 1024) }
            #expect(calls.load(ordering: .relaxed) == 200)
        }
    }

    @Test("RFC 9110 §10.1.1: 100 comes before a body that is wanted, and only then")
    func expectation() async throws {
        try await TestServer.run(options: .with { $0.maxHTTPBufferSize = 10 }) { server in
            let (sid, client) = try server.pollingSession()
            let target = TestServer.path + "polling&sid=\(sid)"
            func head(_ target: String, _ length: Int) -> String {
                "POST \(target) HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    + "Content-Length: \(length)\r\n\r\n"
            }
            client.send(head(target, 2))
            #expect(try client.response().status == 100)
            client.send("4x")
            #expect(try client.response().body == "ok")

            client.send(head(target, 11))
            #expect(try client.response().status == 413)
            #expect(client.readsEnd())

            for target in [target + "x", "/nothing"] {
                let client = try server.client()
                client.send(head(target, 2))
                let response = try client.response()
                #expect(response.status == (target == "/nothing" ? 404 : 400))
                #expect(response["connection"] == "close")
                #expect(client.readsEnd())
            }
            #expect(server.engine.sessionCount == 1)
        }
    }

    @Test(
        "RFC 9110 §15.5.9: a head or a body that comes too slowly is 408, byte by byte or not",
        arguments: [false, true]
    )
    func slowRequests(drips: Bool) async throws {
        try await TestServer.run(
            options: .with {
                $0.headTimeout = .seconds(1)
                $0.bodyTimeout = .seconds(1)
            }
        ) { server in
            for start in [
                "GET / HTT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
            ] {
                let client = try server.client()
                client.send(start)
                while drips, !client.hasBytes(within: 20) { client.send("x") }
                let response = try client.response()
                #expect(response.status == 408)
                #expect(response["connection"] == "close")
            }
        }
    }

    @Test("A connection that says nothing, or nothing more, is closed without a word")
    func idle() async throws {
        try await TestServer.run(
            options: .with {
                $0.headTimeout = .seconds(1)
                $0.keepAliveTimeout = .milliseconds(50)
            }
        ) { server in
            #expect(try server.client().readsEnd())
            let client = try server.client()
            _ = try client.exchange("GET", "/")
            #expect(client.readsEnd())
        }
    }

    @Test("A request that was pipelined in part behind a late answer has its time limit, too")
    func limitAfterLateAnswer() async throws {
        try await TestServer.run(
            routes: try Self.lateRoutes(),
            options: .with { $0.headTimeout = .seconds(1) }
        ) { server in
            let client = try server.client()
            client.send("GET /late?1 HTTP/1.1\r\nHost: a\r\n\r\nGET / HT")
            #expect(try client.response().body == "1")
            #expect(try client.response().status == 408)
        }
    }

    @Test("RFC 9112 §9.6: after `Connection: close` and in HTTP/1.0 the connection ends")
    func lastRequests() async throws {
        try await TestServer.run { server in
            for request in [
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n",
                "GET / HTTP/1.0\r\n\r\n",
            ] {
                let client = try server.client()
                client.send(request)
                let response = try client.response()
                #expect(response["connection"] == "close")
                #expect(client.readsEnd())
            }
        }
    }

    @Test("RFC 9112 §3: what is no request is answered once and closed")
    func malformed() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n\u{16}\u{3}nonsense\r\n\r\n")
            #expect(try client.response().status == 404)
            #expect(try client.response().status == 400)
            #expect(client.readsEnd())
        }
    }
}
