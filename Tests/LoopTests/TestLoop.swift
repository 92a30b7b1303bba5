import Glibc
import Loop

/// One loop on a thread of its own, stopped when the test lets go of it.
final class TestLoop: Sendable {
    let group: LoopGroup
    var loop: EventLoop { group.loops[0] }

    init() throws {
        group = try LoopGroup(count: 1)
    }

    deinit {
        group.stop()
    }

    /// Runs `body` on the loop and waits for its result.
    ///
    /// - Throws: what `body` throws, or `DeadlinePassed`.
    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
        let results = Inbox<Swift.Result<Result, any Error>>()
        loop.post { results.put(Swift.Result { try body() }) }
        return try results.next().get()
    }

    /// Waits until `condition` holds, asking once per turn.
    ///
    /// - Throws: `DeadlinePassed`.
    func waitUntil(_ condition: () throws -> Bool) throws {
        let start = monotonicNanoseconds()
        while try !condition() {
            let elapsed = (monotonicNanoseconds() - start) / 1_000_000_000
            guard elapsed < deadlineInSeconds else { throw DeadlinePassed() }
        }
    }

    /// Waits until the loop has begun another turn `count` times, by posts that go round.
    func turn(_ count: Int = 40) throws {
        for _ in 0..<count { try run {} }
    }
}

/// Runs `body` on a thread of its own, as no other part of the process would.
///
/// - Parameters:
///   - isAwaited: Whether to return only when the thread has ended and let go of `body`.
///   - body: What to run.
func onNewThread(isAwaited: Bool = false, _ body: @escaping @Sendable () -> Void) {
    final class Body {
        let call: @Sendable () -> Void
        init(_ call: @escaping @Sendable () -> Void) { self.call = call }
    }
    var thread = pthread_t()
    let code = pthread_create(
        &thread,
        nil,
        { context in
            Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().call()
            return nil
        },
        Unmanaged.passRetained(Body(body)).toOpaque()
    )
    precondition(code == 0, "pthread_create failed")
    if isAwaited { pthread_join(thread, nil) } else { pthread_detach(thread) }
}

/// How many descriptors the process has open.
func openDescriptors() -> Int {
    guard let directory = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count
}
