import Foundation
import Testing

@testable import SocketIO

@Suite("protocol.md §13: clients of Socket.IO v2", .timeLimit(.minutes(5)))
struct Version2Tests {
    private static let query = "EIO=3&transport=websocket"

    private func run(
        loops: Int = 1,
        setUp: (Server) throws -> Void = { _ in },
        run body: (Server, Int) async throws -> Void
    ) async throws {
        try await withServer(
            loops: loops,
            options: { $0.allowEIO3 = true },
            setUp: setUp,
            run: body
        )
    }

    @Test("they are in `/` without asking, before the app sends anything")
    func implicit() async throws {
        let setUp = { (server: Server) in
            server.onConnection { try $0.emit("hello", $0.id) }
        }
        try await run(setUp: setUp) { _, port in
            let client = try TestClient(port: port, query: Self.query)
            #expect(try await client.text() == "40")
            #expect(try await client.text().hasPrefix(#"42["hello",""#))
            // To ask again is to break the protocol.
            try client.send("40")
            #expect(try await client.next() == .closed)
        }
    }

    @Test("a socket's id is the connection's, with the namespace before it elsewhere")
    func ids() async throws {
        let ids = Journal<String>()
        let setUp = { (server: Server) in
            server.onConnection { ids.add($0.id) }
            server.of("/admin").onConnection { ids.add($0.id) }
        }
        try await withServer(
            options: {
                $0.allowEIO3 = true
                $0.makeSessionID = { "sid-of-\($0.query["who"] ?? "")" }
            },
            setUp: setUp,
            run: { _, port in
                let client = try TestClient(port: port, query: Self.query + "&who=ann")
                #expect(try await client.text() == "40")
                try client.send("40/admin")
                #expect(try await client.text() == "40/admin,")
                #expect(await ids.first(2) == ["sid-of-ann", "/admin#sid-of-ann"])
                // Those of later clients stay secret.
                let later = try TestClient(
                    port: port,
                    query: "EIO=4&transport=websocket&who=bob"
                )
                #expect(try await later.join().count == 20)
            }
        )
    }

    @Test("auth is the query of the namespace's name; repeated names have lists")
    func auth() async throws {
        let auths = Journal<String>()
        let setUp = { (server: Server) in
            server.of("/admin").use { _, auth in auths.add(auth.json) }
        }
        try await run(setUp: setUp) { _, port in
            let client = try TestClient(port: port, query: Self.query)
            #expect(try await client.text() == "40")
            try client.send("40/admin?token=a%20b%22&x=1&x=2&y")
            #expect(try await client.text() == "40/admin,")
            // The query may stay in the name.
            try client.send("41/admin?token=a,")
            try client.send("40/admin")
            #expect(try await client.text() == "40/admin,")
            #expect(
                auths.entries == [#"{"token":"a b\"","x":["1","2"],"y":""}"#, "{}"]
            )
        }
    }

    @Test("a refusal is the error's data, or else its message; the connection stays")
    func refusals() async throws {
        try await run(
            setUp: { server in
                server.use { _, _ in throw ConnectError("not \"now\"") }
                server.of("/data").use { _, _ in throw ConnectError("no", data: ["a": 1]) }
                _ = server.of("/open")
            },
            run: { _, port in
                let client = try TestClient(port: port, query: Self.query)
                #expect(try await client.text() == #"44"not \"now\"""#)
                try client.send("40/data")
                #expect(try await client.text() == #"44/data,{"a":1}"#)
                try client.send("40/none")
                #expect(try await client.text() == #"44/none,{"message":"Invalid namespace"}"#)
                try client.send("40/open")
                #expect(try await client.text() == "40/open,")
            }
        )
    }

    @Test("one broadcast reaches both versions, binary too, in order", arguments: [1, 2])
    func broadcasts(loops: Int) async throws {
        let setUp = { (server: Server) in
            server.onConnection { socket in
                socket.join("room")
                socket.on("ready") { true }
            }
        }
        try await run(loops: loops, setUp: setUp) { server, port in
            let old = try [
                TestClient(port: port, query: Self.query),
                TestClient(port: port, query: Self.query),
                TestClient(port: port, query: Self.query + "&b64=1"),
            ]
            let new = try [
                TestClient(port: port), TestClient(port: port),
                TestClient(port: port, query: "EIO=4&transport=websocket&b64=1"),
            ]
            for client in old { #expect(try await client.text() == "40") }
            for client in new { try await client.join() }
            let data = Data((0..<200).map { UInt8($0) })
            for round in 0..<3 {
                try server.to("room").emit("mixed", round, data, Data([7]))
                try server.to("room").emit("text", "grüße 👋")
            }
            let base64 = data.base64EncodedString()
            for (index, client) in (old + new).enumerated() {
                for round in 0..<3 {
                    let placeholders = (0..<2)
                        .map { #"{"_placeholder":true,"num":\#($0)}"# }.joined(separator: ",")
                    #expect(try await client.text() == #"452-["mixed",\#(round),\#(placeholders)]"#)
                    let first = try await client.next()
                    let second = try await client.next()
                    switch index {
                    case 0, 1:
                        #expect(first == .binary([4] + Array(data)))
                        #expect(second == .binary([4, 7]))
                    case 2:
                        #expect(first == .text("b4" + base64))
                        #expect(second == .text("b4Bw=="))
                    case 5:
                        #expect(first == .text("b" + base64))
                        #expect(second == .text("bBw=="))
                    default:
                        #expect(first == .binary(Array(data)))
                        #expect(second == .binary([7]))
                    }
                    #expect(try await client.text() == #"42["text","grüße 👋"]"#)
                }
            }
        }
    }
}
