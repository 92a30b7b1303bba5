import Glibc

/// A replica and the port at which a browser reaches it directly, past any balancer.
package struct ReplicaAddress: Encodable, Equatable, Sendable {
    /// What it is called.
    package let name: String
    /// Its port on the host that the page came from.
    package let port: Int

    /// The most replicas that a list may name.
    static let limit = 32

    /// Reads `app-1:3000,app-2:3001`; blanks around commas do no harm.
    ///
    /// `nil` if an entry is no name with a port, if a name comes twice, or if there are too many.
    static func list(_ text: String) -> [ReplicaAddress]? {
        let entries = text.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
        let list = entries.compactMap(ReplicaAddress.init)
        guard list.count == entries.count, list.count <= limit,
            Set(list.map(\.name)).count == list.count
        else { return nil }
        return list
    }

    private init?(_ entry: String) {
        guard let colon = entry.lastIndex(of: ":"),
            let name = Self.name(String(entry[..<colon])),
            entry[entry.index(after: colon)...].allSatisfy(\.isNumber),
            let port = Int(entry[entry.index(after: colon)...]), (1...65_535).contains(port)
        else { return nil }
        self.name = name
        self.port = port
    }

    /// `text`, if it may be the name of a replica: it stands in logs, in JSON, and on the page.
    static func name(_ text: String) -> String? {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte) ? text : nil
    }

    /// The name of this machine, or `chat` if it has none that will do.
    package static var hostName: String {
        var bytes = [CChar](repeating: 0, count: 65)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "chat" }
        let name = bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return Self.name(String(decoding: name, as: UTF8.self)) ?? "chat"
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
