import Loop

/// A choice of sockets to send to or act upon; immutable, so it can be kept and shared.
///
/// Each method that narrows or changes the choice returns a new operator.
///
/// ```swift
/// let others = server.to("news").except("muted")
/// try others.emit("headline", "hello")
/// let answers = try await others.timeout(.seconds(2)).emitWithAck("seen?", as: Bool.self)
/// ```
public struct BroadcastOperator: Sendable {
    let namespace: Namespace
    var options = BroadcastOptions()

    /// Adds a room to the targets.
    public func to(_ room: Room) -> BroadcastOperator { to([room]) }

    /// Adds rooms to the targets: whoever is in one of them.
    public func to(_ rooms: [Room]) -> BroadcastOperator {
        changed { $0.rooms += rooms.filter { !options.rooms.contains($0) } }
    }

    /// The same as `to`.
    public func `in`(_ room: Room) -> BroadcastOperator { to([room]) }

    /// The same as `to`.
    public func `in`(_ rooms: [Room]) -> BroadcastOperator { to(rooms) }

    /// Leaves out the members of a room.
    public func except(_ room: Room) -> BroadcastOperator { except([room]) }

    /// Leaves out whoever is in one of the rooms.
    public func except(_ rooms: [Room]) -> BroadcastOperator {
        changed { $0.except += rooms }
    }

    /// Only the sockets of this server.
    public var local: BroadcastOperator { changed { $0.isLocal = true } }

    /// Sockets that cannot take the event at once miss it; see `SendQueueOptions.Policy`.
    public var volatile: BroadcastOperator { changed { $0.isVolatile = true } }

    /// Whether the event may be compressed; it is where that is on and worth it.
    public func compress(_ isCompressed: Bool) -> BroadcastOperator {
        changed { $0.isCompressed = isCompressed }
    }

    /// How long `emitWithAck` waits for acknowledgements.
    public func timeout(_ duration: Duration) -> BroadcastOperator {
        changed { $0.timeout = duration }
    }

    private func changed(_ change: (inout BroadcastOptions) -> Void) -> BroadcastOperator {
        var copy = self
        change(&copy.options)
        return copy
    }

    // MARK: Sending

    /// Sends an event, encoded once for all.
    ///
    /// - Throws: `EmitError.reservedEvent`, or what encoding an argument throws.
    public func emit<each Value: Encodable>(_ event: String, _ values: repeat each Value) throws {
        try emit(event, arguments: Arguments(repeat each values))
    }

    /// Sends an event with arguments that are encoded already.
    ///
    /// - Throws: `EmitError.reservedEvent`.
    public func emit(_ event: String, arguments: Arguments) throws {
        let packet = try EventPacket(name: event, arguments: arguments)
        if options.isLocal, !namespace.isRecovering {
            namespace.deliver(packet, options, offset: nil)
        } else {
            namespace.adapter.broadcast(packet, options)
        }
    }

    /// Sends an event and returns each client's first acknowledgement argument.
    ///
    /// Waits for `timeout`, five seconds if none is given.
    /// - Throws: `BroadcastTimeout<Response>` with the answers so far; `ArgumentError` for an
    ///   answer that is no `Response`; `CancellationError` when the task is cancelled; as `emit`.
    public func emitWithAck<each Value: Encodable, Response: Decodable & Sendable>(
        _ event: String,
        _ values: repeat each Value,
        as type: Response.Type
    ) async throws -> [Response] {
        let arguments = try Arguments(repeat each values)
        do {
            return try await emitWithAck(event, arguments: arguments)
                .map { try $0.decode(type, at: 0) }
        } catch let timeout as BroadcastTimeout<Arguments> {
            throw BroadcastTimeout(
                responses: try timeout.responses.map { try $0.decode(type, at: 0) },
                missing: timeout.missing,
                missingServers: timeout.missingServers
            )
        }
    }

    /// Sends an event and returns each client's acknowledgement.
    ///
    /// A client that disconnects counts as having answered. With `volatile`, clients that cannot
    /// take the event at once are not asked.
    /// - Throws: `BroadcastTimeout<Arguments>`; `CancellationError` when the task is cancelled; as
    ///   `emit`.
    public func emitWithAck(_ event: String, arguments: Arguments) async throws -> [Arguments] {
        let packet = try EventPacket(name: event, arguments: arguments)
        var options = options
        let timeout = options.timeout ?? .seconds(5)
        options.timeout = timeout
        let namespace = namespace
        let frozen = options
        let acks = BroadcastAcks()
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let timer = LoopTimer(on: namespace.core.someLoop)
                    timer.start(after: timeout) { acks.timedOut() }
                    acks.whenDone {
                        timer.cancel()
                        continuation.resume(with: $0)
                    }
                    acks.hold()
                    if frozen.isLocal {
                        namespace.deliver(packet, frozen, acks: acks)
                    } else {
                        namespace.adapter.broadcast(packet, frozen, acks: acks)
                    }
                    acks.release()
                }
            } onCancel: {
                acks.cancel()
            }
        } catch let timeout as BroadcastAcks.Timeout {
            throw BroadcastTimeout(
                responses: timeout.responses,
                missing: timeout.missing,
                missingServers: timeout.missingServers
            )
        }
    }

    // MARK: Acting on sockets

    /// Makes the sockets join rooms.
    public func socketsJoin(_ rooms: Room...) { socketsJoin(rooms) }

    /// Makes the sockets join rooms.
    public func socketsJoin(_ rooms: [Room]) {
        if options.isLocal {
            namespace.joinLocally(rooms, options)
        } else {
            namespace.adapter.join(rooms, options)
        }
    }

    /// Makes the sockets leave rooms.
    public func socketsLeave(_ rooms: Room...) { socketsLeave(rooms) }

    /// Makes the sockets leave rooms.
    public func socketsLeave(_ rooms: [Room]) {
        if options.isLocal {
            namespace.leaveLocally(rooms, options)
        } else {
            namespace.adapter.leave(rooms, options)
        }
    }

    /// Disconnects the sockets, and with `close` their connections.
    public func disconnectSockets(close: Bool = false) {
        if options.isLocal {
            namespace.disconnectLocally(options, closing: close)
        } else {
            namespace.adapter.disconnect(options, closing: close)
        }
    }

    /// The sockets, as they are now.
    ///
    /// - Throws: What a cluster's adapter throws when servers do not answer.
    public func fetchSockets() async throws -> [RemoteSocket] {
        let snapshots =
            options.isLocal
            ? await namespace.localSockets(options)
            : try await namespace.adapter.fetchSockets(options)
        return snapshots.map { RemoteSocket(snapshot: $0, namespace: namespace) }
    }
}
