import Bytes
import EngineIOProtocol
import Glibc
import HTTP1
import Synchronization
import Testing

@testable import EngineIO

@Suite("protocol.md §3, §11, §12: what the app is asked and told", .timeLimit(.minutes(5)))
struct EngineEventTests {
    /// What hooks were called with, in order.
    private final class Calls<Call: Sendable>: Sendable {
        private let calls = Mutex<[Call]>([])
        var all: [Call] { calls.withLock { $0 } }
        func add(_ call: Call) { calls.withLock { $0.append(call) } }
    }

    private struct NoID: Error {}

    @Test("§12: the app makes the ids; a session is found by its own", arguments: [1, 2])
    func ownIDs(loops: Int) async throws {
        try await TestServer.run(
            loops: loops,
            hooks: hooking { $0.makeSessionID = { $0.head.query.value(of: "id") ?? "" } }
        ) { server in
            for id in ["a", "user-1.2_3~4", "AAAAAAAAAAAAAAAAAAAA"] {
                let client = try server.client()
                let open = try client.exchange("GET", TestServer.path + "polling&id=\(id)")
                #expect(open.body.hasPrefix(#"0{"sid":"\#(id)","#))
                let target = TestServer.path + "polling&sid=\(id)"
                let poster = try server.client()
                #expect(try poster.exchange("POST", target, body: "4x").body == "ok")
                #expect(try client.exchange("GET", target).body == "4x")
                let socket = try server.client()
                try socket.upgrade(TestServer.path + "websocket&sid=\(id)")
                socket.sendFrame("5")
                socket.sendFrame("4y")
                #expect(try socket.readFrame() == .text("4y"))
            }
        }
    }

    @Test("§3: an id that is taken, is none, or cannot be made is refused with code 3")
    func refusedIDs() async throws {
        let failures = Calls<[String: String]>()
        try await TestServer.run(
            loops: 2,
            hooks: hooking {
                $0.makeSessionID = { request in
                    guard let id = request.head.query.value(of: "id") else { throw NoID() }
                    return id
                }
                $0.connectionFailed = { failures.add($0.context) }
            }
        ) { server in
            let client = try server.client()
            #expect(try client.exchange("GET", TestServer.path + "polling&id=a").status == 200)
            for query in ["&id=a", "&id=", "&id=b%20c", "&id=%22", "&id=%0D%0A", ""] {
                for _ in 0..<2 {
                    let other = try server.client()
                    let response = try other.exchange("GET", TestServer.path + "polling" + query)
                    #expect(response.body == RoutingExample.badRequest)
                    let socket = try other.exchange(
                        "GET",
                        TestServer.path + "websocket" + query,
                        fields: RawClient.upgradeFields
                    )
                    #expect(socket.status == 400)
                    #expect(socket.body == "Bad request")
                }
            }
            // What was refused has not hurt the session, which frees its id at its end.
            let target = TestServer.path + "polling&sid=a"
            #expect(try client.exchange("POST", target, body: "1").body == "ok")
            #expect(try client.exchange("GET", TestServer.path + "polling&id=a").status == 200)
        }
        #expect(failures.all.count == 24)
        #expect(failures.all.allSatisfy { $0["name"] == "ID_GENERATION_ERROR" })
        #expect(Set(failures.all.map { $0["error"] }) == ["taken", "not an id", "NoID()"])
    }

    @Test("§3: each refusal is told with code, message and context; what is served is not")
    func refusals() async throws {
        let failures = Calls<(UInt8, String, [String: String])>()
        let path = "/socket.io/?EIO=4&transport="
        try await TestServer.run(
            allowRequest: deciding { request in
                request.head.query.value(of: "no") == nil ? .allow : .refuse("not today")
            },
            hooks: hooking {
                $0.connectionFailed = {
                    failures.add(($0.error.code, $0.error.message, $0.context))
                }
            }
        ) { server in
            let (sid, client) = try server.pollingSession()
            let (own, owner) = try server.webSocketSession()
            func get(_ target: String) throws { _ = try client.exchange("GET", target) }
            try get(path + "tcp")
            try get(path + "polling&sid=x")
            _ = try client.exchange("PUT", path + "polling")
            try get(path + "websocket")
            try get(path + "polling&sid=\(own)")
            try get(path + "polling&no=1")
            try get("/socket.io/?transport=polling")
            _ = try client.exchange("POST", path + "polling&sid=\(sid)", body: "4x")
            try get("/nothing")
            let socket = try server.client()
            _ = try socket.exchange(
                "GET",
                path + "websocket&sid=y",
                fields: RawClient.upgradeFields
            )
            owner.close()
            let expected: [(UInt8, String, [String: String])] = [
                (0, "Transport unknown", ["transport": "tcp"]),
                (1, "Session ID unknown", ["sid": "x"]),
                (2, "Bad handshake method", ["method": "PUT"]),
                (3, "Bad request", ["name": "TRANSPORT_HANDSHAKE_ERROR"]),
                (
                    3, "Bad request",
                    [
                        "name": "TRANSPORT_MISMATCH", "transport": "polling",
                        "previousTransport": "websocket",
                    ]
                ),
                (4, "not today", ["message": "not today"]),
                (5, "Unsupported protocol version", ["protocol": "3"]),
                (1, "Session ID unknown", ["sid": "y"]),
            ]
            #expect(failures.all.count == expected.count)
            for (told, wanted) in zip(failures.all, expected) {
                #expect(told.0 == wanted.0)
                #expect(told.1 == wanted.1)
                #expect(told.2 == wanted.2)
            }
        }
    }

