import CLinux
import Glibc

/// An open file descriptor with one owner; closed when the owner lets go of it.
package struct Descriptor: ~Copyable, Sendable {
    package let number: CInt

    /// Takes over an open descriptor.
    package init(adopting number: CInt) {
        self.number = number
    }

    deinit {
        // Linux closes the descriptor whatever `close` answers; EINTR must not be retried.
        _ = close(number)
    }
}
