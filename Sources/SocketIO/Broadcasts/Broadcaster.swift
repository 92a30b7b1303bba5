/// What broadcasts: a namespace, or a server for its namespace `/`.
public protocol Broadcaster {
    /// Everybody.
    var everyone: BroadcastOperator { get }
}

extension Namespace: Broadcaster {
    /// Everybody in the namespace.
    public var everyone: BroadcastOperator { BroadcastOperator(namespace: current) }
}

extension Server: Broadcaster {
    /// Everybody in the namespace `/`.
    public var everyone: BroadcastOperator { main.everyone }
}

extension Broadcaster {
    /// The members of a room.
    public func to(_ room: Room) -> BroadcastOperator { everyone.to(room) }

    /// The members of rooms.
    public func to(_ rooms: [Room]) -> BroadcastOperator { everyone.to(rooms) }

    /// The same as `to`.
    public func `in`(_ room: Room) -> BroadcastOperator { everyone.to(room) }

    /// The same as `to`.
    public func `in`(_ rooms: [Room]) -> BroadcastOperator { everyone.to(rooms) }

    /// Everybody but the members of a room.
    public func except(_ room: Room) -> BroadcastOperator { everyone.except(room) }

    /// Everybody but the members of rooms.
    public func except(_ rooms: [Room]) -> BroadcastOperator { everyone.except(rooms) }

    /// The sockets of this server.
    public var local: BroadcastOperator { everyone.local }

    /// Sockets that can take the event at once.
    public var volatile: BroadcastOperator { everyone.volatile }

    /// Whether the event may be compressed.
    public func compress(_ isCompressed: Bool) -> BroadcastOperator {
        everyone.compress(isCompressed)
    }

    /// Everybody, with a time for acknowledgements.
    public func timeout(_ duration: Duration) -> BroadcastOperator { everyone.timeout(duration) }

    /// Sends an event to everybody.
    ///
    /// - Throws: As `BroadcastOperator.emit`.
    public func emit<each Value: Encodable>(_ event: String, _ values: repeat each Value) throws {
        try everyone.emit(event, repeat each values)
    }

    /// Sends an event with arguments that are encoded already to everybody.
    ///
    /// - Throws: As `BroadcastOperator.emit`.
    public func emit(_ event: String, arguments: Arguments) throws {
        try everyone.emit(event, arguments: arguments)
    }

    /// Sends the event `message` to everybody.
    ///
    /// - Throws: What encoding an argument throws.
    public func send<each Value: Encodable>(_ values: repeat each Value) throws {
        try everyone.emit("message", repeat each values)
    }

    /// The same as `send`.
    ///
    /// - Throws: What encoding an argument throws.
    public func write<each Value: Encodable>(_ values: repeat each Value) throws {
        try everyone.emit("message", repeat each values)
    }

    /// Sends an event to everybody and returns each client's first acknowledgement argument.
    ///
    /// - Throws: As `BroadcastOperator.emitWithAck`.
    public func emitWithAck<each Value: Encodable, Response: Decodable & Sendable>(
        _ event: String,
        _ values: repeat each Value,
        as type: Response.Type
    ) async throws -> [Response] {
        try await everyone.emitWithAck(event, repeat each values, as: type)
    }

    /// Makes everybody join rooms.
    public func socketsJoin(_ rooms: Room...) { everyone.socketsJoin(rooms) }

    /// Makes everybody leave rooms.
    public func socketsLeave(_ rooms: Room...) { everyone.socketsLeave(rooms) }

    /// Disconnects everybody.
    public func disconnectSockets(close: Bool = false) { everyone.disconnectSockets(close: close) }

    /// Everybody, as they are now.
    ///
    /// - Throws: As `BroadcastOperator.fetchSockets`.
    public func fetchSockets() async throws -> [RemoteSocket] { try await everyone.fetchSockets() }
}
