import EngineIO
import Foundation
import Loop
import Synchronization

/// A client's connection to one namespace.
///
/// A handle, one word, usable from any task and thread. Called on the socket's own loop (in its
/// handlers) `emit`, `join`, `leave` and `disconnect` take effect at once; called elsewhere they
/// are queued there, in order. After the disconnect they do nothing, but for one: an event for a
/// client that may come back is kept for it (`ServerOptions.connectionStateRecovery`).
///
/// ```swift
/// server.onConnection { socket in
///     socket.on("join") { (room: String) in socket.join(Room(room)) }
///     socket.on("say") { (room: String, text: String) in
///         try socket.to(Room(room)).emit("said", text)
///     }
///     socket.onDisconnect { reason in print(socket.id, reason.rawValue) }
/// }
/// ```
public struct Socket: Sendable, Identifiable, Hashable {
    let shared: SocketShared

    /// The public id; also the name of the socket's own room.
    public var id: String { shared.id }
    /// How the client connected.
    public var handshake: Handshake { shared.handshake }
    /// The request that opened its connection; the same for all namespaces of the client.
    public var request: ConnectionRequest { shared.handshake.request }
    /// The connection below, shared by all namespaces of the client.
    public var conn: ClientConnection { ClientConnection(shared: shared) }
    /// The namespace it is connected to.
    public var namespace: Namespace { shared.namespace }
    /// The rooms it is in, its own included; a snapshot.
    public var rooms: Set<Room> { shared.rooms.withLock { $0 } }
    /// Whether the client was away for a moment and has missed nothing (protocol.md §20).
    ///
    /// Then it has the id, the rooms and the data that it had before.
    public var recovered: Bool { shared.isRecovered }
    /// Whether it is connected at this moment.
    public var isConnected: Bool { shared.isConnected.load(ordering: .relaxed) }

    /// Whether both are the same connection.
    public static func == (left: Socket, right: Socket) -> Bool { left.shared === right.shared }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(shared))
    }

    // MARK: Data

    /// Keeps `value` with the socket, for this server and for `fetchSockets` on others.
    ///
    /// It replaces what was kept before; effective at once, from any thread. Stored as JSON, so a
    /// dictionary or a structure is what Node's servers expect (protocol.md §21).
    /// - Throws: What encoding throws.
    public func setData(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        let data = try encoder.encode(value)
        shared.data.withLock { $0 = data }
    }

    /// What `setData` has kept; nil if nothing has been.
    ///
    /// - Throws: `DecodingError` when it is no `Value`.
    public func data<Value: Decodable>(as type: Value.Type) throws -> Value? {
        try shared.data.withLock { $0 }.map { try JSONDecoder().decode(type, from: $0) }
    }

    // MARK: Rooms

    /// Joins rooms; on the socket's loop at once, elsewhere in order with other calls.
    public func join(_ rooms: Room...) { join(rooms) }

    /// Joins rooms; on the socket's loop at once, elsewhere in order with other calls.
    public func join(_ rooms: [Room]) {
        shared.foreseeJoin(rooms)
        let position = shared.namespace.position
        shared.run { state in
            for room in rooms { state.join(room, at: position) }
        }
    }

    /// Leaves a room.
    public func leave(_ room: Room) {
        let position = shared.namespace.position
        shared.foreseeLeave(room, at: position)
        shared.run { $0.leave(room, at: position) }
    }

    /// Returns when all that was asked of the socket before, by calls in order, has taken effect.
    public func flushed() async {
        await withCheckedContinuation { done in
            shared.state.post { _ in done.resume() }
        }
    }

    // MARK: Sending to this client

    /// Sends an event to this client.
    ///
    /// - Throws: `EmitError.reservedEvent`, or what encoding an argument throws.
    public func emit<each Value: Encodable>(_ event: String, _ values: repeat each Value) throws {
        try emit(event, arguments: Arguments(repeat each values))
    }

    /// Sends an event with arguments that are encoded already.
    ///
    /// - Throws: `EmitError.reservedEvent`.
    public func emit(_ event: String, arguments: Arguments) throws {
        try SocketEmitter(shared: shared).emit(event, arguments: arguments)
    }

    /// Sends an event and returns the first argument of the client's acknowledgement.
    ///
    /// Waits until the client answers or disconnects; see `timeout(_:)`.
    /// - Throws: `AckFailure`; `ArgumentError` for an answer that is no `Response`;
    ///   `CancellationError` when the task is cancelled; as `emit`.
    public func emitWithAck<each Value: Encodable, Response: Decodable>(
        _ event: String,
        _ values: repeat each Value,
        as type: Response.Type
    ) async throws -> Response {
        try await SocketEmitter(shared: shared).emitWithAck(event, repeat each values, as: type)
    }

    /// Sends so that `emitWithAck` waits no longer than `duration`.
    public func timeout(_ duration: Duration) -> SocketEmitter {
        SocketEmitter(shared: shared, timeout: duration)
    }

    /// Sends so that the event is lost if the client cannot take it at once.
    public var volatile: SocketEmitter { SocketEmitter(shared: shared, isVolatile: true) }

    /// Sends so that the event is compressed or not, where compression is on and worth it.
    public func compress(_ isCompressed: Bool) -> SocketEmitter {
        SocketEmitter(shared: shared, isCompressed: isCompressed)
    }

    // MARK: Sending to others

    /// Everybody in the namespace but this socket.
    public var broadcast: BroadcastOperator { namespace.everyone.except(Room(id)) }

    /// The members of a room but this socket.
    public func to(_ room: Room) -> BroadcastOperator { broadcast.to(room) }

    /// The members of rooms but this socket.
    public func to(_ rooms: [Room]) -> BroadcastOperator { broadcast.to(rooms) }

    /// The same as `to`.
    public func `in`(_ room: Room) -> BroadcastOperator { broadcast.to(room) }

    /// The same as `to`.
    public func `in`(_ rooms: [Room]) -> BroadcastOperator { broadcast.to(rooms) }

    /// Everybody but this socket and the members of a room.
    public func except(_ room: Room) -> BroadcastOperator { broadcast.except(room) }

    /// Everybody but this socket and the members of rooms.
    public func except(_ rooms: [Room]) -> BroadcastOperator { broadcast.except(rooms) }

    /// Everybody on this server but this socket.
    public var local: BroadcastOperator { broadcast.local }

    // MARK: Ending

    /// Disconnects from the namespace, or with `close` ends the client's whole connection.
    public func disconnect(close: Bool = false) {
        shared.foreseeDisconnect()
        shared.run { $0.disconnect(closing: close) }
    }

    /// Runs `handler` on the loop when the socket is about to leave; it is still in its rooms.
    ///
    /// Registered after the disconnect it never runs; look at `isConnected` after an `await`.
    @discardableResult
    public func onDisconnecting(
        _ handler: @escaping @Sendable (DisconnectReason) -> Void
    ) -> EventListener {
        let handler = DisconnectHandler(listener: EventListener(), body: handler)
        shared.state.run { $0.addDisconnectingHandler(handler) }
        return handler.listener
    }

    /// Runs `handler` on the loop when the socket has left its rooms and the namespace.
    ///
    /// Registered after the disconnect it never runs; look at `isConnected` after an `await`.
    @discardableResult
    public func onDisconnect(
        _ handler: @escaping @Sendable (DisconnectReason) -> Void
    ) -> EventListener {
        let handler = DisconnectHandler(listener: EventListener(), body: handler)
        shared.state.run { $0.addDisconnectHandler(handler) }
        return handler.listener
    }
}

