package import Bytes
package import Loop

/// Receives messages from Redis over a connection in subscriber mode.
///
/// After each reconnect every subscription is asked for again; the state is `ready` only when
/// Redis has confirmed all of them. Messages published meanwhile are lost: Pub/Sub has no memory.
/// It works until `close` or until nobody holds it.
package final class RedisSubscriber: Sendable {
    package typealias Kind = SubscriptionKind

    /// Where handlers and `onChange` are called.
    package let loop: EventLoop

    private let core: LoopBound<SubscriberCore>
    private let board: StatusBoard

    /// A subscriber that does nothing until `start`.
    ///
    /// - Parameters:
    ///   - options: Where to, and the bounds.
    ///   - loop: Where the connection lives.
    ///   - onMoved: Called on the loop when a sharded channel's slot has moved to another node of
    ///     a cluster, with Redis's `MOVED` line if there was one: the subscription is gone here.
    ///     Without it, it is asked for here again and again.
    ///   - onChange: Called on the loop with each new state.
    package init(
        options: RedisOptions,
        loop: EventLoop,
        onMoved: (@Sendable (Kind, SharedBytes, _ line: String?) -> Void)? = nil,
        onChange: @escaping @Sendable (RedisState) -> Void = { _ in }
    ) {
        self.loop = loop
        board = StatusBoard(onChange: onChange)
        core = LoopBound(
            SubscriberCore(options, loop: loop, board: board, onMoved: onMoved),
            loop: loop
        )
    }

    deinit {
        // Later: whoever lets go of it may be in the middle of something.
        core.post { $0.close() }
    }

    /// Begins to connect; from any thread, once.
    package func start() {
        core.run { $0.start() }
    }

    /// The state and the counters, for now; from any thread.
    package var status: RedisStatus { board.status }

    /// Subscribes, now and after each reconnect; from any thread.
    ///
    /// A second subscription of the same kind and name takes the place of the first.
    /// - Parameters:
    ///   - kind: What `name` is.
    ///   - name: The channel, or the pattern.
    ///   - handler: Called on the loop with each message's channel and payload.
    ///   - confirmed: Called once on the loop when Redis has confirmed it, or at the
    ///     subscriber's end; never if it is left before.
    package func subscribe(
        _ kind: Kind,
        _ name: SharedBytes,
        _ handler: @escaping @Sendable (_ channel: SharedBytes, _ payload: SharedBytes) -> Void,
        confirmed: (@Sendable () -> Void)? = nil
    ) {
        let key = SubscriptionKey(kind: kind, name: name)
        core.run { $0.subscribe(key, handler, confirmed: confirmed) }
    }

    /// Ends a subscription; its handler is not called any more once the loop knows.
    package func unsubscribe(_ kind: Kind, _ name: SharedBytes) {
        core.run { $0.unsubscribe(SubscriptionKey(kind: kind, name: name)) }
    }

    /// Closes for good; from any thread.
    package func close() async {
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            core.run { core in
                core.close()
                waiter.resume()
            }
        }
    }
}
