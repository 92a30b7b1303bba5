import Synchronization
import Testing

@testable import SocketIO

@Suite("protocol.md §16: empty children go", .timeLimit(.minutes(5)))
struct NamespaceReclaimTests {
    /// An adapter of one server that tells of its life, and may be slow to close.
    private final class WatchedAdapter: Adapter {
        private let local: InMemoryAdapter
        private let name: String
        private let journal: Journal<String>
        private let gate: Gate?

        init(_ host: any AdapterHost, _ journal: Journal<String>, _ gate: Gate?) {
            local = InMemoryAdapter(host: host)
            name = host.name
            self.journal = journal
            self.gate = gate
            if name != "/" { journal.add("made \(name)") }
        }

        func broadcast(_ packet: EventPacket, _ options: BroadcastOptions) {
            local.broadcast(packet, options)
        }
        func broadcast(
            _ packet: EventPacket,
            _ options: BroadcastOptions,
            acks: BroadcastAcks
        ) { local.broadcast(packet, options, acks: acks) }
        func join(_ rooms: [Room], _ options: BroadcastOptions) { local.join(rooms, options) }
        func leave(_ rooms: [Room], _ options: BroadcastOptions) { local.leave(rooms, options) }
        func disconnect(_ options: BroadcastOptions, closing: Bool) {
            local.disconnect(options, closing: closing)
        }
        func fetchSockets(_ options: BroadcastOptions) async -> [SocketSnapshot] {
            await local.fetchSockets(options)
        }
        func allRooms() async -> Set<Room> { await local.allRooms() }
        func close() async {
            if name == "/" { return }
            journal.add("closing \(name)")
            await gate?.pass()
            journal.add("closed \(name)")
        }
    }

    private static func adapter(
        _ journal: Journal<String>,
        _ gate: Gate? = nil
    ) -> AdapterFactory {
        AdapterFactory { WatchedAdapter($0, journal, gate) }
    }

