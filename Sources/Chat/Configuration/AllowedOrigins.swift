/// Which web pages of other origins may talk to the server.
package enum AllowedOrigins: Equatable, Sendable {
    /// None: only pages that the server itself serves.
    case none
    /// Every one.
    case any
    /// These, each as a browser writes it in `Origin` (RFC 6454 §6.1).
    case list([String])

    /// Reads `*`, a list with commas, or nothing.
    ///
    /// Scheme and host compare without case, so they are kept in lower case. `nil` if an entry is
    /// not an origin: `scheme://host` or `scheme://host:port`, without a path.
    init?(_ text: String) {
        let entries = text.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
        switch entries {
        case []: self = .none
        case ["*"]: self = .any
        default:
            guard entries.allSatisfy(Self.isOrigin) else { return nil }
            self = .list(entries.map { $0.lowercased() })
        }
    }

    private static func isOrigin(_ entry: String) -> Bool {
        let parts = entry.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1)
        guard parts.count == 2, parts[0].allSatisfy(isNameByte), parts[1].starts(with: "//".utf8)
        else { return false }
        let authority = parts[1].dropFirst(2)
        return !authority.isEmpty && authority.allSatisfy(isAuthorityByte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "+"):
            true
        default: false
        }
    }

    private static func isAuthorityByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "_"): true
        default: isNameByte(byte)
        }
    }
}
