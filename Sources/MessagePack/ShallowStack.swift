/// A stack that allocates nothing for its first 16 elements.
///
/// Packets are rarely nested deeper.
struct ShallowStack<Element> {
    private var shallow: [16 of Element]
    private var deep: [Element] = []
    private var shallowCount = 0

    /// An empty stack; `filler` is what its memory holds until then.
    init(filler: Element) {
        shallow = [16 of Element](repeating: filler)
    }

    /// How many elements there are.
    var count: Int { shallowCount + deep.count }

    /// Puts an element on top.
    mutating func push(_ element: Element) {
        if shallowCount < shallow.count {
            shallow[shallowCount] = element
            shallowCount += 1
        } else {
            deep.append(element)
        }
    }

    /// Takes the element on top off.
    mutating func pop() -> Element? {
        if let last = deep.popLast() { return last }
        guard shallowCount > 0 else { return nil }
        shallowCount -= 1
        return shallow[shallowCount]
    }
}
