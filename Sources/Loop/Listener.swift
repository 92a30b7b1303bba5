import CLinux
import Glibc

/// Accepts connections on one loop; every loop has its own on the same port (SO_REUSEPORT).
package final class Listener: ReadyTarget, TimerTarget {
    /// How many connections one readiness may bring before others get their turn.
    private static let acceptBatch = 64
    /// How many are taken at the end: as many as Linux lets wait by default (`somaxconn`).
    private static let lastBatch = 4096
    /// How long accepting pauses when the system is out of descriptors or memory.
    private static let exhaustedPause = Duration.milliseconds(100)

    private let loop: EventLoop
    private let number: CInt
    private var descriptor: Descriptor?
    private let onAccept: (consuming Descriptor, PeerAddress) -> Void
    private let onExhausted: (SystemCallError) -> Void
    private var registration: Registration?
    private var pause = TimerToken.none
    private var isExhausted = false

    /// Starts to accept on a listening descriptor.
    ///
    /// - Parameters:
    ///   - descriptor: Listens, non-blocking; closed by `stop`.
    ///   - loop: Where everything happens; the caller is on it.
    ///   - onAccept: Takes each connection over.
    ///   - onExhausted: Told once per burst when the system is out of descriptors.
    /// - Throws: `SystemCallError` when epoll takes no more descriptors.
    package init(
        _ descriptor: consuming Descriptor,
        loop: EventLoop,
        onAccept: @escaping (consuming Descriptor, PeerAddress) -> Void,
        onExhausted: @escaping (SystemCallError) -> Void
    ) throws(SystemCallError) {
        self.loop = loop
        number = descriptor.number
        self.descriptor = consume descriptor
        self.onAccept = onAccept
        self.onExhausted = onExhausted
        registration = try loop.selector.register(number, .readable, self)
    }

    /// Accepts what waits, and closes the listening socket.
    ///
    /// The kernel resets what has not been accepted, although those peers are connected, and may
    /// have sent a request. On the loop.
    package func stop() {
        loop.cancel(&pause)
        acceptWaiting(atMost: Self.lastBatch)
        close()
    }

    func loopStopped() { close() }

    private func close() {
        loop.cancel(&pause)
        if let registration { loop.selector.deregister(registration) }
        registration = nil
        _ = descriptor.take()
    }

    func ready(_ events: ReadyEvents) {
        acceptWaiting(atMost: Self.acceptBatch)
    }

    private func acceptWaiting(atMost limit: Int) {
        for _ in 0..<limit {
            guard registration != nil else { return }
            do {
                var storage = sockaddr_storage()
                guard case .processed(let number) = try accept(&storage) else { return }
                isExhausted = false
                onAccept(Descriptor(adopting: CInt(number)), PeerAddress(storage))
            } catch {
                switch error.errno {
                case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                    rest(error)
                    return
                default:
                    // The connection failed before we took it (RFC 1122; accept(2) lists them).
                    continue
                }
            }
        }
    }

    package func timerFired(_ tag: UInt8) {
        pause = .none
        if let registration { loop.selector.change(registration, to: .readable) }
    }

    private func accept(_ storage: inout sockaddr_storage) throws(SystemCallError) -> IOResult {
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return try SystemCall.io("accept") {
            Int(clinux_accept(number, &storage, &length))
        }
    }

    private func rest(_ error: SystemCallError) {
        if !isExhausted { onExhausted(error) }
        isExhausted = true
        if let registration { loop.selector.change(registration, to: []) }
        pause = loop.schedule(self, after: Self.exhaustedPause)
    }
}
