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

    /// The event's name as it stands in packets.
    let name: SharedBytes
    let nameText: String
    let body: Body
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

/// Handlers of events, by the number of arguments they name.
///
/// A handler runs on the socket's loop: handlers of one socket start in the order of arrival, and
/// one that suspends does not hold back the next packet. What it returns is the acknowledgement;
/// without a result the acknowledgement is empty. What it throws goes to `ServerOptions.onError`
/// and, by the acknowledgement, to the client: an `AckError` as it is, any other error without its
/// details. Work that takes long or blocks must leave the loop on purpose, by `Task.detached`.
///
/// A missing argument is an error unless its type is optional; surplus ones are ignored.
extension Socket {
    private func add(_ event: String, _ body: EventHandler.Body) {
        guard !ReservedEvents.contains(event) else {
            preconditionFailure(
                "\"\(event)\" is a reserved event name; use onDisconnect and the like"
            )
        }
        let handler = EventHandler(
            name: SharedBytes(event),
            nameText: event,
            body: body
        )
        shared.state.run { $0.addHandler(handler) }
    }

    /// Handles an event with its arguments as they came.
    public func on(_ event: String, _ handler: @escaping @Sendable (Arguments) throws -> Void) {
        add(
            event,
            .sync { arguments in
                try handler(arguments)
                return .none
            }
        )
    }

    /// Handles an event with its arguments as they came; the result is the acknowledgement.
    public func on(
        _ event: String,
        _ handler: @escaping @Sendable (Arguments) throws -> Arguments
    ) {
        add(event, .sync { .ack(try handler($0)) })
    }

    /// Handles an event with its arguments as they came, as a task on the loop.
    public func on(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Arguments) async throws -> Void
    ) {
        add(
            event,
            .async { arguments in
                try await handler(arguments)
                return .none
            }
        )
    }

    /// Handles an event with its arguments as they came, as a task on the loop; the result is the
    /// acknowledgement.
    public func on(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Arguments) async throws -> Arguments
    ) {
        add(event, .async { .ack(try await handler($0)) })
    }

    /// Handles an event with no arguments.
    public func on(
        _ event: String,
        _ handler: @escaping @Sendable () throws -> Void
    ) {
        add(
            event,
            .sync { _ in
                try handler()
                return .none
            }
        )
    }

    /// Handles an event with no arguments; the result is the
    /// acknowledgement.
    public func on<Result: Encodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable () throws -> Result
    ) {
        add(
            event,
            .sync { _ in
                try .returning(handler())
            }
        )
    }

    /// Handles an event with no arguments, as a task on the loop.
    public func on(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable () async throws -> Void
    ) {
        add(
            event,
            .async { _ in
                try await handler()
                return .none
            }
        )
    }

    /// Handles an event with no arguments, as a task on the loop; the result is the
    /// acknowledgement.
    public func on<Result: Encodable & SendableMetatype>(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable () async throws -> Result
    ) {
        add(
            event,
            .async { _ in
                try .returning(try await handler())
            }
        )
    }

    /// Handles an event with one argument.
    public func on<A: Decodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable (A) throws -> Void
    ) {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                try handler(a)
                return .none
            }
        )
    }

    /// Handles an event with one argument; the result is the
    /// acknowledgement.
    public func on<A: Decodable & SendableMetatype, Result: Encodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable (A) throws -> Result
    ) {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                return try .returning(handler(a))
            }
        )
    }

    /// Handles an event with one argument, as a task on the loop.
    public func on<A: Decodable & SendableMetatype>(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A) async throws -> Void
    ) {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                try await handler(a)
                return .none
            }
        )
    }

    /// Handles an event with one argument, as a task on the loop; the result is the
    /// acknowledgement.
    public func on<A: Decodable & SendableMetatype, Result: Encodable & SendableMetatype>(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A) async throws -> Result
    ) {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                return try .returning(try await handler(a))
            }
        )
    }

    /// Handles an event with two arguments.
    public func on<A: Decodable & SendableMetatype, B: Decodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable (A, B) throws -> Void
    ) {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                try handler(a, b)
                return .none
            }
        )
    }

    /// Handles an event with two arguments; the result is the
    /// acknowledgement.
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B) throws -> Result
    ) {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                return try .returning(handler(a, b))
            }
        )
    }

    /// Handles an event with two arguments, as a task on the loop.
    public func on<A: Decodable & SendableMetatype, B: Decodable & SendableMetatype>(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B) async throws -> Void
    ) {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                try await handler(a, b)
                return .none
            }
        )
    }

    /// Handles an event with two arguments, as a task on the loop; the result is the
    /// acknowledgement.
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B) async throws -> Result
    ) {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                return try .returning(try await handler(a, b))
            }
        )
    }

    /// Handles an event with three arguments.
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C) throws -> Void
    ) {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                let c = try reader.next(C.self)
                try handler(a, b, c)
                return .none
            }
        )
    }

    /// Handles an event with three arguments; the result is the
    /// acknowledgement.
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C) throws -> Result
    ) {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                let c = try reader.next(C.self)
                return try .returning(handler(a, b, c))
            }
        )
    }

    /// Handles an event with three arguments, as a task on the loop.
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B, C) async throws -> Void
    ) {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                let c = try reader.next(C.self)
                try await handler(a, b, c)
                return .none
            }
        )
    }

    /// Handles an event with three arguments, as a task on the loop; the result is the
    /// acknowledgement.
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B, C) async throws -> Result
    ) {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                let c = try reader.next(C.self)
                return try .returning(try await handler(a, b, c))
            }
        )
    }

    /// Handles an event with four arguments.
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        D: Decodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C, D) throws -> Void
    ) {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                let c = try reader.next(C.self)
                let d = try reader.next(D.self)
                try handler(a, b, c, d)
                return .none
            }
        )
    }

    /// Handles an event with four arguments; the result is the
    /// acknowledgement.
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        D: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C, D) throws -> Result
    ) {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                let c = try reader.next(C.self)
                let d = try reader.next(D.self)
                return try .returning(handler(a, b, c, d))
            }
        )
    }

    /// Handles an event with four arguments, as a task on the loop.
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        D: Decodable & SendableMetatype
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B, C, D) async throws -> Void
    ) {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                let c = try reader.next(C.self)
                let d = try reader.next(D.self)
                try await handler(a, b, c, d)
                return .none
            }
        )
    }

    /// Handles an event with four arguments, as a task on the loop; the result is the
    /// acknowledgement.
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        D: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B, C, D) async throws -> Result
    ) {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                let a = try reader.next(A.self)
                let b = try reader.next(B.self)
                let c = try reader.next(C.self)
                let d = try reader.next(D.self)
                return try .returning(try await handler(a, b, c, d))
            }
        )
    }
}
