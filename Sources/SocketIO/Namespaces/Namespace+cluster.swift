import Loop
import Synchronization

/// What servers of a cluster do together (protocol.md §21).
extension Namespace {
    /// Sends an event to this namespace on all other servers, not to this one.
    ///
    /// There it arrives at the handlers of `onServerSideEmit`. Without a cluster it goes nowhere.
    /// - Throws: `EmitError.reservedEvent`, or what encoding an argument throws.
    public func serverSideEmit<each Value: Encodable>(
        _ event: String,
        _ values: repeat each Value
    ) throws {
        try serverSideEmit(event, arguments: Arguments(repeat each values))
    }

    /// As the form with values, with arguments that are encoded already.
    ///
    /// - Throws: `EmitError.reservedEvent`.
    public func serverSideEmit(_ event: String, arguments: Arguments) throws {
        try adapter.serverSideEmit(EventPacket(serverSide: event, arguments))
    }

    /// As `serverSideEmit`; returns the first acknowledgement argument of each other server.
    ///
    /// - Throws: `ClusterTimeout<Response>` with the answers so far when a server does not answer
    ///   within `timeout`; `ArgumentError` for an answer that is no `Response`; as `serverSideEmit`.
    public func serverSideEmitWithAck<each Value: Encodable, Response: Decodable & Sendable>(
        _ event: String,
        _ values: repeat each Value,
        timeout: Duration = .seconds(5),
        as type: Response.Type
    ) async throws -> [Response] {
        let packet = try EventPacket(serverSide: event, Arguments(repeat each values))
        do {
            return try await adapter.serverSideEmitWithAck(packet, timeout: timeout)
                .map { try $0.decode(type, at: 0) }
        } catch let timeout as ClusterTimeout<Arguments> {
            throw ClusterTimeout(
                responses: try timeout.responses.map { try $0.decode(type, at: 0) },
                answered: timeout.answered,
                expected: timeout.expected
            )
        }
    }

    /// Handles an event that another server has sent by `serverSideEmit`.
    ///
    /// Runs on a thread of the adapter's, which it must not block. If that server waits for an
    /// acknowledgement, it gets an empty one.
    public func onServerSideEmit(
        _ event: String,
        _ handler: @escaping @Sendable (Arguments) throws -> Void
    ) {
        add(
            ServerSideHandler(
                event: event,
                body: .sync { arguments in
                    try handler(arguments)
                    return .none
                }
            )
        )
    }

    /// As the form without a result; what `handler` returns acknowledges the event.
    ///
    /// Only the first argument of what is returned reaches the other server. With several handlers
    /// the first to return counts; an error leaves the other server waiting and is logged.
    public func onServerSideEmit(
        _ event: String,
        _ handler:
            nonisolated(nonsending) @escaping @Sendable (Arguments) async throws ->
            Arguments
    ) {
        add(ServerSideHandler(event: event, body: .async { .ack(try await handler($0)) }))
    }

    /// The rooms that have a member on any server; every socket is in one with its own id.
    ///
    /// - Throws: `ClusterTimeout<Room>` when servers do not answer.
    public func allRooms() async throws -> Set<Room> { try await adapter.allRooms() }

    /// How many servers the cluster has, this one included.
    ///
    /// - Throws: What the adapter throws when it cannot tell.
    public func serverCount() async throws -> Int { try await adapter.serverCount() }

    /// Runs the handlers of an event of another server.
    func runServerHandlers(_ packet: EventPacket, reply: (@Sendable (Arguments) -> Void)?) {
        let handlers = serverHandlers(of: packet.name)
        if handlers.isEmpty {
            core.options.log(.debug, "no handler for \(packet.name) of another server on \(name)")
        }
        let answer = FirstAnswer(reply)
        for handler in handlers {
            switch handler.body {
            case .sync(let body):
                do {
                    answer.give(try body(packet.arguments))
                } catch {
                    failed(packet, error)
                }
            case .async(let body):
                let loop = core.someLoop
                loop.execute {
                    loop.startTask {
                        do {
                            answer.give(try await body(packet.arguments))
                        } catch {
                            self.failed(packet, error)
                        }
                    }
                }
            }
        }
    }

    private func failed(_ packet: EventPacket, _ error: any Error) {
        core.options.log(.error, "handler of \(packet.name) of another server, \(name): \(error)")
    }
}

extension EventPacket {
    /// An event for the servers' own handlers.
    ///
    /// - Throws: `EmitError.reservedEvent` for what a namespace says of itself.
    package init(serverSide event: String, _ arguments: Arguments) throws {
        let reserved = ["connect", "connection", "new_namespace"]
        guard !reserved.contains(event) else { throw EmitError.reservedEvent(event) }
        self.init(unchecked: event, arguments: arguments)
    }
}

/// A handler of events that other servers send.
struct ServerSideHandler: Sendable {
    let event: String
    let body: EventHandler.Body
}

/// Passes on the first outcome of several handlers.
private final class FirstAnswer: Sendable {
    private let reply: Mutex<(@Sendable (Arguments) -> Void)?>

    init(_ reply: (@Sendable (Arguments) -> Void)?) {
        self.reply = Mutex(reply)
    }

    func give(_ outcome: HandlerOutcome) {
        let reply = reply.withLock { reply in
            defer { reply = nil }
            return reply
        }
        switch outcome {
        case .ack(let arguments): reply?(arguments)
        case .none: reply?(Arguments())
        }
    }
}

extension Server {
    /// Sends an event to the namespace `/` on all other servers; see `Namespace.serverSideEmit`.
    ///
    /// - Throws: As `Namespace.serverSideEmit`.
    public func serverSideEmit<each Value: Encodable>(
        _ event: String,
        _ values: repeat each Value
    ) throws {
        try main.serverSideEmit(event, repeat each values)
    }

    /// As `serverSideEmit`, with the others' answers; see `Namespace.serverSideEmitWithAck`.
    ///
    /// - Throws: As `Namespace.serverSideEmitWithAck`.
    public func serverSideEmitWithAck<each Value: Encodable, Response: Decodable & Sendable>(
        _ event: String,
        _ values: repeat each Value,
        timeout: Duration = .seconds(5),
        as type: Response.Type
    ) async throws -> [Response] {
        try await main.serverSideEmitWithAck(
            event,
            repeat each values,
            timeout: timeout,
            as: type
        )
    }

    /// Handles an event of another server in the namespace `/`; see `Namespace.onServerSideEmit`.
    public func onServerSideEmit(
        _ event: String,
        _ handler:
            nonisolated(nonsending) @escaping @Sendable (Arguments) async throws ->
            Arguments
    ) {
        main.onServerSideEmit(event, handler)
    }

    /// The rooms of the namespace `/` on all servers; see `Namespace.allRooms`.
    ///
    /// - Throws: As `Namespace.allRooms`.
    public func allRooms() async throws -> Set<Room> { try await main.allRooms() }

    /// How many servers the cluster has, this one included.
    ///
    /// - Throws: As `Namespace.serverCount`.
    public func serverCount() async throws -> Int { try await main.serverCount() }

    /// Handles an event of another server in the namespace `/`; see `Namespace.onServerSideEmit`.
    public func onServerSideEmit(
        _ event: String,
        _ handler: @escaping @Sendable (Arguments) throws -> Void
    ) {
        main.onServerSideEmit(event, handler)
    }
}
