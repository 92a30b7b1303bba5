import Foundation
import Testing

@testable import SocketIO

@Suite("protocol.md §20: connection state recovery", .timeLimit(.minutes(5)))
struct RecoveryTests {
    @Test("events carry an offset as last argument; acks, asked and volatile events do not")
    func offsets() async throws {
        try await withRecovery(
            setUp: { server in
                server.onConnection { socket in
                    try socket.emit("own", 1)
                    try socket.emit("empty")
                    try socket.emit("binary", Data([1, 2]))
                    try server.emit("all", "x")
                    try socket.volatile.emit("volatile")
                    socket.on("ask") { () -> String in
                        try socket.emit("before")
                        return "answer"
                    }
                }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                #expect(session.pid != session.sid)
                let client = session.client
                var offsets: [String] = []
                for start in [#"42["own",1,""#, #"42["empty",""#] {
                    let text = try await client.text()
                    #expect(text.hasPrefix(start))
                    offsets.append(RecoveringClient.offset(text))
                }
                let binary = try await client.text()
                #expect(binary.hasPrefix(#"451-["binary",{"_placeholder":true,"num":0},""#))
                offsets.append(RecoveringClient.offset(binary))
                #expect(try await client.next() == .binary([1, 2]))
                let all = try await client.text()
                #expect(all.hasPrefix(#"42["all","x",""#))
                offsets.append(RecoveringClient.offset(all))
                #expect(Set(offsets).count == 4)
                #expect(try await client.text() == #"42["volatile"]"#)
                try client.send(#"421["ask"]"#)
                #expect(try await client.text().hasPrefix(#"42["before",""#))
                #expect(try await client.text() == #"431["answer"]"#)
                async let answers = server.timeout(.seconds(50)).emitWithAck("x", as: Int.self)
                #expect(try await client.text() == #"420["x"]"#)
                try client.send("430[5]")
                #expect(try await answers == [5])
            }
        )
    }

    @Test("without the option there is neither private id nor offset")
    func off() async throws {
        try await withServer(
            setUp: { $0.onConnection { try $0.emit("x") } },
            run: { _, port in
                let client = try TestClient(port: port)
                try client.send(#"40{"pid":"a","offset":"b"}"#)
                #expect(!(try await client.text()).contains("pid"))
                #expect(try await client.text() == #"42["x"]"#)
            }
        )
    }

    @Test("a client that a rate limit has disconnected does not get its session back")
    func limited() async throws {
        var limits = RateLimits()
        limits.events = RateLimit(perSecond: 0, burst: 1)
        limits.onLimit = { _ in .disconnect }
        let reasons = Journal<DisconnectReason>()
        let recovered = Journal<Bool>()
        try await withServer(
            options: { options in
                options.connectionStateRecovery = RecoveryOptions()
                options.rateLimits = limits
            },
            setUp: { server in
                server.onConnection { socket in
                    recovered.add(socket.recovered)
                    try socket.emit("x")
                    socket.onDisconnect { reasons.add($0) }
                }
            },
            run: { _, port in
                let first = try await RecoveringClient.connect(port)
                let offset = RecoveringClient.offset(try await first.client.text())
                try first.client.send(#"42["a"]"#, #"42["a"]"#)
                #expect(try await first.client.next() == .closed)
                #expect(await reasons.first(1) == [.forcedClose])
                let second = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(first.pid, offset)
                )
                #expect(second.sid != first.sid && second.pid != first.pid)
                #expect(recovered.entries == [false, false])
            }
        )
    }

    @Test("a client that was away gets id, rooms and data again, and what it has missed")
    func recovers() async throws {
        let connections = Journal<(recovered: Bool, rooms: Set<Room>, data: Int?)>()
        let ends = Journal<DisconnectReason>()
        let checks = Journal<String>()
        try await withRecovery(
            setUp: { server in
                server.use { socket, _ in checks.add(socket.id) }
                server.onConnection { socket in
                    connections.add(
                        (socket.recovered, socket.rooms, try socket.data(as: Int.self))
                    )
                    guard !socket.recovered else { return }
                    socket.join("room")
                    try socket.setData(7)
                    socket.onDisconnect { ends.add($0) }
                    try socket.emit("first")
                }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                let offset = RecoveringClient.offset(try await session.client.text())
                session.client.drop()
                #expect(await ends.first(1) == [.transportClose])
                try server.emit("all", 1)
                try server.to("room").emit("room", Data([9]))
                try server.to("other").emit("other")
                try server.except("room").emit("others")
                try server.volatile.emit("volatile")
                try server.to(Room(session.sid)).emit("own")
                try server.local.emit("local")
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid, offset)
                )
                #expect(again.sid == session.sid)
                #expect(again.pid == session.pid)
                let heads = again.missed.map { message in
                    if case .text(let text) = message { String(text.prefix(9)) } else { "bytes" }
                }
                #expect(
                    heads == [
                        #"42["all","#, #"451-["roo"#, "bytes", #"42["own","#, #"42["local"#,
                    ]
                )
                let seen = await connections.first(2)
                #expect(seen.map(\.recovered) == [false, true])
                #expect(seen[1].rooms == ["room", Room(session.sid)])
                #expect(seen[1].data == 7)
                #expect(checks.entries == [session.sid])
                try server.to("room").emit("live")
                #expect(try await again.client.text().hasPrefix(#"42["live",""#))
            }
        )
    }

    @Test("a client that has never got an event recovers from the moment it connected")
    func quiet() async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            setUp: { server in
                server.onConnection { socket in socket.onDisconnect { ends.add($0) } }
            },
            run: { server, port in
                try server.emit("before")
                let session = try await RecoveringClient.connect(port)
                session.client.drop()
                _ = await ends.first(1)
                let second = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(second.sid == session.sid)
                #expect(second.missed.isEmpty)
                second.client.drop()
                _ = await ends.first(2)
                try server.emit("after")
                let third = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(third.sid == session.sid)
                #expect(third.missed.count == 1)
            }
        )
    }

    @Test("a connection that is dead but not noticed is taken over", arguments: [1, 3])
    func takesOver(loops: Int) async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            loops: loops,
            setUp: { server in
                server.onConnection { socket in
                    if !socket.recovered { socket.join("room") }
                    socket.onDisconnect { ends.add($0) }
                }
            },
            run: { server, port in
                var session = try await RecoveringClient.connect(port)
                for count in 1...8 {
                    let again = try await RecoveringClient.connect(
                        port,
                        auth: RecoveringClient.auth(session.pid)
                    )
                    #expect(again.sid == session.sid)
                    #expect(try await session.client.next() == .closed)
                    #expect(await ends.first(count).last == .transportClose)
                    #expect(again.missed.count == count - 1)
                    session = again
                    try server.to("room").emit("x")
                    #expect(try await again.client.text().hasPrefix(#"42["x",""#))
                    #expect(try await server.fetchSockets().map(\.id) == [session.sid])
                }
            }
        )
    }

    @Test("who has left, or was told to leave, is a new socket")
    func leaves() async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            setUp: { server in
                server.onConnection { socket in
                    #expect(!socket.recovered)
                    socket.onDisconnect { ends.add($0) }
                    socket.on("leave") { () in
                        socket.disconnect()
                        #expect(!socket.isConnected)
                    }
                }
            },
            run: { _, port in
                let first = try await RecoveringClient.connect(port)
                try first.client.send("41")
                #expect(await ends.first(1).last == .clientNamespaceDisconnect)
                let second = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(first.pid)
                )
                #expect(second.sid != first.sid && second.pid != first.pid)
                try second.client.send(#"42["leave"]"#, #"42["leave"]"#)
                #expect(await ends.first(2).last == .serverNamespaceDisconnect)
                #expect(try await second.client.text() == "41")
                let third = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(second.pid)
                )
                #expect(third.sid != second.sid)
            }
        )
    }

    @Test("what a handler sends before its client's end in the same message arrives")
    func endAtOnce() async throws {
        let ends = Journal<String>()
        try await withRecovery(
            setUp: { server in
                server.onConnection { socket in
                    socket.onDisconnect { ends.add("\(socket.id) \($0.rawValue)") }
                    socket.on("ask") { () -> Int in
                        try socket.emit("told")
                        return 1
                    }
                    socket.on("close") { () in
                        try socket.emit("told")
                        socket.conn.close()
                    }
                }
            },
            run: { _, port in
                let session = try await RecoveringClient.connect(port)
                try session.client.send(#"427["ask"]"#, "41", "40")
                #expect(try await session.client.text().hasPrefix(#"42["told",""#))
                #expect(try await session.client.text() == "437[1]")
                #expect(try await session.client.text().hasPrefix(#"40{"sid":""#))
                #expect(ends.entries == ["\(session.sid) client namespace disconnect"])
                try session.client.send(#"42["close"]"#)
                #expect(try await session.client.text().hasPrefix(#"42["told",""#))
                #expect(try await session.client.next() == .closed)
            }
        )
    }

    @Test("the end of a socket is told before its beginning anew")
    func order() async throws {
        let told = Journal<String>()
        try await withRecovery(
            loops: 3,
            setUp: { server in
                server.onConnection { socket in
                    told.add("begin")
                    socket.onDisconnect { _ in told.add("end") }
                }
            },
            run: { _, port in
                var session = try await RecoveringClient.connect(port)
                for _ in 0..<20 {
                    session = try await RecoveringClient.connect(
                        port,
                        auth: RecoveringClient.auth(session.pid)
                    )
                }
                let expected = (0..<41).map { $0 % 2 == 0 ? "begin" : "end" }
                #expect(told.entries == expected)
            }
        )
    }

    @Test("rooms as a handler has left them are what comes back, and what it sees at once")
    func rooms() async throws {
        let rooms = Journal<Set<Room>>()
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            setUp: { server in
                server.onConnection { socket in
                    rooms.add(socket.rooms)
                    socket.onDisconnect { ends.add($0) }
                    guard !socket.recovered else { return }
                    socket.join("a", "b")
                    #expect(socket.rooms == ["a", "b", Room(socket.id)])
                    try server.to("a").emit("in a")
                    socket.leave("a")
                    #expect(socket.rooms == ["b", Room(socket.id)])
                    try server.to("a").emit("not in a")
                    try socket.emit("end")
                }
            },
            run: { _, port in
                let session = try await RecoveringClient.connect(port)
                #expect(try await session.client.text().hasPrefix(#"42["in a",""#))
                #expect(try await session.client.text().hasPrefix(#"42["end",""#))
                session.client.drop()
                _ = await ends.first(1)
                _ = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(await rooms.first(2).last == ["b", Room(session.sid)])
            }
        )
    }

    @Test("whoever comes and goes gets every event once, and all get them in the same order")
    func exactlyOnce() async throws {
        let total = 600
        try await withRecovery(loops: 3) { server, port in
            let received = try await withThrowingTaskGroup(of: [String].self) { group in
                for seed in 0..<6 {
                    let first = try await RecoveringClient.connect(port)
                    group.addTask { try await Self.follow(first, port, total, seed) }
                }
                let senders = (0..<3).map { sender in
                    Task.detached {
                        for number in 0..<(total / 3) {
                            try server.emit("n", sender * total + number)
                            if number % 8 == 0 { await Task.yield() }
                        }
                    }
                }
                for sender in senders { try await sender.value }
                return try await group.reduce(into: [[String]]()) { $0.append($1) }
            }
            #expect(received.count == 6)
            for events in received {
                #expect(events.count == total)
                #expect(events == received[0])
            }
            #expect(Set(received[0]).count == total)
        }
    }

    /// Reads `total` events, on a new connection after every few.
    private static func follow(
        _ first: RecoveringClient,
        _ port: Int,
        _ total: Int,
        _ seed: Int
    ) async throws -> [String] {
        var session = first
        var events: [String] = []
        var patience = 20 + seed
        while events.count < total {
            if patience == 0 {
                patience = 20 + (seed + events.count) % 40
                if seed % 2 == 0 { session.client.drop() }
                let auth = RecoveringClient.auth(
                    session.pid,
                    events.last.map(RecoveringClient.offset)
                )
                let again = try await RecoveringClient.connect(port, auth: auth)
                #expect(again.sid == session.sid)
                session = again
                for message in again.missed {
                    if case .text(let text) = message { events.append(text) }
                }
                continue
            }
            patience -= 1
            events.append(try await session.client.text())
        }
        return events
    }
}
