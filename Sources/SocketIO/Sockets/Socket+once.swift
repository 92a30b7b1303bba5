/// Handlers that are removed when their event first arrives, otherwise as those of `on`.
extension Socket {
    /// Handles the next event with its arguments as they came.
    @discardableResult
    public func once(
        _ event: String,
        _ handler: @escaping @Sendable (Arguments) throws -> Void
    ) -> EventListener {
        addOnce(
            event,
            .sync { arguments in
                try handler(arguments)
                return .none
            }
        )
    }

    /// Handles the next event with its arguments as they came; what it returns acknowledges it.
    @discardableResult
    public func once(
        _ event: String,
        _ handler: @escaping @Sendable (Arguments) throws -> Arguments
    ) -> EventListener {
        addOnce(
            event,
            .sync { arguments in
                .ack(try handler(arguments))
            }
        )
    }

    /// Handles the next event with no arguments.
    @discardableResult
    public func once(
        _ event: String,
        _ handler: @escaping @Sendable () throws -> Void
    ) -> EventListener {
        addOnce(
            event,
            .sync { _ in
                try handler()
                return .none
            }
        )
    }

    /// Handles the next event with no arguments; what it returns acknowledges it.
    @discardableResult
    public func once<Result: Encodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable () throws -> Result
    ) -> EventListener {
        addOnce(
            event,
            .sync { _ in
                try .returning(handler())
            }
        )
    }

    /// Handles the next event with one argument.
    @discardableResult
    public func once<A: Decodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable (A) throws -> Void
    ) -> EventListener {
        addOnce(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                try handler(reader.next(A.self))
                return .none
            }
        )
    }

    /// Handles the next event with one argument; what it returns acknowledges it.
    @discardableResult
    public func once<A: Decodable & SendableMetatype, Result: Encodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable (A) throws -> Result
    ) -> EventListener {
        addOnce(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(handler(reader.next(A.self)))
            }
        )
    }

    /// Handles the next event with two arguments.
    @discardableResult
    public func once<A: Decodable & SendableMetatype, B: Decodable & SendableMetatype>(
        _ event: String,
        _ handler: @escaping @Sendable (A, B) throws -> Void
    ) -> EventListener {
        addOnce(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                try handler(reader.next(A.self), reader.next(B.self))
                return .none
            }
        )
    }

    /// Handles the next event with two arguments; what it returns acknowledges it.
    @discardableResult
    public func once<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B) throws -> Result
    ) -> EventListener {
        addOnce(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(handler(reader.next(A.self), reader.next(B.self)))
            }
        )
    }

    /// Handles the next event with three arguments.
    @discardableResult
    public func once<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C) throws -> Void
    ) -> EventListener {
        addOnce(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                try handler(reader.next(A.self), reader.next(B.self), reader.next(C.self))
                return .none
            }
        )
    }

    /// Handles the next event with three arguments; what it returns acknowledges it.
    @discardableResult
    public func once<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C) throws -> Result
    ) -> EventListener {
        addOnce(
            event,
            .sync { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(
                    handler(reader.next(A.self), reader.next(B.self), reader.next(C.self))
                )
            }
        )
    }

    /// Handles the next event with four arguments.
    @discardableResult
    public func once<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        D: Decodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C, D) throws -> Void
    ) -> EventListener {
        addOnce(
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

    /// Handles the next event with four arguments; what it returns acknowledges it.
    @discardableResult
    public func once<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        D: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: @escaping @Sendable (A, B, C, D) throws -> Result
    ) -> EventListener {
        addOnce(
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
