import EngineIO
import Foundation
import Glibc
import Testing

@testable import SocketIO

@Suite("protocol.md §2, §3, §11, §12: options and events of the engine", .timeLimit(.minutes(5)))
struct EngineOptionTests {
    private struct Answer {
        let status: Int
        let fields: String
        let body: String
    }

    private func get(_ target: String, _ port: Int, fields: String = "") throws -> Answer {
        let descriptor = try TestClient.connect(port)
        defer { close(descriptor) }
        let request = "GET \(target) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(fields)\r\n"
        try TestClient.write(descriptor, Array(request.utf8))
        var response: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw TestClient.Failure(description: "silence") }
            if count == 0 { break }
            response += buffer[..<count]
        }
        let parts = String(decoding: response, as: UTF8.self).components(separatedBy: "\r\n\r\n")
        return Answer(
            status: Int(parts[0].dropFirst(9).prefix(3)) ?? 0,
            fields: parts[0].lowercased(),
            body: parts.dropFirst().joined(separator: "\r\n\r\n")
        )
    }

    private static let handshake = "?EIO=4&transport=polling"

    @Test(
        "§2: with `addsTrailingSlash` the path ends with a slash, without it need not",
        arguments: [
            (true, "/socket.io", "/socket.io/", 200), (true, "/socket.io", "/socket.io", 404),
            (true, "/socket.io", "/socket.io/default/", 200), (true, "/a/", "/a/", 200),
            (true, "/a/", "/a", 404), (false, "/socket.io", "/socket.io", 200),
            (false, "/socket.io", "/socket.io/", 200), (false, "/a/", "/a", 200),
            (false, "b", "/b", 200), (false, "/socket.io", "/socket", 404),
        ]
    )
    func trailingSlash(adds: Bool, path: String, target: String, status: Int) async throws {
        try await withServer(
            options: {
                $0.path = path
                $0.addsTrailingSlash = adds
            },
            run: { _, port in
                let answer = try get(target + Self.handshake, port)
                #expect(answer.status == status)
            }
        )
    }

    @Test("§2: an upgrade outside the path is a plain request: a route's, or 404 at once")
    func upgradeElsewhere() async throws {
        try await withServer(
            setUp: {
                $0.route(.get, "/route") { _ in HTTPResponse.text("here") }
                $0.route(.get, "/thrown") { _ in throw HTTPResponse.text("no", status: 402) }
            },
            run: { _, port in
                let thrown = try get("/thrown", port)
                #expect(thrown.status == 402)
                #expect(thrown.body == "no")
                let fields =
                    "Connection: Upgrade, close\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                let elsewhere = try get("/elsewhere", port, fields: fields)
                #expect(elsewhere.status == 404)
                let route = try get("/route", port, fields: fields)
                #expect(route.body == "here")
            }
        )
    }

    @Test("§4: the initial packet comes before anything of Socket.IO")
    func initialPacket() async throws {
        try await withServer(
            options: { $0.initialPacket = #"2["welcome"]"# },
            run: { _, port in
                let client = try TestClient(port: port)
                #expect(try await client.text() == #"42["welcome"]"#)
                try await client.join()
                let body = try get("/socket.io/" + Self.handshake, port).body
                #expect(body.hasSuffix("}\u{1E}42[\"welcome\"]"))
            }
        )
    }

    @Test("§3, §11, §12: ids, refusals and header fields, as the app sees them")
    func events() async throws {
        let refusals = Journal<ConnectionRefusal>()
        try await withServer(
            options: {
                $0.makeSessionID = { "id-\($0.query["n"] ?? "?")" }
                $0.onConnectionError = { refusals.add($0) }
                $0.onInitialHeaders = { $0.append(("X-Initial", $1.query["n"] ?? "")) }
                $0.onHeaders = { fields, _ in fields.append(("X-Every", "1")) }
            },
            run: { server, port in
                let target = "/socket.io/" + Self.handshake
                let open = try get(target + "&n=1", port)
                #expect(open.body.hasPrefix(#"0{"sid":"id-1","#))
                #expect(open.fields.contains("\r\nx-initial: 1\r\n"))
                #expect(open.fields.contains("\r\nx-every: 1\r\n"))
                #expect(server.clientsCount == 1)
                #expect(try get(target + "&n=1", port).status == 400)
                #expect(try get(target + "&sid=id-2", port).status == 400)
                let told = await refusals.first(2)
                #expect(told.map(\.code) == [3, 1])
                #expect(told.map(\.message) == ["Bad request", "Session ID unknown"])
                #expect(told[0].context == ["name": "ID_GENERATION_ERROR", "error": "taken"])
                #expect(told[1].context == ["sid": "id-2"])
                #expect(told[1].request.address == "127.0.0.1")
            }
        )
    }

    private struct NotToday: Error {}

    @Test("§2.1: middlewares run in order for each request; what they throw is the answer")
    func middlewares() async throws {
        let seen = Journal<String>()
        let refusals = Journal<ConnectionRefusal>()
        try await withServer(
            options: {
                $0.onConnectionError = { refusals.add($0) }
                $0.engineMiddlewares = [
                    { request, headers in
                        #expect(request.isHandshake)
                        headers.append(("X-First", request.method))
                        seen.add("first \(request.address)")
                        if request.query["no"] == "1" {
                            throw HTTPResponse.text("sign in first", status: 401)
                        }
                    },
                    { request, headers async throws in
                        seen.add("second")
                        await Task.yield()
                        headers.append(("X-Second", "2"))
                        if request.query["no"] == "2" { throw NotToday() }
                    },
                ]
            },
            run: { server, port in
                let target = "/socket.io/" + Self.handshake
                let open = try get(target, port)
                #expect(open.status == 200)
                #expect(open.fields.contains("\r\nx-first: get\r\nx-second: 2\r\n"))
                #expect(seen.entries == ["first 127.0.0.1", "second"])
                let own = try get(target + "&no=1", port)
                #expect(own.status == 401)
                #expect(own.body == "sign in first")
                #expect(own.fields.contains("\r\nx-first: get\r\n"))
                #expect(seen.entries.count == 3)
                let failed = try get(target + "&no=2", port)
                #expect(failed.status == 400)
                #expect(failed.body == #"{"code":3,"message":"Bad request"}"#)
                #expect(failed.fields.contains("\r\nx-second: 2\r\n"))
                // Whoever answers himself knows of it.
                #expect(refusals.entries.map(\.code) == [3])
                #expect(refusals.entries[0].context == ["name": "MIDDLEWARE_FAILURE"])
                #expect(server.clientsCount == 1)
                let client = try TestClient(port: port)
                try await client.join()
                #expect(try get("/elsewhere", port).fields.contains("x-first") == false)
            }
        )
    }

    @Test("the options of HTTP reach the engine")
    func httpOptions() {
        var options = ServerOptions()
        #expect(options.engine.listenBacklog == 4096)
        #expect(options.engine.maxUnsentBytes == 256 * 1024)
        #expect(!options.engine.allowsEIO3)
        options.listenBacklog = 5
        options.http.maxUnsentBytes = 6
        options.allowEIO3 = true
        options.initialPacket = "x"
        #expect(options.engine.listenBacklog == 5)
        #expect(options.engine.maxUnsentBytes == 6)
        #expect(options.engine.allowsEIO3)
        #expect(options.engine.initialPacket == "x")
    }
}