    @Test("a child without sockets is closed after its time, and made anew for the next client")
    func reclaim() async throws {
        let journal = Journal<String>()
        try await withServer(
            options: {
                $0.adapter = Self.adapter(journal)
                $0.emptyNamespaceTimeout = .milliseconds(1)
            },
            setUp: { server in
                server.of(matching: /^\/d/).onConnection { socket in
                    try socket.emit("here", server.clientsCount)
                }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                for round in 0..<3 {
                    try await client.join("/d1")
                    #expect(try await client.text() == #"42/d1,["here",1]"#)
                    try client.send("41/d1,")
                    #expect(
                        await journal.first(3 * round + 3).suffix(3)
                            == ["made /d1", "closing /d1", "closed /d1"]
                    )
                }
                // The static namespaces are all there is.
                try await client.join()
                #expect(server.main.core.namespaces.all.map(\.name) == ["/"])
            }
        )
    }

    @Test("a child that has refused its only clients goes at once")
    func refused() async throws {
        let journal = Journal<String>()
        try await withServer(
            options: {
                $0.adapter = Self.adapter(journal)
                $0.maxDynamicNamespaces = 1
            },
            setUp: { server in
                server.of(matching: /^\/d/).use { _, _ in throw ConnectError("no") }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                for number in 1...3 {
                    try client.send("40/d\(number),")
                    #expect(try await client.text() == #"44/d\#(number),{"message":"no"}"#)
                    #expect(await journal.first(3 * number).last == "closed /d\(number)")
                    // Its adapter has closed; it makes room a moment later.
                    while server.main.core.namespaces.all.count > 1 { await Task.yield() }
                }
            }
        )
    }

    @Test("a child with sockets stays, and so does one that the app has set up itself")
    func stays() async throws {
        let journal = Journal<String>()
        try await withServer(
            options: {
                $0.adapter = Self.adapter(journal)
                $0.emptyNamespaceTimeout = .zero
            },
            setUp: { server in
                _ = server.of(matching: /^\/d/)
                server.of("/d-own").onConnection { try $0.emit("own") }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                let other = try TestClient(port: port)
                try await client.join("/d1")
                try await other.join("/d1")
                try client.send("41/d1,")
                try await client.join("/d2")
                try client.send("41/d2,")
                #expect(await journal.first(5).last == "closed /d2")
                for _ in 0..<3 {
                    try await client.join("/d-own")
                    #expect(try await client.text() == #"42/d-own,["own"]"#)
                    try client.send("41/d-own,")
                }
                try server.of("/d1").emit("still")
                #expect(try await other.text() == #"42/d1,["still"]"#)
                #expect(journal.entries.filter { $0.hasPrefix("clos") }.count == 2)
            }
        )
    }

    @Test("a client that comes while a child closes waits for a new one")
    func connectWhileClosing() async throws {
        let journal = Journal<String>()
        let gate = Gate()
        try await withServer(
            options: {
                $0.adapter = Self.adapter(journal, gate)
                $0.emptyNamespaceTimeout = .zero
            },
            setUp: { server in
                server.of(matching: /^\/d/).onConnection { try $0.emit("hello") }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join("/d1")
                #expect(try await client.text() == #"42/d1,["hello"]"#)
                try client.send("41/d1,")
                #expect(await journal.first(2) == ["made /d1", "closing /d1"])
                try client.send("40/d1,")
                try await client.join()
                gate.open()
                #expect(try await client.text().hasPrefix("40/d1,"))
                #expect(try await client.text() == #"42/d1,["hello"]"#)
                #expect(
                    journal.entries == ["made /d1", "closing /d1", "closed /d1", "made /d1"]
                )
            }
        )
    }

    @Test("a child that the app asks for while it closes keeps its identity and works on")
    func wantedWhileClosing() async throws {
        let journal = Journal<String>()
        let gate = Gate()
        let parents = Journal<ParentNamespace>()
        try await withServer(
            options: {
                $0.adapter = Self.adapter(journal, gate)
                $0.emptyNamespaceTimeout = .zero
            },
            setUp: { server in
                let parent = server.of(matching: /^\/d/)
                parents.add(parent)
                parent.onConnection { try $0.emit("hello") }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join("/d1")
                _ = try await client.text()
                let child = server.of("/d1")
                try client.send("41/d1,")
                _ = await journal.first(2)
                #expect(server.of("/d1") === child)
                child.onConnection { try $0.emit("own") }
                gate.open()
                _ = await journal.first(4)
                try await client.join("/d1")
                #expect(try await client.text() == #"42/d1,["hello"]"#)
                #expect(try await client.text() == #"42/d1,["own"]"#)
                #expect(server.of("/d1") === child)
                #expect(parents.entries[0].children.first === child)
                #expect(journal.entries.last == "made /d1")
            }
        )
    }

    @Test("a child that is gone, and made anew, is still reached by whoever has kept it")
    func kept() async throws {
        let journal = Journal<String>()
        try await withServer(
            options: {
                $0.adapter = Self.adapter(journal)
                $0.emptyNamespaceTimeout = .zero
            },
            setUp: { _ = $0.of(matching: /^\/d/) },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join("/d1")
                let child = server.of("/d1")
                try client.send("41/d1,")
                _ = await journal.first(3)
                try child.emit("nobody")
                try await client.join("/d1")
                try child.emit("hello")
                try child.to("room").except("room").emit("never")
                #expect(try await child.fetchSockets().count == 1)
                #expect(try await client.text() == #"42/d1,["hello"]"#)
                #expect(server.of("/d1") !== child)
            }
        )
    }

    @Test("clients that come and go at the moment of the end always get in")
    func race() async throws {
        try await withServer(
            loops: 2,
            options: { $0.emptyNamespaceTimeout = .zero },
            setUp: { server in
                server.of(matching: /^\/d/).onConnection { socket in
                    socket.on("echo") { (number: Int) in number }
                }
            },
            run: { server, port in
                try await withThrowingTaskGroup { group in
                    for _ in 0..<4 {
                        group.addTask {
                            let client = try TestClient(port: port)
                            for round in 0..<200 {
                                try await client.join("/d1")
                                try client.send(#"42/d1,1["echo",\#(round)]"#)
                                #expect(try await client.text() == "43/d1,1[\(round)]")
                                try client.send("41/d1,")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        )
    }

    @Test("a client that goes while a function decides leaves nothing behind")
    func goneWhileDeciding() async throws {
        let asked = Journal<String>()
        let decided = Journal<Void>()
        let gate = Gate()
        weak var core: ServerCore?
        try await withServer(
            setUp: { server in
                let parent = server.of { name, _ async in
                    asked.add(name)
                    await gate.pass()
                    decided.add(())
                    return true
                }
                parent.onConnection { _ in Issue.record("nobody is there to connect") }
            },
            run: { server, port in
                core = server.main.core
                let client = try TestClient(port: port)
                try client.send("40/d1,")
                _ = await asked.first(1)
                // The connection ends: the answer comes when it is over.
                try client.send("1")
                #expect(try await client.next() == .closed)
                gate.open()
                _ = await decided.first(1)
                // Made for that client, it goes at once.
                while server.main.core.namespaces.all.count > 1 { await Task.yield() }
            }
        )
        #expect(core == nil)
    }

    @Test("a shutdown waits for an adapter that closes, and frees children and parents")
    func shutdown() async throws {
        let journal = Journal<String>()
        let gate = Gate()
        weak var core: ServerCore?
        weak var child: Namespace?
        try await withServer(
            options: {
                $0.adapter = Self.adapter(journal, gate)
                $0.emptyNamespaceTimeout = .zero
            },
            setUp: { server in
                let parent = server.of(matching: /^\/d/)
                parent.onConnection { socket in try server.emit("x", socket.id) }
                server.onNewNamespace { _ in _ = server.port }
            },
            run: { server, port in
                core = server.main.core
                let client = try TestClient(port: port)
                try await client.join("/d1")
                child = server.of("/d1")
                try client.send("41/d1,")
                _ = await journal.first(2)
                try await client.join("/d2")
                async let end: Void = server.shutdown()
                gate.open()
                await end
                #expect(
                    Set(journal.entries) == [
                        "made /d1", "closing /d1", "closed /d1", "made /d2", "closing /d2",
                        "closed /d2",
                    ]
                )
            }
        )
        #expect(core == nil)
        #expect(child == nil)
    }
}
