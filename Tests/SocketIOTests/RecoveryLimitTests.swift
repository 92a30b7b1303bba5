import Foundation
import Testing

@testable import SocketIO

@Suite("protocol.md §20: what recovers and what does not", .timeLimit(.minutes(5)))
struct RecoveryLimitTests {
    @Test("a malformed packet ends the connection, not the session")
    func malformed() async throws {
        try await withRecovery { server, port in
            let session = try await RecoveringClient.connect(port)
            try session.client.send("4nonsense")
            #expect(try await session.client.next() == .closed)
            let again = try await RecoveringClient.connect(
                port,
                auth: RecoveringClient.auth(session.pid)
            )
            #expect(again.sid == session.sid)
        }
    }

    @Test(
        "what is unknown, impossible or too old gives a new socket",
        arguments: [
            #"{"pid":"unknown","offset":"Q7y3bES"}"#, #"{"pid":5}"#, #"{"pid":""}"#,
            #"{"pid":"PID","offset":"!"}"#, #"{"pid":"PID","offset":"----------"}"#,
            #"{"pid":"PID","offset":""}"#, #"{"pid":"PID","offset":"bob"}"#,
            #"{"pid":"PID","offset":"0"}"#, #"{"pid":"PID","offset":"-0"}"#,
            #"{"pid":"PID","offset":5}"#, #"{"pid":"PID","offset":{"a":1}}"#,
            #"{"pid":"PID","offset":"\#(String(repeating: "z", count: 500))"}"#,
        ]
    )
    func refused(auth: String) async throws {
        try await withRecovery(
            setUp: { $0.onConnection { try $0.emit("first") } },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                #expect(try await session.client.text().hasPrefix(#"42["first",""#))
                let auth = auth.replacingOccurrences(of: "PID", with: session.pid)
                let again = try await RecoveringClient.connect(port, auth: auth)
                #expect(again.sid != session.sid && again.pid != session.pid)
                #expect(again.missed.isEmpty)
                #expect(try await again.client.text().hasPrefix(#"42["first",""#))
                try server.emit("x")
                #expect(try await again.client.text().hasPrefix(#"42["x",""#))
            }
        )
    }

    @Test("a session that is too old, or has missed more than is kept, is gone", arguments: [0, 1])
    func bounded(number: Int) async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            {
                if number == 0 {
                    $0.maxDisconnectionDuration = .zero
                } else {
                    $0.maxPackets = 2
                }
            },
            setUp: { server in
                server.onConnection { socket in socket.onDisconnect { ends.add($0) } }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                session.client.drop()
                _ = await ends.first(1)
                for count in 0..<3 { try server.emit("x", count) }
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(again.sid != session.sid)
                #expect(again.missed.isEmpty)
            }
        )
    }

    @Test("a client that has all it was sent recovers, whatever was sent to others meanwhile")
    func busy() async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            { $0.maxPackets = 2 },
            setUp: { server in
                server.onConnection { socket in
                    socket.onDisconnect { ends.add($0) }
                    if !socket.recovered { try socket.emit("own") }
                }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                let offset = RecoveringClient.offset(try await session.client.text())
                for count in 0..<10 { try server.to("others").emit("x", count) }
                // Its answer shows that all loops are past that.
                _ = try await server.fetchSockets()
                session.client.drop()
                _ = await ends.first(1)
                let second = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid, offset)
                )
                #expect(second.sid == session.sid)
                second.client.drop()
                _ = await ends.first(2)
                try server.emit("missed")
                let third = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid, offset)
                )
                #expect(third.sid == session.sid)
                #expect(third.missed.count == 1)
                third.client.drop()
                _ = await ends.first(3)
                // It has not got what it was sent last.
                for count in 0..<10 { try server.to("others").emit("x", count) }
                let fourth = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid, offset)
                )
                #expect(fourth.sid != session.sid)
            }
        )
    }

    @Test("what was sent before a client came, or joined a room, is not for it")
    func history() async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            setUp: { server in
                server.onConnection { socket in
                    socket.onDisconnect { ends.add($0) }
                    socket.on("join") { () -> Bool in
                        socket.join("secret")
                        return true
                    }
                }
            },
            run: { server, port in
                let witness = try await RecoveringClient.connect(port)
                try server.emit("public")
                let early = RecoveringClient.offset(try await witness.client.text())
                try server.emit("public")
                _ = try await witness.client.text()
                let session = try await RecoveringClient.connect(port)
                try server.to("secret").emit("secret")
                try session.client.send(#"421["join"]"#)
                #expect(try await session.client.text() == "431[true]")
                try server.to("secret").emit("said")
                session.client.drop()
                _ = await ends.first(1)
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid, early)
                )
                #expect(again.sid == session.sid)
                let heads = again.missed.map { message in
                    if case .text(let text) = message { String(text.prefix(9)) } else { "bytes" }
                }
                #expect(heads == [#"42["said""#])
            }
        )
    }

    @Test("who has missed more than can be sent at once is a new socket", arguments: [0, 1])
    func tooMuch(number: Int) async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            { if number == 0 { $0.maxMissedPackets = 3 } else { $0.maxMissedBytes = 1000 } },
            setUp: { server in
                server.onConnection { socket in socket.onDisconnect { ends.add($0) } }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                session.client.drop()
                _ = await ends.first(1)
                for count in 0..<3 { try server.emit("x", count) }
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(again.sid == session.sid)
                #expect(again.missed.count == 3)
                again.client.drop()
                _ = await ends.first(2)
                for count in 0..<5 { try server.emit("x", count) }
                let third = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(third.sid != session.sid)
                #expect(third.missed.isEmpty)
            }
        )
    }

    /// Runs `body` when a client's way back waits in a middleware, until the gate is open.
    private func withWayBack(
        _ body: (Server, Int, _ session: RecoveringClient, _ back: TestClient, Gate) async throws
            -> Void
    ) async throws {
        let gate = Gate()
        let entered = Journal<String>()
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            { $0.skipsMiddlewares = false },
            setUp: { server in
                server.use { socket, auth in
                    entered.add(socket.id)
                    if auth["wait"] != nil { await gate.pass() }
                }
                server.onConnection { socket in socket.onDisconnect { ends.add($0) } }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                session.client.drop()
                _ = await ends.first(1)
                let back = try TestClient(port: port)
                try back.send(#"40{"pid":"\#(session.pid)","wait":"yes"}"#)
                _ = await entered.first(2)
                try await body(server, port, session, back, gate)
            }
        )
    }

    @Test("a client whose way back is cut while a middleware runs can take that over")
    func takesOverTheWayBack() async throws {
        try await withWayBack { server, port, session, lost, gate in
            let again = try await RecoveringClient.connect(
                port,
                auth: RecoveringClient.auth(session.pid)
            )
            #expect(again.sid == session.sid)
            #expect(try await lost.next() == .closed)
            gate.open()
            #expect(try await server.fetchSockets().map(\.id) == [session.sid])
        }
    }

    @Test("a middleware sees a session that has come back, and may refuse it without losing it")
    func middleware() async throws {
        let seen = Journal<Bool>()
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            { $0.skipsMiddlewares = false },
            setUp: { server in
                server.use { socket, auth in
                    seen.add(socket.recovered)
                    if auth["token"] == "old" { throw ConnectError("expired") }
                }
                server.onConnection { socket in socket.onDisconnect { ends.add($0) } }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                session.client.drop()
                _ = await ends.first(1)
                try server.emit("missed")
                let refused = try TestClient(port: port)
                try refused.send(#"40{"pid":"\#(session.pid)","token":"old"}"#)
                #expect(try await refused.text() == #"44{"message":"expired"}"#)
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(again.sid == session.sid)
                #expect(again.missed.count == 1)
                #expect(seen.entries == [false, true, true])
            }
        )
    }

    @Test("a client that goes while it comes back can come back once more")
    func goesAgain() async throws {
        try await withWayBack { _, port, session, hasty, gate in
            try hasty.send("4nonsense")
            #expect(try await hasty.next() == .closed)
            gate.open()
            let again = try await RecoveringClient.connect(
                port,
                auth: RecoveringClient.auth(session.pid)
            )
            #expect(again.sid == session.sid)
        }
    }

    @Test("namespaces recover each by itself; one that is made on demand waits for its clients")
    func namespaces() async throws {
        let ends = Journal<DisconnectReason>()
        try await withServer(
            options: {
                $0.connectionStateRecovery = RecoveryOptions()
                $0.emptyNamespaceTimeout = .zero
            },
            setUp: { server in
                let rooms = server.of(matching: { name, _ in name.hasPrefix("/room-") })
                rooms.onConnection { socket in socket.onDisconnect { ends.add($0) } }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port, "/room-1,")
                session.client.drop()
                _ = await ends.first(1)
                let other = try await RecoveringClient.connect(
                    port,
                    "/room-2,",
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(other.sid != session.sid)
                let again = try await RecoveringClient.connect(
                    port,
                    "/room-1,",
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(again.sid == session.sid)
            }
        )
    }
}
