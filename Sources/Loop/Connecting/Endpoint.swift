/// Where a server listens, before names are resolved.
package enum Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A host's name or address (IPv6 without brackets) and a port.
    case tcp(host: String, port: Int)
    /// A Unix-domain socket.
    case unix(path: String)

    /// As `host:port`, `[::1]:port` or the path.
    package var description: String {
        switch self {
        case .tcp(let host, let port):
            host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}

/// Why no connection came about.
package enum ConnectError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name has no address; the system's words.
    case unresolvable(host: String, reason: String)
    /// What the system answered for the address tried last.
    case failed(SystemCallError)
    /// Nobody answered in time.
    case timedOut(after: Duration)
    /// The loop stopped meanwhile.
    case loopEnded

    /// One line for a log.
    package var description: String {
        switch self {
        case .unresolvable(let host, let reason): "host \(host): \(reason)"
        case .failed(let error): error.description
        case .timedOut(let time): "connect: no answer within \(time)"
        case .loopEnded: "connect: the event loop has stopped"
        }
    }
}
