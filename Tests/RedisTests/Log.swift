import Synchronization

/// What a test waited for did not come in time.
struct DeadlinePassed: Error {
    let seen: String
}

/// How long a test waits for what must happen; generous, as the machine may be busy.
let deadline = Duration.seconds(120)

/// What happened, in order; one reader waits for it, with a deadline.
final class Log<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var read = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Everything so far.
    var all: [Element] { state.withLock { $0.elements } }

    /// Adds an element; from any thread.
    func put(_ element: Element) {
        let waiter = state.withLock { state in
            state.elements.append(element)
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Takes elements until `isLast` holds for one, which is returned.
    ///
    /// - Throws: `DeadlinePassed`.
    @discardableResult
    func next(until isLast: (Element) -> Bool = { _ in true }) async throws -> Element {
        let end = ContinuousClock.now + deadline
        while true {
            while let element = take() {
                if isLast(element) { return element }
            }
            guard ContinuousClock.now < end else { throw DeadlinePassed(seen: "\(all.suffix(5))") }
            await wait(until: end)
        }
    }

    private func take() -> Element? {
        state.withLock { state in
            guard state.read < state.elements.count else { return nil }
            state.read += 1
            return state.elements[state.read - 1]
        }
    }

    /// Returns when there is something to take, or at `end`.
    private func wait(until end: ContinuousClock.Instant) async {
        let alarm = Task {
            // A cancelled alarm has nobody to wake.
            try? await Task.sleep(until: end)
            self.wake()
        }
        await withCheckedContinuation { waiter in
            let isThere = state.withLock { state in
                if state.read < state.elements.count { return true }
                state.waiter = waiter
                return false
            }
            if isThere { waiter.resume() }
        }
        alarm.cancel()
    }

    private func wake() {
        let waiter = state.withLock { $0.waiter.take() }
        waiter?.resume()
    }
}