/// Sends to one socket with a timeout or as volatile; see `Socket.timeout` and `Socket.volatile`.
public struct SocketEmitter: Sendable {
    let shared: SocketShared
    var timeout: Duration?
    var isVolatile = false
    var isCompressed = true

    /// The same with a time limit for `emitWithAck`.
    public func timeout(_ duration: Duration) -> SocketEmitter {
        var copy = self
        copy.timeout = duration
        return copy
    }

    /// The same for an event that is lost if the client cannot take it at once.
    public var volatile: SocketEmitter {
        var copy = self
        copy.isVolatile = true
        return copy
    }

    /// The same for an event that may be compressed, or must not be.
    public func compress(_ isCompressed: Bool) -> SocketEmitter {
        var copy = self
        copy.isCompressed = isCompressed
        return copy
    }

    /// Sends an event.
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
        let isRecovering = shared.namespace.isRecovering
        if isRecovering, !isVolatile {
            emitInOrder(packet)
            return
        }
        let encoded = packet.encoded(
            as: shared.namespace.core.packetFormat,
            namespace: shared.namespace.wireName,
            isCompressible: isCompressed,
            isVolatile: isVolatile
        )
        let state = shared.state
        if state.loop.isOnLoop, !isRecovering {
            // The usual case, without a closure.
            state.value.emit(encoded, of: packet, isVolatile: isVolatile)
        } else {
            let isVolatile = isVolatile
            state.post { $0.emit(encoded, of: packet, isVolatile: isVolatile) }
        }
    }

    /// Sends an event that the client gets even if it is away for a moment.
    private func emitInOrder(_ packet: EventPacket) {
        guard !shared.isDisconnecting.load(ordering: .relaxed) else { return }
        var options = BroadcastOptions()
        options.rooms = [Room(shared.id)]
        options.isCompressed = isCompressed
        shared.namespace.adapter.broadcast(packet, options)
    }

    /// Sends an event and returns the first argument of the client's acknowledgement.
    ///
    /// - Throws: `AckFailure`; `ArgumentError` for an answer that is no `Response`;
    ///   `CancellationError` when the task is cancelled; as `emit`.
    public func emitWithAck<each Value: Encodable, Response: Decodable>(
        _ event: String,
        _ values: repeat each Value,
        as type: Response.Type
    ) async throws -> Response {
        let answer = try await emitWithAck(event, arguments: Arguments(repeat each values))
        return try answer.decode(type, at: 0)
    }

    /// Sends an event and returns the client's acknowledgement.
    ///
    /// - Throws: `AckFailure`; `CancellationError` when the task is cancelled; as `emit`.
    public func emitWithAck(_ event: String, arguments: Arguments) async throws -> Arguments {
        let packet = try EventPacket(name: event, arguments: arguments)
        let id = shared.namespace.nextAckID()
        let encoded = packet.encoded(
            as: shared.namespace.core.packetFormat,
            namespace: shared.namespace.wireName,
            id: id,
            isCompressible: isCompressed,
            isVolatile: isVolatile
        )
        let shared = shared
        let timeout = timeout
        let isVolatile = isVolatile
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                shared.run { state in
                    guard !cancellation.isCancelled.load(ordering: .acquiring) else {
                        continuation.resume(throwing: CancellationError())
                        return
                    }
                    state.expectAck(id, timeout: timeout) { continuation.resume(with: $0) }
                    // A volatile event that does not leave is not answered: the timeout says so.
                    state.emit(encoded, of: packet, isVolatile: isVolatile)
                }
            }
        } onCancel: {
            // Whichever of the two comes second on the loop ends the wait.
            cancellation.isCancelled.store(true, ordering: .releasing)
            shared.run { $0.cancelAck(id) }
        }
    }

    private final class Cancellation: Sendable {
        let isCancelled = Atomic<Bool>(false)
    }
}
