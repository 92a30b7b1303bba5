import Support
import Testing

@testable import Chat

@Suite("Presence: what replicas tell each other")
struct PresenceGossipTests {
    @Test("joins and leaves reach all replicas with names and counts")
    func joins() throws {
        var network = PresenceNetwork("app-1", "app-2", "app-3")
        try network.join("app-1", "ada", "r", "s")
        try network.join("app-2", "bob", "r")
        network.settle()
        for name in ["app-1", "app-2", "app-3"] {
            let seen = network.replicas[name]?.presence(in: "r")
            #expect(seen?.count == 2 && seen?.replicas == ["app-1": 1, "app-2": 1])
            #expect(network.members("r", seenBy: name) == ["ada@app-1", "bob@app-2"])
            #expect(network.members("s", seenBy: name) == ["ada@app-1"])
        }
        #expect(try network.replicas["app-3"]?.join("r", socket: "unknown") == 2)
        _ = network.replicas["app-1"]?.leave("r", socket: "ada")
        network.replicas["app-2"]?.disconnect("bob")
        network.settle()
        #expect(network.members("r", seenBy: "app-3").isEmpty)
        #expect(network.replicas["app-3"]?.roomCount == 1)
        #expect(network.replicas["app-3"]?.status.replicas == ["app-1", "app-2"])
    }

    @Test("changes between two ticks are one delta, and those that cancel each other are none")
    func batching() throws {
        var options = PresenceOptions()
        options.maxMessageBytes = 65_536
        var network = PresenceNetwork("a", "b", options: options)
        network.sent = []
        for number in 0..<600 { try network.join("a", "s\(number)", "room \(number % 20)") }
        try network.join("a", "brief", "r")
        network.replicas["a"]?.disconnect("brief")
        try network.join("a", "x", "r", "s")
        _ = network.replicas["a"]?.leave("r", socket: "x")
        network.tick()
        let deltas = network.sent.filter { if case .delta = $0.body { true } else { false } }
        #expect(deltas.count == 1 && deltas[0].sequence == 1)
        guard case .delta(let changes) = deltas[0].body else { return }
        #expect(changes.count == 601)
        var last = PresenceChange(id: "x", name: "x")
        last.joins = ["s"]
        #expect(changes.last == last)
        // Leaving and coming back is nothing either.
        network.sent = []
        _ = network.replicas["a"]?.leave("s", socket: "x")
        _ = try network.replicas["a"]?.join("s", socket: "x")
        network.tick()
        #expect(network.sent.allSatisfy { if case .delta = $0.body { false } else { true } })
    }

