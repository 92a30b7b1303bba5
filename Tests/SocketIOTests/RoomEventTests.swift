import Testing

@testable import SocketIO

@Suite("protocol.md §18: events of rooms", .timeLimit(.minutes(5)))
struct RoomEventTests {
    @Test("created and joined, left and deleted, in order, for own rooms too")
    func order() async throws {
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                server.main.onRoomCreated { journal.add("create \($0)") }
                server.main.onRoomJoined { journal.add("join \($0) \($1)") }
                server.main.onRoomLeft { journal.add("leave \($0) \($1)") }
                server.main.onRoomDeleted { journal.add("delete \($0)") }
                server.onConnection { socket in
                    socket.on("join") { (room: String) in socket.join(Room(room)) }
                    socket.on("leave") { (room: String) in socket.leave(Room(room)) }
                }
            },
            run: { _, port in
                let one = try TestClient(port: port)
                let first = try await one.join()
                let two = try TestClient(port: port)
                let second = try await two.join()
                for (client, text) in [
                    (one, "join"), (one, "join"), (two, "join"), (one, "leave"), (one, "leave"),
                ] {
                    try client.send(#"421["\#(text)","r"]"#)
                    #expect(try await client.text() == "431[]")
                }
                try two.send("41")
                #expect(
                    await journal.first(12).prefix(8) == [
                        "create \(first)", "join \(first) \(first)",
                        "create \(second)", "join \(second) \(second)",
                        "create r", "join r \(first)", "join r \(second)", "leave r \(first)",
                    ]
                )
                #expect(
                    Set(journal.entries.dropFirst(8)) == [
                        "leave r \(second)", "delete r",
                        "leave \(second) \(second)", "delete \(second)",
                    ]
                )
            }
        )
    }

    @Test("an observer may itself change rooms; it is told of that next")
    func nested() async throws {
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                server.main.onRoomCreated { room in
                    journal.add("create \(room)")
                    if room == "a" { server.in("a").socketsJoin("b") }
                    journal.add("end \(room)")
                }
                server.onConnection { $0.join("a") }
            },
            run: { _, port in
                try await TestClient(port: port).join()
                #expect(
                    await journal.first(6).suffix(4) == ["create a", "end a", "create b", "end b"]
                )
            }
        )
    }

    @Test("created and deleted alternate whatever the loops do at the same time")
    func alternate() async throws {
        let journal = Journal<String>()
        try await withServer(
            loops: 2,
            setUp: { server in
                server.main.onRoomCreated { if $0 == "r" { journal.add("create") } }
                server.main.onRoomDeleted { if $0 == "r" { journal.add("delete") } }
                server.onConnection { socket in
                    socket.on("turn") {
                        socket.join("r")
                        socket.leave("r")
                    }
                }
            },
            run: { _, port in
                try await withThrowingTaskGroup { group in
                    for _ in 0..<4 {
                        group.addTask {
                            let client = try TestClient(port: port)
                            try await client.join()
                            for _ in 0..<500 { try client.send(#"42["turn"]"#) }
                            try client.send(#"421["turn"]"#)
                            #expect(try await client.text() == "431[]")
                        }
                    }
                    try await group.waitForAll()
                }
                let entries = journal.entries
                #expect(entries.count >= 2)
                for (index, entry) in entries.enumerated() {
                    #expect(entry == (index % 2 == 0 ? "create" : "delete"))
                }
                #expect(entries.last == "delete")
            }
        )
    }
}