    @Test("§11: the first response has both events' fields, later 200s one's, errors none")
    func headers() async throws {
        let calls = Calls<String>()
        try await TestServer.run(
            options: .with { $0.cookie = SessionCookie() },
            hooks: hooking {
                $0.initialHeaders = { fields, request in
                    calls.add("initial \(fields.count)")
                    fields.append(("X-Initial", request.head.query.value(of: "transport") ?? ""))
                }
                $0.headers = { fields, _ in
                    calls.add("headers")
                    // A line break that would end the field becomes a space.
                    fields.append(("X-Always", "1\r\nX-Split: 1"))
                    fields.removeAll { $0.name == "cache-control" }
                }
            }
        ) { server in
            let client = try server.client()
            let open = try client.exchange("GET", TestServer.path + "polling")
            #expect(open["x-initial"] == "polling")
            #expect(open["x-always"]?.hasPrefix("1 ") == true)
            #expect(open["x-split"] == nil)
            #expect(open["cache-control"] == nil)
            #expect(open["set-cookie"]?.hasPrefix("io=") == true)
            #expect(calls.all == ["initial 3", "headers"])
            let target = try TestServer.path + "polling&sid=\(TestServer.sid(open.body))"
            let post = try client.exchange("POST", target, body: "4x")
            let get = try client.exchange("GET", target)
            for response in [post, get] {
                #expect(response["x-initial"] == nil)
                #expect(response["x-always"] != nil)
            }
            #expect(try client.exchange("PUT", target)["x-always"] == nil)
            #expect(try client.exchange("GET", target + "x")["x-always"] == nil)
            #expect(calls.all.count == 4)
            let upgrade = try server.client()
                .upgrade(TestServer.path + "websocket&sid=\(TestServer.sid(open.body))")
            #expect(upgrade["x-initial"] == nil)
            #expect(upgrade["x-always"] != nil)
            let socket = try server.client().upgrade(TestServer.path + "websocket")
            #expect(socket["x-initial"] == "websocket")
            #expect(socket["x-always"] != nil)
            #expect(socket["x-split"] == nil)
        }
    }

    @Test("A request waits while more than `maxUnsentBytes` of earlier responses have not left")
    func maxUnsentBytes() async throws {
        #expect(EngineOptions().maxUnsentBytes == 256 * 1024)
        let served = Atomic<Int>(0)
        let body = SharedBytes([UInt8](repeating: 0x61, count: 1 << 20))
        var routes = RouteTable()
        routes.add(.get, "/large") { _ in
            served.add(1, ordering: .relaxed)
            return RouteResponse(status: 200, body: body)
        }
        try await TestServer.run(
            routes: routes,
            options: .with {
                $0.maxUnsentBytes = 1000
                $0.maxSendQueueBytes = 1 << 30
            }
        ) { server in
            let client = try server.client()
            let requests = 40
            client.send(
                String(repeating: "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", count: requests)
            )
            // The kernel's buffers take some; then nobody reads, and nobody is asked.
            for _ in 0..<20 { _ = try server.client().exchange("GET", "/nothing") }
            #expect(served.load(ordering: .relaxed) < requests)
            for _ in 0..<requests { #expect(try client.response().bytes.count == 1 << 20) }
            #expect(served.load(ordering: .relaxed) == requests)
        }
    }

    @Test("`listenBacklog` is what the listeners were given, as far as the system allows")
    func listenBacklog() async throws {
        #expect(EngineOptions().listenBacklog == 4096)
        try await TestServer.run(options: .with { $0.listenBacklog = 7 }) { server in
            #expect(backlog(port: server.port) == 7)
        }
    }

    /// The backlog of this process's listener on `port`, as TCP knows it.
    private func backlog(port: Int) -> Int? {
        // Other tests have many descriptors open.
        for number in 0..<CInt(clamping: sysconf(CInt(_SC_OPEN_MAX))) {
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isNamed = withUnsafeMutableBytes(of: &address) {
                getsockname(
                    number,
                    $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                    &length
                )
            }
            var isListening: CInt = 0
            var size = socklen_t(MemoryLayout<CInt>.size)
            guard isNamed == 0, address.sin_port == in_port_t(UInt16(port).bigEndian),
                getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0,
                isListening == 1
            else { continue }
            var info = tcp_info()
            size = socklen_t(MemoryLayout<tcp_info>.size)
            guard getsockopt(number, CInt(IPPROTO_TCP), TCP_INFO, &info, &size) == 0 else {
                continue
            }
            // For a listener the kernel reports its limit here (inet_diag).
            return Int(info.tcpi_sacked)
        }
        return nil
    }
}
