import Bytes
import Loop

/// Where an error line of a cluster's node sends a command.
enum Redirect: Equatable {
    /// The slot belongs to another node: for good.
    case moved(KeySlot, Endpoint)
    /// The slot is on its way to another node, which takes this one command after `ASKING`.
    case ask(KeySlot, Endpoint)

    /// Reads `MOVED 3999 127.0.0.1:6381` or `ASK …`; nil for any other line.
    ///
    /// Without a host it is that of the node that says so.
    init?(_ line: String, from node: Endpoint) {
        let words = line.split(separator: " ")
        guard words.count == 3, let slot = Int(words[1]).flatMap(KeySlot.init(number:)),
            let colon = words[2].utf8.lastIndex(of: ASCII.colon),
            let port = Int(words[2][words[2].utf8.index(after: colon)...]),
            let endpoint = node.at(host: String(words[2][..<colon]), port: port)
        else { return nil }
        switch words[0] {
        case "MOVED": self = .moved(slot, endpoint)
        case "ASK": self = .ask(slot, endpoint)
        default: return nil
        }
    }
}

extension Endpoint {
    /// Another node as this one names it; an empty host is this one's own, `?` is unknown.
    func at(host: String, port: Int) -> Endpoint? {
        guard (1...65_535).contains(port), host != "?" else { return nil }
        guard host.isEmpty else { return .tcp(host: host, port: port) }
        guard case .tcp(let own, _) = self else { return nil }
        return .tcp(host: own, port: port)
    }
}
