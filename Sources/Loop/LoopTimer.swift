/// A one-shot timer that any thread may start and cancel.
package final class LoopTimer: Sendable {
    private let state: LoopBound<State>

    /// A timer on `loop`, not running yet.
    package init(on loop: EventLoop) {
        state = LoopBound(State(loop: loop), loop: loop)
    }

    /// Calls `body` on the loop after `delay`, unless cancelled before.
    ///
    /// A second start replaces the first; after `cancel` nothing starts any more.
    package func start(after delay: Duration, _ body: @escaping @Sendable () -> Void) {
        state.run { $0.start(after: delay, body) }
    }

    /// Forgets `body`, if it has not been called.
    package func cancel() {
        state.run { $0.cancel() }
    }

    private final class State: TimerTarget {
        private unowned let loop: EventLoop
        private var token = TimerToken.none
        private var body: (@Sendable () -> Void)?
        private var isCancelled = false

        init(loop: EventLoop) {
            self.loop = loop
        }

        func start(after delay: Duration, _ body: @escaping @Sendable () -> Void) {
            guard !isCancelled else { return }
            loop.cancel(&token)
            self.body = body
            token = loop.schedule(self, after: delay)
        }

        func cancel() {
            isCancelled = true
            loop.cancel(&token)
            body = nil
        }

        func timerFired(_ tag: UInt8) {
            let body = body
            self.body = nil
            body?()
        }
    }
}
