import Testing

@testable import Chat

@Suite("Presence: who is in which room on one replica")
struct PresenceTests {
    private func alone(maxRooms: Int = 10, listing: Int = 100) -> Presence {
        var options = PresenceOptions()
        options.maxListedMembers = listing
        return Presence(
            instance: "i",
            replica: "solo",
            isClustered: false,
            maxRoomsPerSocket: maxRooms,
            options: options
        )
    }

    @Test("joining and leaving count, and doing either twice counts once")
    func counts() throws {
        var presence = alone()
        presence.connect("a", name: "Ada")
        presence.connect("b", name: "Bob")
        #expect(try presence.join("r", socket: "a") == 1)
        #expect(try presence.join("r", socket: "b") == 2)
        #expect(try presence.join("r", socket: "b") == 2)
        #expect(presence.count(in: "r") == 2)
        #expect(presence.leave("r", socket: "a") == 1)
        #expect(presence.leave("r", socket: "a") == 1)
        #expect(presence.leave("r", socket: "b") == 0)
        #expect(presence.leave("never seen", socket: "b") == 0)
        #expect(presence.roomCount == 0)
    }

    @Test("one room too many is refused and changes nothing; leaving one makes place")
    func limit() throws {
        var presence = alone(maxRooms: 2)
        presence.connect("a", name: "Ada")
        _ = try presence.join("1", socket: "a")
        _ = try presence.join("2", socket: "a")
        #expect(throws: ChatError.tooManyRooms(limit: 2)) { try presence.join("3", socket: "a") }
        #expect(try presence.join("2", socket: "a") == 1)
        #expect(presence.count(in: "3") == 0)
        #expect(presence.leave("1", socket: "a") == 0)
        #expect(try presence.join("3", socket: "a") == 1)
    }

    @Test("a disconnect takes a socket out of all its rooms")
    func disconnect() throws {
        var presence = alone()
        presence.connect("a", name: "Ada")
        presence.connect("b", name: "Bob")
        for room in ["1", "2", "3"] { _ = try presence.join(room, socket: "a", watching: true) }
        _ = try presence.join("2", socket: "b")
        #expect(presence.disconnect("a").sorted() == ["1", "2", "3"])
        #expect(presence.disconnect("a").isEmpty)
        #expect(presence.count(in: "2") == 1)
        #expect(presence.roomCount == 1)
        #expect(presence.tick(now: .seconds(1)).isEmpty)
    }

    @Test("a socket that is not connected leaves nothing behind")
    func lateJoin() throws {
        var presence = alone()
        presence.connect("a", name: "Ada")
        presence.disconnect("a")
        #expect(try presence.join("r", socket: "a", watching: true) == 0)
        #expect(presence.roomCount == 0)
    }

    @Test("connecting twice keeps the rooms")
    func connectTwice() throws {
        var presence = alone()
        presence.connect("a", name: "Ada")
        _ = try presence.join("r", socket: "a")
        presence.connect("a", name: "Ada")
        #expect(presence.leave("r", socket: "a") == 0)
        #expect(presence.roomCount == 0)
    }

    @Test("rooms are the same only if their bytes are")
    func bytes() throws {
        var presence = alone()
        presence.connect("a", name: "Ada")
        _ = try presence.join("caf\u{e9}", socket: "a")
        #expect(presence.count(in: "cafe\u{301}") == 0)
        #expect(try presence.join("cafe\u{301}", socket: "a") == 1)
        #expect(presence.roomCount == 2)
    }

    @Test("members are listed by name, and only the first of them")
    func list() throws {
        var presence = alone(listing: 3)
        for (id, name) in [("1", "Eve"), ("2", "Ada"), ("3", "Dan"), ("4", "Ada"), ("5", "Bob")] {
            presence.connect(id, name: name)
            _ = try presence.join("r", socket: id)
        }
        var seen = presence.presence(in: "r")
        #expect(seen.count == 5 && seen.replicas == ["solo": 5])
        #expect(seen.members.map(\.id) == ["2", "4", "5"])
        _ = presence.leave("r", socket: "2")
        presence.disconnect("1")
        seen = presence.presence(in: "r")
        #expect(seen.members.map(\.id) == ["4", "5", "3"])
        #expect(seen.count == 3 && seen.replicas == ["solo": 3])
        presence.connect("6", name: "Abe")
        _ = try presence.join("r", socket: "6")
        #expect(presence.presence(in: "r").members.map(\.name) == ["Abe", "Ada", "Bob"])
        #expect(presence.presence(in: "empty").members.isEmpty)
    }

    @Test("a long name is cut at a character")
    func longName() throws {
        var presence = alone()
        presence.connect("a", name: String(repeating: "é", count: 100))
        _ = try presence.join("r", socket: "a")
        let name = presence.presence(in: "r").members[0].name
        #expect(name == String(repeating: "é", count: 40))
        #expect("e\(String(repeating: "\u{301}", count: 200))".cut(10) == "…")
    }

    @Test("watchers are told of changes of their room, at once and then at most 4 times a second")
    func watching() throws {
        var presence = alone()
        presence.connect("a", name: "Ada")
        _ = try presence.join("r", socket: "a", watching: true)
        _ = try presence.join("unwatched", socket: "a")
        #expect(presence.tick(now: .zero).isEmpty, "who joins sees itself in the ack")
        for id in ["b", "c", "d"] {
            presence.connect(id, name: id)
            _ = try presence.join("unwatched", socket: id)
        }
        _ = try presence.join("r", socket: "b")
        #expect(published(presence.tick(now: .milliseconds(100))) == ["r 2"])
        _ = try presence.join("r", socket: "c")
        #expect(presence.tick(now: .milliseconds(200)).isEmpty)
        _ = try presence.join("r", socket: "d")
        #expect(presence.tick(now: .milliseconds(300)).isEmpty)
        #expect(published(presence.tick(now: .milliseconds(350))) == ["r 4"])
        #expect(presence.tick(now: .seconds(10)).isEmpty)
        _ = presence.leave("r", socket: "a")
        presence.disconnect("b")
        #expect(presence.tick(now: .seconds(11)).isEmpty, "nobody watches any more")
    }

    @Test("a room with many watchers hears less often")
    func watchingByMany() throws {
        var presence = alone()
        for number in 0..<1000 {
            presence.connect("\(number)", name: "somebody with the number \(number)")
            _ = try presence.join("r", socket: "\(number)", watching: true)
        }
        #expect(published(presence.tick(now: .zero)) == ["r 1000"])
        presence.disconnect("0")
        #expect(presence.tick(now: .milliseconds(500)).isEmpty)
        #expect(published(presence.tick(now: .seconds(4))) == ["r 999"])
    }

    @Test("a replica that stands alone says nothing and takes nothing")
    func silence() throws {
        var presence = alone()
        #expect(presence.start(now: .zero).isEmpty)
        presence.receive(
            PresenceMessage(instance: "x", replica: "x", sequence: 0, body: .hello),
            now: .zero
        )
        presence.connect("a", name: "Ada")
        _ = try presence.join("r", socket: "a")
        #expect(presence.tick(now: .seconds(100)).isEmpty)
        #expect(presence.stop().isEmpty)
        #expect(presence.status == PresenceStatus(replicas: [], ignored: 0))
    }

    private func published(_ actions: [Presence.Action]) -> [String] {
        actions.map { action in
            if case .publish(let room, let presence) = action {
                "\(room) \(presence.count)"
            } else {
                "\(action)"
            }
        }
    }
}
