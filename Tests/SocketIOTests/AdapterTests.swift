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
                        rooms: socket.rooms
                    )
                )
            }
        }
        return all
    }

    func serverCount() async -> Int { bus.others(than: self).count + 1 }
    func roomCreated(_ room: Room) { rooms.add("+\(room)") }
    func roomDeleted(_ room: Room) { rooms.add("-\(room)") }
    func close() async { bus.remove(self) }
}

@Suite("protocol.md §21: adapters", .timeLimit(.minutes(1)))
struct AdapterTests {
    /// A client on each of two nodes.
    private func withCluster(
        _ body: ([Server], [TestClient]) async throws -> Void
    ) async throws {
        let bus = Bus()
        let setUp: @Sendable (Server) -> Void = { server in
            server.onConnection { socket in
                socket.on("ping") { "pong" }
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
            sockets[1].join("new")
            #expect(try await servers[0].to("new").fetchSockets().map(\.id) == [sockets[1].id])
            sockets[1].disconnect(close: true)
            #expect(try await clients[1].text() == "41")
            #expect(try await clients[1].next() == .closed)
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
