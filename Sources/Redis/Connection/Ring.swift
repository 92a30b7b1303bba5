/// A first-in, first-out queue that keeps its memory.
struct Ring<Element>: ~Copyable {
    private var slots: [Element?] = []
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// The oldest element.
    var first: Element? { count > 0 ? slots[head] : nil }

    /// Adds an element at the end.
    mutating func append(_ element: consuming Element) {
        if count == slots.count { grow() }
        slots[(head + count) & (slots.count - 1)] = consume element
        count += 1
    }

    /// Takes the oldest element.
    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        defer {
            head = (head + 1) & (slots.count - 1)
            count -= 1
        }
        return slots[head].take()
    }

    /// Changes the oldest element in place; traps when there is none.
    mutating func changeFirst(_ body: (inout Element) -> Void) {
        body(&slots[head]!)
    }

    /// Doubles the room; its size stays a power of two.
    private mutating func grow() {
        var grown: [Element?] = []
        grown.reserveCapacity(max(slots.count * 2, 16))
        for offset in 0..<count { grown.append(slots[(head + offset) & (slots.count - 1)]) }
        while grown.count < max(slots.count * 2, 16) { grown.append(nil) }
        slots = grown
        head = 0
    }
}
