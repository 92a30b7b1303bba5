import Testing

@testable import SocketIO

@Suite("protocol.md §18: rooms and broadcasts", .timeLimit(.minutes(5)))
struct RoomTests {
    /// Seven clients of two loops; `rooms` of client i are the digits that divide it evenly.
    private func withClients(
        _ body: (Server, [TestClient], [Socket]) async throws -> Void
    ) async throws {
        let sockets = Journal<Socket>()
        try await withServer(
            loops: 2,
            setUp: { $0.onConnection { sockets.add($0) } },
            run: {
                server,
                port in
                var clients: [TestClient] = []
                for _ in 0..<7 {
                    let client = try TestClient(port: port)
                    try await client.join()
                    clients.append(client)
                }
                let all = await sockets.first(7)
                for (index, socket) in all.enumerated() {
                    if index % 2 == 0 { socket.join("two") }
                    if index % 3 == 0 { socket.join("three") }
                }
                // From one thread to each loop: the broadcasts come after the joins.
                try await body(server, clients, all)
            }
        )
    }

    struct Choice: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let choose: @Sendable (Server, [Socket]) -> BroadcastOperator
        let receivers: [Int]
    }

    @Test(
        "union of the rooms less every exception, each once",
        arguments: [
            Choice(
                testDescription: "everyone",
                choose: { server, _ in server.everyone },
                receivers: [0, 1, 2, 3, 4, 5, 6]
            ),
            Choice(
                testDescription: "to",
                choose: { server, _ in server.to("two") },
                receivers: [0, 2, 4, 6]
            ),
            Choice(
                testDescription: "to two rooms",
                choose: { server, _ in server.to("two").in("three") },
                receivers: [0, 2, 3, 4, 6]
            ),
            Choice(
                testDescription: "list of rooms",
                choose: { server, _ in server.in(["two", "three", "two"]).local },
                receivers: [0, 2, 3, 4, 6]
            ),
            Choice(
                testDescription: "to less except",
                choose: { server, _ in server.to("two").except("three") },
                receivers: [2, 4]
            ),
            Choice(
                testDescription: "except alone",
                choose: { server, _ in server.except(["two", "three"]) },
                receivers: [1, 5]
            ),
            Choice(
                testDescription: "a socket's broadcast",
                choose: { _, sockets in sockets[3].broadcast },
                receivers: [0, 1, 2, 4, 5, 6]
            ),
            Choice(
                testDescription: "a socket's room",
                choose: { _, sockets in sockets[6].to("three").except("two") },
                receivers: [3]
            ),
            Choice(
                testDescription: "a socket's id is a room",
                choose: { server, sockets in server.to(Room(sockets[5].id)) },
                receivers: [5]
            ),
            Choice(
                testDescription: "volatile, to whom can take it",
                choose: { server, _ in server.volatile.local.to("three") },
                receivers: [0, 3, 6]
            ),
            Choice(
                testDescription: "an empty room",
                choose: { server, _ in server.to("none") },
                receivers: []
            ),
        ]
    )
    func selection(_ choice: Choice) async throws {
        try await withClients { server, clients, sockets in
            try choice.choose(server, sockets).emit("x")
            try server.emit("end")
            for (index, client) in clients.enumerated() {
                #expect(
                    try await client.messages(before: #"42["end"]"#)
                        == (choice.receivers.contains(index) ? [.text(#"42["x"]"#)] : []),
                    "client \(index)"
                )
            }
        }
    }

    @Test("socketsJoin, socketsLeave, fetchSockets and disconnectSockets reach all loops")
    func actions() async throws {
        try await withClients { server, clients, sockets in
            server.to("two").socketsJoin("even", "more")
            server.to("three").socketsLeave("even")
            let even = try await server.to("even").fetchSockets()
            #expect(Set(even.map(\.id)) == [sockets[2].id, sockets[4].id])
            #expect(even[0].rooms == [Room(even[0].id), "two", "even", "more"])
            #expect(server.main.localCount(of: "more") == 4)
            try even[0].emit("you")
            even[0].leave("two")
            server.to("even").disconnectSockets()
            for client in [clients[2], clients[4]] {
                var messages = try await client.messages(before: "41")
                if messages == [.text(#"42["you"]"#)] { messages = [] }
                #expect(messages == [])
            }
            #expect(try await server.fetchSockets().count == 5)
            server.disconnectSockets(close: true)
            #expect(try await clients[0].text() == "41")
            #expect(try await clients[0].next() == .closed)
        }
    }

    @Test("calls of one thread take effect in their order; flushed waits for them")
    func order() async throws {
        try await withClients { server, clients, sockets in
            let socket = sockets[1]
            for turn in 0..<50 {
                socket.join("here")
                try server.to("here").emit("in", turn)
                socket.leave("here")
                try server.to("here").emit("out", turn)
            }
            await socket.flushed()
            #expect(socket.rooms == [Room(socket.id)])
            try socket.emit("end")
            #expect(
                try await clients[1].messages(before: #"42["end"]"#)
                    == (0..<50).map { .text("42[\"in\",\($0)]") }
            )
        }
    }

    @Test("room names are the same only byte by byte")
    func names() async throws {
        try await withClients { server, clients, sockets in
            sockets[0].join("\u{E9}")
            sockets[1].join("e\u{301}")
            try server.to("e\u{301}").emit("x")
            try server.to(["\u{E9}", "e\u{301}"]).emit("y")
            try server.emit("end")
            #expect(
                try await clients[0].messages(before: #"42["end"]"#) == [.text(#"42["y"]"#)]
            )
            #expect(
                try await clients[1].messages(before: #"42["end"]"#)
                    == [.text(#"42["x"]"#), .text(#"42["y"]"#)]
            )
            await sockets[0].flushed()
            #expect(sockets[0].rooms.count == 4)
        }
    }

    @Test("§17: volatile is dropped, not queued, while the transport is not writable")
    func volatile() async throws {
        let sockets = Journal<Socket>()
        try await withServer(
            setUp: { $0.onConnection { sockets.add($0) } },
            run: { server, port in
                let client = try PollingClient(port: port)
                try client.post("40")
                // No poll is pending: nothing is writable.
                let socket = await sockets.first(1)[0]
                try socket.volatile.emit("lost")
                try server.volatile.emit("lost")
                let answers = try await server.volatile.timeout(.seconds(50))
                    .emitWithAck("lost", as: Int.self)
                #expect(answers == [])
                try socket.emit("kept")
                await socket.flushed()
                let payload = try client.poll()
                #expect(payload.hasSuffix("\u{1E}42[\"kept\"]"))
                #expect(!payload.contains("lost"))
            }
        )
    }

    @Test("sockets of this server are to be had themselves, from every loop")
    func sockets() async throws {
        try await withServer(
            loops: 2,
            run: { server, port in
                let clients = try (0..<6).map { _ in try TestClient(port: port) }
                var ids: Set<String> = []
                for client in clients { ids.insert(try await client.join()) }
                #expect(Set(await server.main.sockets().map(\.id)) == ids)
                let id = try #require(ids.first)
                let socket = try #require(await server.main.socket(id))
                #expect(socket.id == id && socket.isConnected)
                // A room of that name is not enough.
                socket.join("nobody")
                await socket.flushed()
                #expect(await server.main.socket("nobody") == nil)
                #expect(await server.of("/other").sockets().isEmpty)
            }
        )
    }
}
