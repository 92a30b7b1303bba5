import Bytes
import Loop
import SocketIOProtocol

/// What a handler leaves for the acknowledgement.
enum HandlerOutcome: Sendable {
    /// It returns nothing.
    case none
    case ack(Arguments)

    /// The outcome of a handler that has returned `value`.
    static func returning(_ value: some Encodable) throws -> HandlerOutcome {
        .ack(try Arguments(value))
    }
}

/// A registered handler of an event.
struct EventHandler: Sendable {
    enum Body: Sendable {
        /// Called straight from the read: no task.
        case sync(@Sendable (Arguments) throws -> HandlerOutcome)
        case async(@Sendable (Arguments) async throws -> HandlerOutcome)
    }

    let listener: EventListener
    /// The event's name as it stands in packets.
    let name: SharedBytes
    let nameText: String
    /// Whether the first event ends it.
    let isOnce: Bool
    let body: Body
}

/// A registered handler of a socket's end.
struct DisconnectHandler: Sendable {
    let listener: EventListener
    let body: @Sendable (DisconnectReason) -> Void
}

/// Splits the arguments of one event for a typed handler.
struct ArgumentReader {
    private let arguments: Arguments
    private let slices: [JSONSlice]
    private var index = 0

    init(_ arguments: Arguments) {
        self.arguments = arguments
        slices = arguments.slices
    }

    /// The next argument.
    ///
    /// - Throws: `ArgumentError` when it is missing or has another type.
    mutating func next<Value: Decodable>(_ type: Value.Type) throws -> Value {
        defer { index += 1 }
        return try arguments.decode(type, index < slices.count ? slices[index] : nil, index)
    }
}

extension Socket {
    /// Registers a handler; traps if the name is reserved.
    func add(_ event: String, _ body: EventHandler.Body) -> EventListener {
        add(event, body, isOnce: false)
    }

    /// As `add`, for one event.
    func addOnce(_ event: String, _ body: EventHandler.Body) -> EventListener {
        add(event, body, isOnce: true)
    }

    private func add(
        _ event: String,
        _ body: EventHandler.Body,
        isOnce: Bool
    ) -> EventListener {
        guard !ReservedEvents.contains(event) else {
            preconditionFailure(
                "\"\(event)\" is a reserved event name; use onDisconnect and the like"
            )
        }
        let handler = EventHandler(
            listener: EventListener(),
            name: SharedBytes(event),
            nameText: event,
            isOnce: isOnce,
            body: body
        )
        shared.state.run { $0.addHandler(handler) }
        return handler.listener
    }
}
