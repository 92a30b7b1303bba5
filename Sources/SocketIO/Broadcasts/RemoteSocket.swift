import Foundation

/// A socket of this or another server, as it was when it was fetched.
public struct RemoteSocket: Sendable {
    let snapshot: SocketSnapshot
    let namespace: Namespace

    /// The socket's public id.
    public var id: String { snapshot.id }
    /// How it connected.
    public var handshake: Handshake { snapshot.handshake }
    /// The rooms it was in.
    public var rooms: Set<Room> { snapshot.rooms }

    /// What the socket's server has kept with it; nil if nothing.
    ///
    /// - Throws: `DecodingError` when it is no `Value`.
    public func data<Value: Decodable>(as type: Value.Type) throws -> Value? {
        try snapshot.data.map { try JSONDecoder().decode(type, from: $0) }
    }

    /// The operator that reaches this socket alone.
    public var target: BroadcastOperator {
        BroadcastOperator(namespace: namespace).to(Room(id))
    }

    /// Sends it an event.
    ///
    /// - Throws: As `BroadcastOperator.emit`.
    public func emit<each Value: Encodable>(_ event: String, _ values: repeat each Value) throws {
        try target.emit(event, repeat each values)
    }

    /// Sends it an event and returns the first argument of its acknowledgement.
    ///
    /// Waits five seconds, or as long as `timeout` says.
    /// - Throws: `AckFailure.timedOut`; `AckFailure.disconnected` when it is there no more; as
    ///   `BroadcastOperator.emitWithAck`.
    public func emitWithAck<each Value: Encodable, Response: Decodable & Sendable>(
        _ event: String,
        _ values: repeat each Value,
        timeout: Duration = .seconds(5),
        as type: Response.Type
    ) async throws -> Response {
        do {
            let answers = try await target.timeout(timeout)
                .emitWithAck(event, repeat each values, as: type)
            guard let answer = answers.first else { throw AckFailure.disconnected }
            return answer
        } catch is BroadcastTimeout<Response> {
            throw AckFailure.timedOut
        }
    }

    /// Makes it join a room.
    public func join(_ room: Room) { target.socketsJoin(room) }

    /// Makes it leave a room.
    public func leave(_ room: Room) { target.socketsLeave(room) }

    /// Disconnects it.
    public func disconnect(close: Bool = false) { target.disconnectSockets(close: close) }
}
