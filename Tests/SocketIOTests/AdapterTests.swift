import Synchronization
import Testing

@testable import SocketIO

/// A cluster in one process, written against nothing but the public protocols, as an adapter over
/// a message broker would be: every operation goes to all other nodes.
final class Bus: Sendable {
    private struct State {
        var nodes: [BusAdapter] = []
        var lastOffset = 0
    }

    private let state = Mutex(State())

    var factory: AdapterFactory {
        AdapterFactory { [self] host in
            let adapter = BusAdapter(bus: self, host: host)
            state.withLock { $0.nodes.append(adapter) }
            return adapter
        }
    }

    func others(than node: BusAdapter) -> [BusAdapter] {
        state.withLock { $0.nodes.filter { $0 !== node && $0.host?.name == node.host?.name } }
    }

    func remove(_ node: BusAdapter) {
        state.withLock { state in state.nodes.removeAll { $0 === node } }
    }

    func nextOffset() -> String {
        state.withLock { state in
            state.lastOffset += 1
            return "1-\(state.lastOffset)"
        }
    }
}

/// One node's end of a `Bus`.
final class BusAdapter: Adapter {
    /// The host, while its server lives; a broker's messages may come later.
    private struct Host: Sendable {
        weak let value: (any AdapterHost)?
    }

    let bus: Bus
    let rooms = Journal<String>()
    private let box: Host

    init(bus: Bus, host: any AdapterHost) {
        self.bus = bus
        box = Host(value: host)
    }

    var host: (any AdapterHost)? { box.value }
    private var name: String { "\(ObjectIdentifier(self).hashValue)" }

    private func onAll(_ body: (any AdapterHost) -> Void) {
        for node in [self] + bus.others(than: self) {
            if let host = node.host { body(host) }
        }
    }

    func broadcast(_ packet: EventPacket, _ options: BroadcastOptions) {
        // As a stream does: the entry's id is the offset, the same on all nodes.
        let offset = bus.nextOffset()
        onAll { $0.deliver(packet, options, offset: options.isVolatile ? nil : offset) }
    }

    func broadcast(_ packet: EventPacket, _ options: BroadcastOptions, acks: BroadcastAcks) {
        host?.deliver(packet, options, acks: acks)
        acks.hold()
        let others = bus.others(than: self)
        Task.detached {
            // How many nodes there are is known late, and their answers may come before.
            for node in others {
                // As over a wire: a count, which may come twice, and one answer after the other.
                let relay = BroadcastAcks(
                    onClientCount: { clients in
                        acks.sourceReported(clients: clients, source: node.name)
                        acks.sourceReported(clients: clients, source: node.name)
                    },
                    onResponse: { acks.received($0, source: node.name) }
                )
                node.host?.deliver(packet, options, acks: relay)
            }
            acks.expectSources(others.count)
            acks.release()
        }
    }

    func join(_ rooms: [Room], _ options: BroadcastOptions) {
        onAll { $0.joinLocally(rooms, options) }
    }

    func leave(_ rooms: [Room], _ options: BroadcastOptions) {
        onAll { $0.leaveLocally(rooms, options) }
    }

    func disconnect(_ options: BroadcastOptions, closing: Bool) {
        onAll { $0.disconnectLocally(options, closing: closing) }
    }

    func fetchSockets(_ options: BroadcastOptions) async throws -> [SocketSnapshot] {
        var all = await host?.localSockets(options) ?? []
        for node in bus.others(than: self) {
            for socket in await node.host?.localSockets(options) ?? [] {
                // As it would arrive over a wire.
                let request = ConnectionRequest(
                    headers: socket.handshake.headers,
                    query: socket.handshake.query,
                    address: socket.handshake.address,
                    url: socket.handshake.url,
                    issued: socket.handshake.issued
                )
                let auth = try Auth(json: socket.handshake.auth.json)
                all.append(
                    SocketSnapshot(
                        id: socket.id,
                        handshake: Handshake(request: request, auth: auth),
                        rooms: socket.rooms,
                        data: socket.data
                    )
                )
            }
        }
        return all
    }

    func allRooms() async -> Set<Room> {
        ([self] + bus.others(than: self)).reduce(into: []) { rooms, node in
            rooms.formUnion(node.host?.localRooms ?? [])
        }
    }

    func serverSideEmit(_ packet: EventPacket) {
        for node in bus.others(than: self) {
            node.host?.receivedServerSideEmit(packet, reply: nil)
        }
    }

    func serverSideEmitWithAck(
        _ packet: EventPacket,
        timeout: Duration
    ) async throws -> [Arguments] {
        var answers: [Arguments] = []
        for node in bus.others(than: self) {
            answers.append(
                await withCheckedContinuation { answer in
                    node.host?.receivedServerSideEmit(packet) { answer.resume(returning: $0) }
                }
            )
        }
        return answers
    }

    func serverCount() async -> Int { bus.others(than: self).count + 1 }
    func roomCreated(_ room: Room) { rooms.add("+\(room)") }
    func roomDeleted(_ room: Room) { rooms.add("-\(room)") }
    func close() async { bus.remove(self) }
}

