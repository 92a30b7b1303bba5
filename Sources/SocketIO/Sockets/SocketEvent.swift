import Bytes
import Synchronization

/// An event of a client on its way to the handlers, as a socket's middlewares see and change it.
public struct SocketEvent: Sendable {
    /// The event's name; another name leads it to other handlers.
    public var name: String
    /// Its arguments; `wantsAck` says whether the client waits for an acknowledgement.
    public var arguments: Arguments

    init(name: String, arguments: Arguments) {
        self.name = name
        self.arguments = arguments
    }

    /// The name as handlers are found by it.
    var nameBytes: SharedBytes { SharedBytes(name) }
}

/// What a registered handler is removed by; see `Socket.off`.
public struct EventListener: Hashable, Sendable {
    private static let count = Atomic<UInt64>(0)

    /// Unlike that of any other listener of the process.
    private let number: UInt64

    init() {
        number = Self.count.wrappingAdd(1, ordering: .relaxed).oldValue
    }
}
