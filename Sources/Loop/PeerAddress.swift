import CLinux
import Glibc

/// An IP address of a peer, 17 bytes; text only when asked for.
package struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    private var high: UInt64 = 0
    private var low: UInt64 = 0
    private var isIPv6 = false

    /// Reads the address that `accept` has filled in.
    init(_ storage: sockaddr_storage) {
        withUnsafeBytes(of: storage) { memory in
            if CInt(storage.ss_family) == AF_INET6 {
                let address = memory.load(as: sockaddr_in6.self)
                withUnsafeBytes(of: address.sin6_addr) { bytes in
                    high = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
                    low = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                }
                isIPv6 = true
            } else if CInt(storage.ss_family) == AF_INET {
                low = UInt64(memory.load(as: sockaddr_in.self).sin_addr.s_addr)
            }
        }
    }

    /// The address as text: `127.0.0.1`, `::1`.
    package var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            if isIPv6 {
                var address = (high, low)
                inet_ntop(AF_INET6, &address, text.baseAddress, 64)
            } else {
                var address = UInt32(truncatingIfNeeded: low)
                inet_ntop(AF_INET, &address, text.baseAddress, 64)
            }
            return String(cString: text.baseAddress!)
        }
    }
}

/// IP addresses as text.
package enum IPAddress {
    /// Whether `text` is an IPv4 or IPv6 address as `inet_pton` reads it.
    package static func isValid(_ text: String) -> Bool {
        var storage = in6_addr()
        return inet_pton(AF_INET, text, &storage) == 1 || inet_pton(AF_INET6, text, &storage) == 1
    }
}