@Suite("protocol.md §21: adapters", .timeLimit(.minutes(5)))
struct AdapterTests {
    /// A client on each of two nodes.
    private func withCluster(
        _ body: ([Server], [TestClient]) async throws -> Void
    ) async throws {
        let bus = Bus()
        let setUp: @Sendable (Server) -> Void = { server in
            server.onConnection { socket in
                socket.on("ping") { "pong" }
                try socket.setData(["joined": socket.rooms.count])
                socket.join("all")
            }
        }
        try await withServer(
            options: { $0.adapter = bus.factory },
            setUp: setUp,
            run: { one, first in
                try await withServer(
                    options: { $0.adapter = bus.factory },
                    setUp: setUp,
                    run: {
                        two,
                        second in
                        let clients = [try TestClient(port: first), try TestClient(port: second)]
                        for client in clients { try await client.join(auth: #"{"name":"x"}"#) }
                        try await body([one, two], clients)
                    }
                )
            }
        )
    }

    @Test("a cluster's broadcasts reach every node, with the offset as last argument")
    func broadcast() async throws {
        try await withCluster { servers, clients in
            try servers[0].to("all").emit("a", 1)
            try servers[1].emit("b")
            try servers[0].local.emit("c")
            try servers[0].emit("d", arguments: Arguments(json: "[{}]"))
            for (index, client) in clients.enumerated() {
                #expect(try await client.text() == #"42["a",1,"1-1"]"#)
                #expect(try await client.text() == #"42["b","1-2"]"#)
                if index == 0 { #expect(try await client.text() == #"42["c"]"#) }
                #expect(try await client.text() == #"42["d",{},"1-3"]"#)
            }
        }
    }

    @Test("acks of other nodes count, whenever their number is known and however often they report")
    func acks() async throws {
        try await withCluster { servers, clients in
            async let answers = servers[0].timeout(.seconds(50)).emitWithAck("x", as: Int.self)
            for client in clients {
                #expect(try await client.text() == #"420["x"]"#)
                try client.send("430[5]")
            }
            #expect(try await answers == [5, 5])
        }
    }

    @Test("sockets of other nodes are fetched, joined and disconnected")
    func actions() async throws {
        try await withCluster { servers, clients in
            let sockets = try await servers[0].fetchSockets()
            #expect(sockets.count == 2)
            #expect(sockets.allSatisfy { $0.handshake.auth["name"] == "x" && $0.rooms.count == 2 })
            #expect(sockets.allSatisfy { $0.handshake.query["transport"] == "websocket" })
            #expect(try sockets[1].data(as: [String: Int].self) == ["joined": 1])
            #expect(throws: DecodingError.self) { try sockets[1].data(as: Int.self) }
            #expect(
                try await servers[0].main.allRooms()
                    == Set(sockets.map { Room($0.id) } + ["all"])
            )
            #expect(try await servers[1].main.serverCount() == 2)
            sockets[1].join("new")
            #expect(try await servers[0].to("new").fetchSockets().map(\.id) == [sockets[1].id])
            sockets[1].disconnect(close: true)
            #expect(try await clients[1].text() == "41")
            #expect(try await clients[1].next() == .closed)
        }
    }

    @Test("one socket of another node is asked by itself")
    func remoteAck() async throws {
        try await withCluster { servers, clients in
            let socket = try #require(
                try await servers[0].fetchSockets().first { $0.rooms.contains("all") }
            )
            async let answer = socket.emitWithAck("x", timeout: .seconds(50), as: Int.self)
            for client in clients.prefix(1) {
                #expect(try await client.text() == #"420["x"]"#)
                try client.send("430[7]")
            }
            #expect(try await answer == 7)
            socket.disconnect(close: true)
            #expect(try await clients[0].text() == "41")
            await #expect(throws: AckFailure.disconnected) {
                try await socket.emitWithAck("x", as: Int.self)
            }
        }
    }

    @Test("server-side events reach the other nodes' handlers, and their answers come back")
    func serverSideEmit() async throws {
        try await withCluster { servers, _ in
            let heard = Journal<String>()
            for (index, server) in servers.enumerated() {
                server.onServerSideEmit("note") { (arguments: Arguments) in
                    heard.add("\(index):\(try arguments.decode(String.self, at: 0))")
                }
                server.main.onServerSideEmit("double") { (arguments: Arguments) async throws in
                    await Task.yield()
                    return try Arguments(arguments.decode(Int.self, at: 0) * 2, "cut off")
                }
                server.main.onServerSideEmit("double") { (_: Arguments) async throws in
                    throw AckFailure.timedOut
                }
            }
            try servers[0].serverSideEmit("note", "hello")
            try servers[1].serverSideEmit("nobody")
            #expect(heard.entries == ["1:hello"])
            #expect(
                try await servers[1].main.serverSideEmitWithAck("double", 21, as: Int.self) == [42]
            )
            #expect(
                try await servers[1].main.serverSideEmitWithAck("note", "you", as: Int?.self)
                    == [nil]
            )
            #expect(heard.entries == ["1:hello", "0:you"])
            #expect(throws: EmitError.reservedEvent("connection")) {
                try servers[0].serverSideEmit("connection")
            }
        }
    }

    @Test("rooms are announced over all loops with the first member and the last, in order")
    func roomEvents() async throws {
        let bus = Bus()
        let adapters = Journal<BusAdapter>()
        let sockets = Journal<Socket>()
        try await withServer(
            loops: 2,
            options: { options in
                options.adapter = AdapterFactory { host in
                    let adapter = BusAdapter(bus: bus, host: host)
                    adapters.add(adapter)
                    return adapter
                }
            },
            setUp: { $0.onConnection { sockets.add($0) } },
            run: { server, port in
                let clients = try (0..<6).map { _ in try TestClient(port: port) }
                for client in clients { try await client.join() }
                for _ in 0..<200 {
                    for socket in sockets.entries {
                        socket.join("r")
                        socket.leave("r")
                    }
                }
                for socket in sockets.entries { await socket.flushed() }
                let news = adapters.entries[0].rooms.entries.filter {
                    $0.hasSuffix("r") && $0.count == 2
                }
                #expect(!news.isEmpty && news.count.isMultiple(of: 2))
                for (index, item) in news.enumerated() {
                    #expect(item == (index.isMultiple(of: 2) ? "+r" : "-r"))
                }
                #expect(server.main.localCount(of: "r") == 0)
            }
        )
    }
}
