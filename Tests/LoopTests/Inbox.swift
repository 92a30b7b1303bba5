import Dispatch
import Synchronization

/// What a test waited for did not come in time.
struct DeadlinePassed: Error {}

/// How long a test waits for what must happen; generous, as the machine may be busy.
let deadlineInSeconds = 120

/// A queue between threads whose reader waits, with a deadline.
final class Inbox<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])
    private let filled = DispatchSemaphore(value: 0)

    /// Everything put and not yet taken.
    var waiting: [Element] { elements.withLock { $0 } }

    /// Adds an element; from any thread.
    func put(_ element: Element) {
        elements.withLock { $0.append(element) }
        filled.signal()
    }

    /// Takes the oldest element, waiting for it.
    ///
    /// - Throws: `DeadlinePassed`.
    func next() throws -> Element {
        guard filled.wait(timeout: .now() + .seconds(deadlineInSeconds)) == .success else {
            throw DeadlinePassed()
        }
        return elements.withLock { $0.removeFirst() }
    }

    /// Takes the `count` oldest elements, waiting for them.
    ///
    /// - Throws: `DeadlinePassed`.
    func next(_ count: Int) throws -> [Element] {
        try (0..<count).map { _ in try next() }
    }

    /// Takes elements until `isLast` holds for one, which is returned.
    ///
    /// - Throws: `DeadlinePassed`.
    @discardableResult
    func next(until isLast: (Element) -> Bool) throws -> Element {
        while true {
            let element = try next()
            if isLast(element) { return element }
        }
    }
}

/// A number that several threads may count up.
final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    /// Counts up and returns the new value.
    @discardableResult
    func increment() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
