import Testing

@testable import Chat

@Suite("Members: who is in which room")
struct MembersTests {
    @Test("joining and leaving count, and doing either twice counts once")
    func counts() throws {
        let members = Members(maxRoomsPerSocket: 3)
        members.connect("a")
        members.connect("b")
        #expect(try members.join("r", socket: "a") == 1)
        #expect(try members.join("r", socket: "b") == 2)
        #expect(try members.join("r", socket: "b") == 2)
        #expect(members.count(in: "r") == 2)
        #expect(members.leave("r", socket: "a") == 1)
        #expect(members.leave("r", socket: "a") == 1)
        #expect(members.leave("r", socket: "b") == 0)
        #expect(members.leave("never seen", socket: "b") == 0)
        #expect(members.roomCount == 0)
    }

    @Test("one room too many is refused and changes nothing; leaving one makes place")
    func limit() throws {
        let members = Members(maxRoomsPerSocket: 2)
        members.connect("a")
        _ = try members.join("1", socket: "a")
        _ = try members.join("2", socket: "a")
        #expect(throws: ChatError.tooManyRooms(limit: 2)) { try members.join("3", socket: "a") }
        #expect(try members.join("2", socket: "a") == 1)
        #expect(members.count(in: "3") == 0)
        #expect(members.leave("1", socket: "a") == 0)
        #expect(try members.join("3", socket: "a") == 1)
    }

    @Test("a disconnect takes a socket out of all its rooms")
    func disconnect() throws {
        let members = Members(maxRoomsPerSocket: 10)
        members.connect("a")
        members.connect("b")
        for room in ["1", "2", "3"] { _ = try members.join(room, socket: "a") }
        _ = try members.join("2", socket: "b")
        #expect(members.disconnect("a").sorted() == ["1", "2", "3"])
        #expect(members.disconnect("a").isEmpty)
        #expect(members.count(in: "2") == 1)
        #expect(members.roomCount == 1)
    }

    @Test("a socket that is not connected leaves nothing behind")
    func lateJoin() throws {
        let members = Members(maxRoomsPerSocket: 10)
        members.connect("a")
        members.disconnect("a")
        #expect(try members.join("r", socket: "a") == 0)
        #expect(members.roomCount == 0)
    }

    @Test("connecting twice keeps the rooms")
    func connectTwice() throws {
        let members = Members(maxRoomsPerSocket: 10)
        members.connect("a")
        _ = try members.join("r", socket: "a")
        members.connect("a")
        #expect(members.leave("r", socket: "a") == 0)
        #expect(members.roomCount == 0)
    }

    @Test("rooms are the same only if their bytes are")
    func bytes() throws {
        let members = Members(maxRoomsPerSocket: 10)
        members.connect("a")
        _ = try members.join("caf\u{e9}", socket: "a")
        #expect(members.count(in: "cafe\u{301}") == 0)
        #expect(try members.join("cafe\u{301}", socket: "a") == 1)
        #expect(members.roomCount == 2)
    }

    @Test("many tasks at once end with nobody anywhere")
    func concurrent() async {
        let members = Members(maxRoomsPerSocket: 100)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for turn in 0..<200 {
                        let socket = "\(task).\(turn)"
                        members.connect(socket)
                        for room in 0..<5 {
                            // Five rooms stay below the limit, so nothing is thrown.
                            _ = try? members.join("\(room)", socket: socket)
                        }
                        _ = members.leave("0", socket: socket)
                        members.disconnect(socket)
                    }
                }
            }
        }
        #expect(members.roomCount == 0)
    }
}
