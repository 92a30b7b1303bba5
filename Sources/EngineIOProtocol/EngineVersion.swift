import Bytes

/// The Engine.IO protocol version that a handshake asks for (protocol.md §2).
package enum EngineVersion: UInt8, Sendable {
    /// Socket.IO v2 clients (§13).
    case v3 = 3
    case v4 = 4

    /// The version named by the value of the `EIO` parameter: all but `4` is taken for version 3.
    package init(query value: RawSpan?) {
        guard let value, value.isEqual(to: "4") else {
            self = .v3
            return
        }
        self = .v4
    }

    /// As `init(query:)`, for a value that has been decoded.
    package init(parameter value: String?) {
        self = value == "4" ? .v4 : .v3
    }
}

/// A way to carry packets, by its name in the `transport` parameter (protocol.md §2).
package enum TransportName: String, Sendable, CaseIterable {
    case polling
    case websocket

    /// The transport of that name, letter case counting.
    package init?(query value: RawSpan) {
        if value.isEqual(to: "polling") {
            self = .polling
        } else if value.isEqual(to: "websocket") {
            self = .websocket
        } else {
            return nil
        }
    }
}
