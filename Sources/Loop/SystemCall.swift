import CLinux
import Glibc

/// What the operating system refused: the call and its `errno`.
package struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
    package let call: String
    package let errno: CInt
    /// The system's words, where they are not those of `errno`.
    private let reason: String?

    package init(call: String, errno: CInt, reason: String? = nil) {
        self.call = call
        self.errno = errno
        self.reason = reason
    }

    /// Whether another program has the port.
    package var isAddressInUse: Bool { errno == EADDRINUSE }

    package var description: String {
        "\(call): \(reason ?? String(cString: strerror(errno)))"
    }
}

/// A call that may have to wait: it did its work, or the kernel would have blocked.
package enum IOResult: Equatable, Sendable {
    case processed(Int)
    case wouldBlock
}

/// Wraps system calls once: retries EINTR, tells *would block* apart, and traps on the errors
/// that only a bug of ours can cause.
enum SystemCall {
    /// Runs `body` until it is not interrupted.
    ///
    /// - Throws: `SystemCallError` for what the kernel refuses.
    static func run(_ name: StaticString, _ body: () -> CInt) throws(SystemCallError) -> CInt {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = clinux_errno()
            if code == EINTR { continue }
            precondition(code != EBADF && code != EFAULT, "\(name): errno \(code) is our bug")
            throw SystemCallError(call: "\(name)", errno: code)
        }
    }

    /// As `run`, for calls on non-blocking descriptors.
    static func io(_ name: StaticString, _ body: () -> Int) throws(SystemCallError) -> IOResult {
        while true {
            let result = body()
            if result >= 0 { return .processed(result) }
            let code = clinux_errno()
            if code == EINTR { continue }
            if code == EAGAIN || code == EWOULDBLOCK { return .wouldBlock }
            precondition(code != EBADF && code != EFAULT, "\(name): errno \(code) is our bug")
            throw SystemCallError(call: "\(name)", errno: code)
        }
    }
}

/// Monotonic time in nanoseconds.
package func monotonicNanoseconds() -> UInt64 {
    clinux_monotonic_nanoseconds()
}

/// Random bytes from the kernel (`getrandom`), for ids that must not be guessed.
package func randomBytes<let count: Int>() -> [count of UInt8] {
    var bytes = [count of UInt8](repeating: 0)
    var span = bytes.mutableSpan
    span.withUnsafeMutableBytes { memory in
        var filled = 0
        while filled < memory.count {
            let result = getrandom(memory.baseAddress! + filled, memory.count - filled, 0)
            if result > 0 { filled += result }
            precondition(result > 0 || clinux_errno() == EINTR, "getrandom failed")
        }
    }
    return bytes
}
