/// A choice of sockets in all children of a pattern; see `BroadcastOperator`.
///
/// It reaches the children that this server has when it is used, and in a cluster the sockets of
/// those children on every server. What would need all their answers, acknowledgements and
/// `fetchSockets`, is asked of each child.
public struct ParentBroadcastOperator: Sendable {
    let parent: ParentNamespace
    var options = BroadcastOptions()

    /// Adds a room to the targets.
    public func to(_ room: Room) -> ParentBroadcastOperator { to([room]) }

    /// Adds rooms to the targets: whoever is in one of them.
    public func to(_ rooms: [Room]) -> ParentBroadcastOperator {
        changed { $0.rooms += rooms.filter { !options.rooms.contains($0) } }
    }

    /// The same as `to`.
    public func `in`(_ room: Room) -> ParentBroadcastOperator { to([room]) }

    /// The same as `to`.
    public func `in`(_ rooms: [Room]) -> ParentBroadcastOperator { to(rooms) }

    /// Leaves out the members of a room.
    public func except(_ room: Room) -> ParentBroadcastOperator { except([room]) }

    /// Leaves out whoever is in one of the rooms.
    public func except(_ rooms: [Room]) -> ParentBroadcastOperator {
        changed { $0.except += rooms }
    }

    /// Only the sockets of this server.
    public var local: ParentBroadcastOperator { changed { $0.isLocal = true } }

    /// Sockets that cannot take the event at once miss it.
    public var volatile: ParentBroadcastOperator { changed { $0.isVolatile = true } }

    /// Whether the event may be compressed.
    public func compress(_ isCompressed: Bool) -> ParentBroadcastOperator {
        changed { $0.isCompressed = isCompressed }
    }

    private func changed(
        _ change: (inout BroadcastOptions) -> Void
    ) -> ParentBroadcastOperator {
        var copy = self
        change(&copy.options)
        return copy
    }

    private var choices: [BroadcastOperator] {
        parent.children.map { BroadcastOperator(namespace: $0, options: options) }
    }

    /// Sends an event; its arguments are encoded once for all children.
    ///
    /// - Throws: As `BroadcastOperator.emit`.
    public func emit<each Value: Encodable>(_ event: String, _ values: repeat each Value) throws {
        try emit(event, arguments: Arguments(repeat each values))
    }

    /// Sends an event with arguments that are encoded already.
    ///
    /// - Throws: As `BroadcastOperator.emit`.
    public func emit(_ event: String, arguments: Arguments) throws {
        // Checked even while there is no child.
        _ = try EventPacket(name: event, arguments: arguments)
        for choice in choices { try choice.emit(event, arguments: arguments) }
    }

    /// Makes the sockets join rooms.
    public func socketsJoin(_ rooms: Room...) {
        for choice in choices { choice.socketsJoin(rooms) }
    }

    /// Makes the sockets leave rooms.
    public func socketsLeave(_ rooms: Room...) {
        for choice in choices { choice.socketsLeave(rooms) }
    }

    /// Disconnects the sockets, and with `close` their connections.
    public func disconnectSockets(close: Bool = false) {
        for choice in choices { choice.disconnectSockets(close: close) }
    }
}
