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
    /// Handles an event with its arguments as they came.
    @discardableResult
    public func on(
        _ event: String,
        _ handler: @escaping @Sendable (Arguments) throws -> Void
    ) -> EventListener {
        add(
            event,
            .sync { arguments in
                try handler(arguments)
                return .none
            }
        )
    }

    /// Handles an event with its arguments as they came; what it returns acknowledges it.
    @discardableResult
    public func on(
        _ event: String,
        _ handler: @escaping @Sendable (Arguments) throws -> Arguments
    ) -> EventListener {
        add(
            event,
            .sync { arguments in
                .ack(try handler(arguments))
            }
        )
    }

    /// Handles an event with no arguments.
    @discardableResult
    public func on(
        _ event: String,
        _ handler: @escaping @Sendable () throws -> Void
    ) -> EventListener {
        add(
            event,
            .sync { _ in
                try handler()
                return .none
            }
        )
    }

    /// Handles an event with no arguments; what it returns acknowledges it.
    @discardableResult
    public func on<Result: Encodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable () throws -> Result
    ) -> EventListener {
        add(
            event,
            .sync { _ in
                try .returning(handler())
            }
        )
    }

    /// Handles an event with one argument.
    @discardableResult
    public func on<A: Decodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable (A) throws -> Void
    ) -> EventListener {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                try handler(reader.next(A.self))
                return .none
            }
        )
    }

    /// Handles an event with one argument; what it returns acknowledges it.
    @discardableResult
    public func on<A: Decodable & SendableMetatype, Result: Encodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable (A) throws -> Result
    ) -> EventListener {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(handler(reader.next(A.self)))
            }
        )
    }

    /// Handles an event with two arguments.
    @discardableResult
    public func on<A: Decodable & SendableMetatype, B: Decodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable (A, B) throws -> Void
    ) -> EventListener {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                try handler(reader.next(A.self), reader.next(B.self))
                return .none
            }
        )
    }

    /// Handles an event with two arguments; what it returns acknowledges it.
    @discardableResult
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B) throws -> Result
    ) -> EventListener {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(handler(reader.next(A.self), reader.next(B.self)))
            }
        )
    }

    /// Handles an event with three arguments.
    @discardableResult
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C) throws -> Void
    ) -> EventListener {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                try handler(reader.next(A.self), reader.next(B.self), reader.next(C.self))
                return .none
            }
        )
    }

    /// Handles an event with three arguments; what it returns acknowledges it.
    @discardableResult
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C) throws -> Result
    ) -> EventListener {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(
                    handler(reader.next(A.self), reader.next(B.self), reader.next(C.self))
                )
            }
        )
    }

    /// Handles an event with four arguments.
    @discardableResult
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        D: Decodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C, D) throws -> Void
    ) -> EventListener {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                try handler(
                    reader.next(A.self),
                    reader.next(B.self),
                    reader.next(C.self),
                    reader.next(D.self)
                )
                return .none
            }
        )
    }

    /// Handles an event with four arguments; what it returns acknowledges it.
    @discardableResult
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        D: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C, D) throws -> Result
    ) -> EventListener {
        add(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(
                    handler(
                        reader.next(A.self),
                        reader.next(B.self),
                        reader.next(C.self),
                        reader.next(D.self)
                    )
                )
            }
        )
    }
}
