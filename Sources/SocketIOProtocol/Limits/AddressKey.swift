/// What counts as one address for limits: an IPv4 address, or an IPv6 network of 64 bits.
///
/// A single IPv6 subscriber has at least 2⁶⁴ addresses, so that single ones would be no limit. An
/// IPv4 address written as IPv6 (RFC 4291 §2.5.5.2) is that IPv4 address.
package struct AddressKey: Hashable, Sendable {
    private let bits: UInt64
    private let isIPv6: Bool

    /// The key of an address, given as the halves of the big-endian number that it is.
    package init(high: UInt64, low: UInt64, isIPv6: Bool) {
        if !isIPv6 || high == 0 && low >> 32 == 0xFFFF {
            bits = low & 0xFFFF_FFFF
            self.isIPv6 = false
        } else {
            bits = high
            self.isIPv6 = true
        }
    }
}