    @Test("watchers of a room hear of members elsewhere")
    func watching() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ada")
        _ = try network.replicas["a"]?.join("r", socket: "ada", watching: true)
        network.settle()
        network.news = []
        try network.join("b", "bob", "r")
        network.settle()
        #expect(network.news.count == 1)
        guard case .publish(let room, let presence) = network.news.first else { return }
        #expect(room == "r" && presence.replicas == ["a": 1, "b": 1])
    }

    @Test("a replica that starts late learns everything, even if its hello is lost")
    func lateStart() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ada", "r")
        network.settle()
        network.start("c")
        network.settle()
        #expect(network.members("r", seenBy: "c") == ["ada@a"])
        network.start("d")
        network.underway = []
        network.run(.seconds(3))
        #expect(network.members("r", seenBy: "d") == ["ada@a"])
    }

    @Test("a lost delta is noticed by the next sign of life, and mended")
    func lostDelta() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ada", "r")
        network.tick()
        network.underway = []
        network.run(.seconds(3))
        #expect(network.members("r", seenBy: "b") == ["ada@a"])
        // One in the middle: the next delta shows the gap.
        try network.join("a", "bob", "r")
        network.tick()
        network.underway = []
        try network.join("a", "cy", "r")
        network.settle()
        #expect(network.members("r", seenBy: "b") == ["ada@a", "bob@a", "cy@a"])
    }

    @Test("a snapshot that is lost is asked for again")
    func lostSnapshot() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ada", "r")
        network.tick()
        network.underway = []
        for _ in 0..<25 {
            network.tick()
            network.underway.removeAll {
                if case .state = $0.message.body { true } else { false }
            }
            network.deliver()
        }
        #expect(network.members("r", seenBy: "b").isEmpty)
        network.run(.seconds(2))
        #expect(network.members("r", seenBy: "b") == ["ada@a"])
    }

    @Test("doubled, reordered and late messages change nothing")
    func disorder() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ada", "r")
        network.tick()
        _ = network.replicas["a"]?.leave("r", socket: "ada")
        try network.join("a", "bob", "r")
        network.tick()
        network.underway = network.underway.reversed() + network.underway
        network.deliver()
        network.settle()
        #expect(network.members("r", seenBy: "b") == ["bob@a"])
        // All of it once more, long after.
        let old = network.sent
        network.underway = old.map { ("a", $0) }
        network.deliver()
        network.settle()
        #expect(network.members("r", seenBy: "b") == ["bob@a"])
    }

    @Test("a replica that crashes is dropped with its members after six silent seconds")
    func crash() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ada", "r")
        try network.join("b", "bob", "r")
        network.settle()
        network.crash("a")
        network.run(.seconds(3))
        #expect(network.members("r", seenBy: "b") == ["ada@a", "bob@b"])
        network.news = []
        network.run(.seconds(3))
        #expect(network.members("r", seenBy: "b") == ["bob@b"])
        #expect(network.news == [.lost(replica: "a", members: 1, .silence)])
    }

    @Test("a replica that was silent and lives on comes back with all its members")
    func frozen() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ada", "r")
        network.settle()
        let frozen = network.replicas["a"]
        network.replicas["a"] = nil
        network.run(.seconds(10))
        #expect(network.members("r", seenBy: "b").isEmpty)
        network.replicas["a"] = frozen
        network.run(.seconds(3))
        #expect(network.members("r", seenBy: "b") == ["ada@a"])
        #expect(network.replicas["a"]?.status.replicas == ["b"])
    }

    @Test("a goodbye takes all members at once, and what comes late does not bring them back")
    func goodbye() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ada", "r")
        network.settle()
        network.stop("a")
        #expect(network.members("r", seenBy: "b").isEmpty)
        #expect(network.replicas["b"]?.status.replicas == [])
        network.underway = network.sent.filter { $0.replica == "a" }.map { ("a", $0) }
        network.deliver()
        network.settle()
        #expect(network.members("r", seenBy: "b").isEmpty)
    }

    @Test("after its goodbye a replica says nothing and hears nothing")
    func afterGoodbye() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ada", "r")
        network.settle()
        #expect(network.replicas["a"]?.stop().count == 1)
        #expect(network.replicas["a"]?.stop().isEmpty == true)
        network.replicas["a"]?.disconnect("ada")
        network.sent = []
        try network.join("b", "bob", "r")
        network.settle()
        #expect(network.sent.allSatisfy { $0.replica == "b" })
        #expect(network.replicas["a"]?.count(in: "r") == 0)
    }

    @Test("a restart under the same name ends the process before it sooner than silence does")
    func restart() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ghost", "r")
        network.settle()
        network.crash("a")
        network.start("a")
        try network.join("a", "ada", "r")
        network.run(.seconds(4))
        #expect(network.members("r", seenBy: "b") == ["ada@a"])
        #expect(network.replicas["b"]?.presence(in: "r").replicas == ["a": 1])
    }

    @Test("two living replicas of one name are both kept")
    func sameName() throws {
        var network = PresenceNetwork("a", "b")
        try network.join("a", "ada", "r")
        network.start("a", as: "a, the second")
        try network.join("a, the second", "bob", "r")
        network.run(.seconds(20))
        #expect(network.members("r", seenBy: "b") == ["ada@a", "bob@a"])
        #expect(network.replicas["b"]?.presence(in: "r").replicas == ["a": 2])
        #expect(network.members("r", seenBy: "a") == ["ada@a", "bob@a"])
    }

    @Test("many who ask at once get one snapshot, and a second one only after a pause")
    func snapshotsAreShared() throws {
        var network = PresenceNetwork("a")
        try network.join("a", "ada", "r")
        network.settle()
        network.sent = []
        for number in 0..<20 { network.start("b\(number)") }
        network.run(.seconds(1))
        let snapshots = network.sent.filter { message in
            if case .state = message.body { message.replica == "a" } else { false }
        }
        #expect((1...2).contains(snapshots.count))
    }

    @Test("long snapshots and deltas are split and put together")
    func splitting() throws {
        var options = PresenceOptions()
        options.maxMessageBytes = 200
        var network = PresenceNetwork("a", "b", options: options)
        network.replicas["a"]?.connect("many", name: "many")
        for number in 0..<50 {
            _ = try network.replicas["a"]?.join("room \(number)", socket: "many")
            try network.join("a", "s\(number)", "r")
        }
        let before = network.sent.count
        network.tick()
        #expect(network.sent.count > before + 20)
        network.deliver()
        #expect(network.replicas["b"]?.count(in: "r") == 50)
        network.start("c")
        network.settle()
        #expect(network.replicas["c"]?.count(in: "r") == 50)
        #expect(network.replicas["c"]?.roomCount == 51)
        #expect(network.members("room 49", seenBy: "c") == ["many@a"])
    }

    @Test("another replica cannot make us keep more than the limits allow")
    func limits() throws {
        var options = PresenceOptions()
        options.maxSocketsPerReplica = 3
        options.maxMembershipsPerReplica = 4
        options.maxReplicas = 2
        options.maxRoomNameBytes = 5
        var network = PresenceNetwork("a", "b", options: options)
        try network.join("a", "1", "p", "q", "too long")
        for id in ["2", "3", "4"] { try network.join("a", id, "p") }
        try network.join("a", String(repeating: "x", count: 65), "p")
        network.settle()
        #expect(network.replicas["b"]?.count(in: "p") == 3)
        #expect(network.replicas["b"]?.count(in: "q") == 1)
        #expect(network.replicas["b"]?.count(in: "too long") == 0)
        #expect(network.replicas["b"]?.status.ignored == 3)
        try network.join("a", "1", "r1", "r2")
        network.settle()
        #expect(network.replicas["b"]?.count(in: "r2") == 0)
        for name in ["c", "d", "e"] { network.start(name) }
        network.settle()
        #expect(network.replicas["b"]?.status.replicas.count == 2)
    }

    @Test("after any storm of losses, duplicates and disorder all agree", arguments: 0..<20)
    func converges(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var options = PresenceOptions()
        options.maxMessageBytes = 300
        var network = PresenceNetwork("a", "b", "c", options: options)
        let names = ["a", "b", "c"]
        let rooms = ["r0", "r1", "r2", "r3"]
        var sockets = ["a": [String](), "b": [], "c": []]
        for step in 0..<300 {
            let name = names[Int.random(in: 0..<3, using: &random)]
            let room = rooms[Int.random(in: 0..<4, using: &random)]
            let socket = sockets[name]?.randomElement(using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                try network.join(name, "\(name)\(step)", room)
                sockets[name]?.append("\(name)\(step)")
            case 4..<6:
                if let socket { _ = try network.replicas[name]?.join(room, socket: socket) }
            case 6..<8:
                if let socket { _ = network.replicas[name]?.leave(room, socket: socket) }
            case 8:
                if let socket {
                    network.replicas[name]?.disconnect(socket)
                    sockets[name]?.removeAll { $0 == socket }
                }
            default:
                if step % 7 == 0 {
                    network.crash(name)
                    network.start(name)
                    sockets[name] = []
                }
            }
            network.tick()
            network.underway.shuffle(using: &random)
            network.underway.removeAll { _ in Int.random(in: 0..<5, using: &random) == 0 }
            network.underway += network.underway.filter { _ in Bool.random(using: &random) }
            if Bool.random(using: &random) { network.deliver() }
        }
        network.run(.seconds(10))
        for room in rooms {
            let seen = names.map { network.replicas[$0]?.presence(in: room) }
            #expect(seen[0]?.members.map(\.id) == seen[1]?.members.map(\.id))
            #expect(seen[0]?.members.map(\.id) == seen[2]?.members.map(\.id))
            #expect(seen[0]?.replicas == seen[1]?.replicas && seen[0]?.count == seen[2]?.count)
        }
    }
}
