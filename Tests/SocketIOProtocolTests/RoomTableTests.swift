import SocketIOProtocol
import Support
import Testing

@Suite("protocol.md §18: rooms")
struct RoomTableTests {
    private final class Member {
        let number: Int
        init(_ number: Int) { self.number = number }
    }

    private func numbers(_ selection: RoomSelection<Member>) -> [Int] {
        var numbers: [Int] = []
        selection.forEachMember { numbers.append($0.number) }
        return numbers.sorted()
    }

    @Test("join and leave tell what changed, rooms live while they have members")
    func joinAndLeave() {
        var table = RoomTable<Member>()
        let first = table.add(Member(1))
        let second = table.add(Member(2))
        #expect(table.join(first, "r") == (true, true))
        #expect(table.join(first, "r") == (false, false))
        #expect(table.join(second, "r") == (true, false))
        let count = table.count(in: "r")
        #expect(count == 2)
        #expect(table.leave(first, "x") == (false, false))
        #expect(table.leave(first, "r") == (true, false))
        #expect(table.leave(first, "r") == (false, false))
        #expect(table.leave(second, "r") == (true, true))
        let names = table.roomNames
        #expect(names.isEmpty)
    }

    @Test("names are compared by bytes, not by canonical equivalence")
    func names() {
        var table = RoomTable<Member>()
        let slot = table.add(Member(1))
        #expect(table.join(slot, "\u{E9}") == (true, true))
        #expect(table.join(slot, "e\u{301}") == (true, true))
        let count = table.roomCount
        #expect(count == 2)
    }

    @Test("§18: the union of rooms, each member once, minus the excluded rooms")
    func selection() {
        var table = RoomTable<Member>()
        let slots = (0..<6).map { table.add(Member($0)) }
        for (number, slot) in slots.enumerated() {
            _ = table.join(slot, "own\(number)")
            if number < 4 { _ = table.join(slot, "a") }
            if number > 1 { _ = table.join(slot, "b") }
        }
        func select(_ rooms: [String], _ except: [String] = []) -> [Int] {
            numbers(table.members(of: rooms, except: except))
        }
        #expect(select([]) == [0, 1, 2, 3, 4, 5])
        #expect(select(["a"]) == [0, 1, 2, 3])
        #expect(select(["a", "b"]) == [0, 1, 2, 3, 4, 5])
        #expect(select(["a", "a"]) == [0, 1, 2, 3])
        #expect(select(["a"], ["own1"]) == [0, 2, 3])
        #expect(select(["a"], ["own5"]) == [0, 1, 2, 3])
        #expect(select(["a"], ["own1", "own2"]) == [0, 3])
        #expect(select(["a"], ["b"]) == [0, 1])
        #expect(select([], ["own1"]) == [0, 2, 3, 4, 5])
        #expect(select([], ["a"]) == [4, 5])
        #expect(select(["a", "own5"], ["own0"]) == [1, 2, 3, 5])
        #expect(select(["none"]).isEmpty)
        #expect(select(["none", "own1"], ["none"]) == [1])
    }

    @Test("whoever iterates may change the table: the selection is a snapshot")
    func mutationWhileIterating() {
        var table = RoomTable<Member>()
        let slots = (0..<10).map { table.add(Member($0)) }
        for slot in slots { _ = table.join(slot, "r") }
        var seen: [Int] = []
        table.members(of: ["r"]).forEachMember { member in
            seen.append(member.number)
            table.remove(slots[member.number])
            let slot = table.add(Member(100))
            _ = table.join(slot, "r")
        }
        #expect(seen == Array(0..<10))
        let count = table.count(in: "r")
        #expect(count == 10)
    }

    @Test("random changes agree with a plain model")
    func model() {
        var table = RoomTable<Member>()
        var model: [Int32: (number: Int, rooms: Set<String>)] = [:]
        var random = SplitMix64(seed: 3)
        for step in 0..<5000 {
            let room = "room \(Int.random(in: 0..<12, using: &random))"
            let slot = model.keys.sorted().randomElement(using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1:
                guard model.count < 40 else { continue }
                model[table.add(Member(step))] = (step, [])
            case 2:
                guard let slot, let removed = model.removeValue(forKey: slot) else { continue }
                let expected = removed.rooms.filter { room in
                    !model.values.contains { $0.rooms.contains(room) }
                }
                #expect(Set(table.remove(slot)) == expected)
            case 3, 4, 5, 6:
                guard let slot else { continue }
                let isNewRoom = !model.values.contains { $0.rooms.contains(room) }
                let isNewMember = model[slot]?.rooms.insert(room).inserted ?? false
                #expect(table.join(slot, room) == (isNewMember, isNewRoom))
            case 7, 8:
                guard let slot else { continue }
                let wasMember = model[slot]?.rooms.remove(room) != nil
                let left = table.leave(slot, room)
                #expect(left.wasMember == wasMember)
            default:
                let other = "room \(Int.random(in: 0..<12, using: &random))"
                let selected = numbers(table.members(of: [room, other], except: ["room 0"]))
                let expected = model.values.filter {
                    ($0.rooms.contains(room) || $0.rooms.contains(other))
                        && !$0.rooms.contains("room 0")
                }
                #expect(selected == expected.map(\.number).sorted())
            }
            for (slot, member) in model {
                let rooms = table.rooms(of: slot)
                #expect(Set(rooms) == member.rooms && rooms.count == member.rooms.count)
            }
            let names = table.roomNames
            #expect(Set(names) == model.values.reduce(into: []) { $0.formUnion($1.rooms) })
            for name in names {
                let expected = model.values.filter { $0.rooms.contains(name) }.map(\.number)
                let selected = numbers(table.members(of: [name]))
                #expect(selected == expected.sorted())
            }
            let count = table.count
            #expect(count == model.count)
        }
    }
}

@Suite("protocol.md §17: pending acks")
struct AckTableTests {
    @Test("each ack is taken once; an unknown id takes nothing")
    func acks() {
        var table = AckTable<String>()
        #expect(table.register(0, "a") == nil)
        table.register(7, "b")
        table.register(3, "c")
        #expect(table.take(7) == "b")
        #expect(table.take(7) == nil)
        #expect(table.take(.max) == nil)
        #expect(table.takeAll() == ["a", "c"])
        #expect(table.isEmpty)
        for id in 0..<100 as Range<UInt64> { table.register(id, "x") }
        #expect(table.count == 100)
        for id in 0..<100 as Range<UInt64> { #expect(table.take(id) == "x") }
        #expect(table.isEmpty)
    }
}
