/// A loop-owned object as other threads may hold it: a reference that is opened only on its loop.
///
/// `@unchecked Sendable` because every access goes through `value`, which traps elsewhere.
package struct LoopBound<Value: AnyObject>: @unchecked Sendable {
    package let loop: EventLoop
    private let object: Value

    package init(_ value: Value, loop: EventLoop) {
        self.loop = loop
        object = value
    }

    /// The object; traps off its loop.
    package var value: Value {
        precondition(loop.isOnLoop, "loop-owned state was touched from another thread")
        return object
    }

    /// Runs `body` with the object: now on its loop, else in order with other posts.
    package func run(_ body: @escaping @Sendable (Value) -> Void) {
        if loop.isOnLoop { body(object) } else { post(body) }
    }

    /// Runs `body` with the object later in order with other posts, never at once.
    package func post(_ body: @escaping @Sendable (Value) -> Void) {
        loop.post { body(value) }
    }
}
