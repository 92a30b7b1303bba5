import Loop
import Synchronization

/// The drain of a server's clients over all its loops; usable from any thread.
final class Drain: Sendable {
    private struct State {
        var isEnded = false
        var loops: [LoopBound<LoopDrain>] = []
    }

    private let state = Mutex(State())

    /// Runs the loops' drains, all at the same time; returns when the last has ended.
    func run(_ loops: [LoopBound<LoopDrain>]) async {
        let mayRun = state.withLock { state in
            if !state.isEnded { state.loops = loops }
            return !state.isEnded
        }
        guard mayRun else { return }
        let ends = loops.map { _ in OneShotEvent() }
        for (loop, end) in zip(loops, ends) {
            loop.post { $0.start { end.signal() } }
        }
        for end in ends { await end.wait() }
        state.withLock { $0.loops = [] }
    }

    /// Ends it at once; if it has not begun, it never does.
    func end() {
        let loops = state.withLock { state in
            state.isEnded = true
            return state.loops
        }
        for loop in loops { loop.post { $0.end() } }
    }
}
