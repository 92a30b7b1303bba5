import Testing

@testable import Redis

@Suite("Who we are to Redis")
struct AuthenticationTests {
    private static func client(
        _ server: RedisServer,
        user: String? = nil,
        password: String? = nil,
        database: Int = 0
    ) throws -> TestClient {
        var options = server.options
        options.address = RedisAddress(
            endpoint: options.address.endpoint,
            user: user,
            password: password,
            database: database
        )
        options.clientName = "node-1"
        return try TestClient(options)
    }

    @Test("with the right password commands flow, under the client's name")
    func rightPassword() async throws {
        let server = try RedisServer("--requirepass", "p@ss word")
        let test = try Self.client(server, password: "p@ss word")
        #expect(try await test.send("CLIENT", "GETNAME").text == "node-1")
    }

    @Test("a user of the access control list works as itself")
    func listedUser() async throws {
        let server = try RedisServer(
            ["--user"] + "alice on >secret ~* &* +@all".split(separator: " ").map(String.init)
        )
        let test = try Self.client(server, user: "alice", password: "secret")
        #expect(try await test.send("ACL", "WHOAMI").text == "alice")
    }

    @Test("a wrong password, or none, is one state with Redis's line until it is mended")
    func wrongPassword() async throws {
        let server = try RedisServer("--requirepass", "right")
        let wrong = try Self.client(server, password: "wrong")
        guard case .refused("AUTH", let line) = try await wrong.fault() else {
            Issue.record("no refusal of AUTH")
            return
        }
        #expect(line.hasPrefix("WRONGPASS"))
        let none = try Self.client(server)
        guard case .refused("PING", let other) = try await none.fault() else {
            Issue.record("no refusal of PING")
            return
        }
        #expect(other.hasPrefix("NOAUTH"))

        let admin = try Self.client(server, password: "right")
        // Both are turned away again and again meanwhile.
        while try await refusals(admin) < 6 {}
        #expect(wrong.states.all.count == 1)
        try await admin.send("CONFIG", "SET", "requirepass", "wrong")
        try await wrong.ready()
        #expect(wrong.states.all.count == 2)
    }

    private func refusals(_ admin: TestClient) async throws -> Int {
        let stats = try await admin.send("INFO", "stats").text ?? ""
        let lines = stats.split(whereSeparator: \.isNewline)
        let line = lines.first { $0.hasPrefix("total_connections_received:") } ?? ""
        return Int(line.drop { $0 != ":" }.dropFirst()) ?? 0
    }

    @Test("commands work in the database of the address")
    func selects() async throws {
        let server = try RedisServer()
        let third = try Self.client(server, database: 3)
        try await third.send("SET", "a", "b")
        let zero = try Self.client(server)
        #expect(try await zero.send("GET", "a") == .null)
        try await zero.send("SELECT", "3")
        #expect(try await zero.send("GET", "a").text == "b")
    }

    @Test("a database that is not there is a state with Redis's line")
    func unknownDatabase() async throws {
        let server = try RedisServer()
        let test = try Self.client(server, database: 999)
        let fault = try await test.fault()
        #expect(fault == .refused(command: "SELECT", line: "ERR DB index is out of range"))
        #expect(fault?.description == "Redis refused SELECT: ERR DB index is out of range")
    }

    @Test("a name that Redis does not take is of no consequence")
    func badName() async throws {
        let server = try RedisServer()
        var options = server.options
        options.clientName = "not allowed"
        let test = try TestClient(options)
        #expect(try await test.send("PING").isStatus("PONG"))
    }
}
