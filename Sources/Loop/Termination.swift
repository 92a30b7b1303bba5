import CLinux
import Glibc

extension EventLoop {
    /// Calls `body` on the loop at each SIGTERM and SIGINT instead of ending the process.
    ///
    /// When the loop stops, the signals have their default effect again.
    /// - Throws: `SystemCallError` when no eventfd can be had.
    package func onTermination(
        _ body: @escaping @Sendable () -> Void
    ) throws(SystemCallError) {
        let number = try SystemCall.run("eventfd") {
            eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
        }
        clinux_signal_to(number, SIGTERM)
        clinux_signal_to(number, SIGINT)
        post { [self] in
            let watch = SignalWatch(descriptor: Descriptor(adopting: number), body)
            do {
                _ = try selector.register(number, .readable, watch)
            } catch {
                body()
            }
        }
    }
}

/// Hears of signals through an eventfd, which their handler may write to.
private final class SignalWatch: ReadyTarget {
    private let number: CInt
    private let descriptor: Descriptor
    private let body: @Sendable () -> Void

    init(descriptor: consuming Descriptor, _ body: @escaping @Sendable () -> Void) {
        number = descriptor.number
        self.descriptor = descriptor
        self.body = body
    }

    deinit {
        // Or the signal handler would write into whatever gets the number next.
        clinux_signal_end(number)
    }

    func ready(_ events: ReadyEvents) {
        var count: UInt64 = 0
        _ = read(number, &count, 8)
        body()
    }

    /// The signals end the process again: nobody would hear of them.
    func loopStopped() {
        clinux_signal_default(number, SIGTERM)
        clinux_signal_default(number, SIGINT)
    }
}
