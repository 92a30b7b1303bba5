import Bytes
import Testing

@Suite("Walking an array of objects without references")
struct ArrayBorrowingTests {
    private final class Object {
        let number: Int
        init(_ number: Int) { self.number = number }
    }

    @Test("each element once, in order", arguments: [0, 1, 2, 1000])
    func order(count: Int) {
        var seen: [Int] = []
        (0..<count).map { Object($0) }.forEachBorrowed { seen.append($0.number) }
        #expect(seen == Array(0..<count))
    }

    @Test("the array walked keeps alive what its variable lets go, and who keeps one may")
    func lifetime() {
        var objects = (0..<10).map { Object($0) }
        var kept: [Object] = []
        objects.forEachBorrowed { object in
            objects = []
            kept.append(object)
        }
        #expect(objects.isEmpty)
        #expect(kept.map(\.number) == Array(0..<10))
    }
}
