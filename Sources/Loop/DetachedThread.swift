import CLinux
import Glibc

/// Threads of our own, apart from the pool that runs tasks.
enum DetachedThread {
    private final class Body {
        let name: String
        let call: @Sendable () -> Void

        init(_ name: String, _ call: @escaping @Sendable () -> Void) {
            self.name = name
            self.call = call
        }
    }

    /// Runs `body` on a thread of its own that nobody waits for.
    ///
    /// - Throws: `SystemCallError` when no thread can be had.
    static func start(
        _ name: String,
        _ body: @escaping @Sendable () -> Void
    ) throws(SystemCallError) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Body(name, body))
        let code = pthread_create(
            &thread,
            nil,
            { context in
                let body = Unmanaged<Body>.fromOpaque(context!).takeRetainedValue()
                clinux_name_thread(body.name)
                body.call()
                return nil
            },
            context.toOpaque()
        )
        guard code == 0 else {
            context.release()
            throw SystemCallError(call: "pthread_create", errno: code)
        }
        pthread_detach(thread)
    }
}
