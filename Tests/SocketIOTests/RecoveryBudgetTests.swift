import Foundation
import Testing

@testable import SocketIO

@Suite("protocol.md §20: what all namespaces keep together", .timeLimit(.minutes(5)))
struct RecoveryBudgetTests {
    @Test("what all namespaces keep together is bounded")
    func budget() async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            { $0.maxPackets = 4 },
            setUp: { server in
                for name in ["/", "/a", "/b"] {
                    server.of(name).onConnection { socket in socket.onDisconnect { ends.add($0) } }
                }
            },
            run: { server, port in
                let session = try await RecoveringClient.connect(port)
                session.client.drop()
                _ = await ends.first(1)
                try server.emit("kept")
                for _ in 0..<10 {
                    try server.of("/a").emit("x")
                    try server.of("/b").emit("x")
                }
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(again.missed.count == 1)
                let other = try await RecoveringClient.connect(port, "/a,")
                other.client.drop()
                _ = await ends.first(2)
                for _ in 0..<4 { try server.of("/a").emit("x") }
                let back = try await RecoveringClient.connect(
                    port,
                    "/a,",
                    auth: RecoveringClient.auth(other.pid)
                )
                #expect(back.sid != other.sid)
            }
        )
    }

    @Test("a namespace that has kept all there may be does not do so at the cost of others")
    func packets() async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            { $0.maxPackets = 10 },
            setUp: { server in
                server.onConnection { socket in socket.onDisconnect { ends.add($0) } }
            },
            run: { server, port in
                for _ in 0..<20 { try server.of("/hog").emit("x") }
                let session = try await RecoveringClient.connect(port)
                session.client.drop()
                _ = await ends.first(1)
                for _ in 0..<4 { try server.emit("missed") }
                for _ in 0..<20 { try server.of("/hog").emit("x") }
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(again.sid == session.sid)
                #expect(again.missed.count == 4)
            }
        )
    }

    @Test("the same for sessions, by number and by bytes", arguments: [0, 1])
    func sessions(kind: Int) async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            { if kind == 0 { $0.maxSessions = 3 } else { $0.maxSessionBytes = 3 * 600 } },
            setUp: { server in
                for name in ["/", "/hog"] {
                    server.of(name).onConnection { socket in socket.onDisconnect { ends.add($0) } }
                }
            },
            run: { _, port in
                for count in 1...4 {
                    let other = try await RecoveringClient.connect(port, "/hog,")
                    other.client.drop()
                    _ = await ends.first(count)
                }
                let session = try await RecoveringClient.connect(port)
                session.client.drop()
                _ = await ends.first(5)
                let again = try await RecoveringClient.connect(
                    port,
                    auth: RecoveringClient.auth(session.pid)
                )
                #expect(again.sid == session.sid)
            }
        )
    }

    @Test("data and rooms count; a session that is too much by itself does not come back")
    func tooBig() async throws {
        let ends = Journal<DisconnectReason>()
        try await withRecovery(
            { $0.maxSessionBytes = 2000 },
            setUp: { server in
                server.onConnection { socket in
                    socket.onDisconnect { ends.add($0) }
                    switch socket.handshake.auth["with"] {
                    case "rooms": for room in 0..<12 { socket.join(Room("\(room)")) }
                    case "data": try socket.setData(String(repeating: "x", count: 2000))
                    default: break
                    }
                }
            },
            run: { _, port in
                for (count, with) in ["nothing", "rooms", "data"].enumerated() {
                    let auth = #"{"with":"\#(with)"}"#
                    let session = try await RecoveringClient.connect(port, auth: auth)
                    session.client.drop()
                    _ = await ends.first(2 * count + 1)
                    let again = try await RecoveringClient.connect(
                        port,
                        auth: RecoveringClient.auth(session.pid)
                    )
                    #expect((again.sid == session.sid) == (with == "nothing"))
                    again.client.drop()
                    _ = await ends.first(2 * count + 2)
                }
            }
        )
    }

    @Test("of many namespaces those that have most forget, down to the same")
    func fairness() throws {
        let server = try Server(ServerOptions())
        var options = RecoveryOptions()
        options.maxPackets = 64
        let budget = RecoveryBudget()
        let loop = server.core.someLoop
        let holders = (0..<4).map { _ in InMemoryRecovery(options, budget, loop: loop) }
        let packet = try EventPacket(name: "x", arguments: Arguments())
        for (holder, count) in zip(holders, [1, 5, 30, 28]) {
            for _ in 0..<count { _ = holder.append(packet, BroadcastOptions()) }
        }
        #expect(holders.map(\.count) == [1, 5, 30, 28])
        // One more is too much; a 64th of the bound goes with it.
        _ = holders[0].append(packet, BroadcastOptions())
        #expect(holders.map(\.count) == [2, 5, 28, 28])
        for _ in 0..<40 { _ = holders[1].append(packet, BroadcastOptions()) }
        #expect(holders.map(\.count).reduce(0, +) <= 64)
        #expect(holders[0].count == 2)
    }
}
