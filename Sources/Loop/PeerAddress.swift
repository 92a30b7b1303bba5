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
                (high, low) = Self.halves(address.sin6_addr)
                isIPv6 = true
            } else if CInt(storage.ss_family) == AF_INET {
                low = UInt64(memory.load(as: sockaddr_in.self).sin_addr.s_addr)
            }
        }
    }

    /// Reads an IPv4 or IPv6 address as `inet_pton` does; nil if `text` is none.
    package init?(_ text: String) {
        var number = in_addr()
        if inet_pton(AF_INET, text, &number) == 1 {
            low = UInt64(number.s_addr)
            return
        }
        var bytes = in6_addr()
        guard inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
        (high, low) = Self.halves(bytes)
        isIPv6 = true
    }

    private static func halves(_ address: in6_addr) -> (high: UInt64, low: UInt64) {
        withUnsafeBytes(of: address) { bytes in
            (
                bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
    }

    /// The address as a number, of which IPv4 fills the 32 lowest bits.
    package var number: (high: UInt64, low: UInt64, isIPv6: Bool) {
        isIPv6
            ? (UInt64(bigEndian: high), UInt64(bigEndian: low), true)
            : (0, UInt64(UInt32(bigEndian: UInt32(truncatingIfNeeded: low))), false)
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
