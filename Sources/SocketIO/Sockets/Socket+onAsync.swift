/// Handlers that suspend: the same as the synchronous ones, run as a task on the socket's loop.
extension Socket {
    /// Handles an event with its arguments as they came, as a task on the loop.
    @discardableResult
    public func on(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Arguments) async throws -> Void
    ) -> EventListener {
        add(
            event,
            .async { arguments in
                try await handler(arguments)
                return .none
            }
        )
    }

    /// Handles an event with its arguments as they came, as a task on the loop; what it returns
    /// acknowledges it.
    @discardableResult
    public func on(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (Arguments) async throws -> Arguments
    ) -> EventListener {
        add(
            event,
            .async { arguments in
                .ack(try await handler(arguments))
            }
        )
    }

    /// Handles an event with no arguments, as a task on the loop.
    @discardableResult
    public func on(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable () async throws -> Void
    ) -> EventListener {
        add(
            event,
            .async { _ in
                try await handler()
                return .none
            }
        )
    }

    /// Handles an event with no arguments, as a task on the loop; what it returns acknowledges
    /// it.
    @discardableResult
    public func on<Result: Encodable & SendableMetatype>(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable () async throws -> Result
    ) -> EventListener {
        add(
            event,
            .async { _ in
                try .returning(await handler())
            }
        )
    }

    /// Handles an event with one argument, as a task on the loop.
    @discardableResult
    public func on<A: Decodable & SendableMetatype>(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A) async throws -> Void
    ) -> EventListener {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                try await handler(reader.next(A.self))
                return .none
            }
        )
    }

    /// Handles an event with one argument, as a task on the loop; what it returns acknowledges
    /// it.
    @discardableResult
    public func on<A: Decodable & SendableMetatype, Result: Encodable & SendableMetatype>(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A) async throws -> Result
    ) -> EventListener {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(await handler(reader.next(A.self)))
            }
        )
    }

    /// Handles an event with two arguments, as a task on the loop.
    @discardableResult
    public func on<A: Decodable & SendableMetatype, B: Decodable & SendableMetatype>(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B) async throws -> Void
    ) -> EventListener {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                try await handler(reader.next(A.self), reader.next(B.self))
                return .none
            }
        )
    }

    /// Handles an event with two arguments, as a task on the loop; what it returns acknowledges
    /// it.
    @discardableResult
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B) async throws -> Result
    ) -> EventListener {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(await handler(reader.next(A.self), reader.next(B.self)))
            }
        )
    }

    /// Handles an event with three arguments, as a task on the loop.
    @discardableResult
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B, C) async throws -> Void
    ) -> EventListener {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                try await handler(reader.next(A.self), reader.next(B.self), reader.next(C.self))
                return .none
            }
        )
    }

    /// Handles an event with three arguments, as a task on the loop; what it returns
    /// acknowledges it.
    @discardableResult
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B, C) async throws -> Result
    ) -> EventListener {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(
                    await handler(reader.next(A.self), reader.next(B.self), reader.next(C.self))
                )
            }
        )
    }

    /// Handles an event with four arguments, as a task on the loop.
    @discardableResult
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        D: Decodable & SendableMetatype
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B, C, D) async throws -> Void
    ) -> EventListener {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                try await handler(
                    reader.next(A.self),
                    reader.next(B.self),
                    reader.next(C.self),
                    reader.next(D.self)
                )
                return .none
            }
        )
    }

    /// Handles an event with four arguments, as a task on the loop; what it returns
    /// acknowledges it.
    @discardableResult
    public func on<
        A: Decodable & SendableMetatype,
        B: Decodable & SendableMetatype,
        C: Decodable & SendableMetatype,
        D: Decodable & SendableMetatype,
        Result: Encodable & SendableMetatype
    >(
        _ event: String,
        _ handler: nonisolated(nonsending) @escaping @Sendable (A, B, C, D) async throws -> Result
    ) -> EventListener {
        add(
            event,
            .async { arguments in
                var reader = ArgumentReader(arguments)
                return try .returning(
                    await handler(
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
