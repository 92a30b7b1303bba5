/// The ack of `joinRoom` and `leaveRoom`: `{room, members, presence?}`.
package struct RoomReply: Encodable, Equatable, Sendable {
    /// The room's name, as it was sent.
    package let room: String
    /// How many sockets are in it now, on all replicas.
    package let members: Int
    /// Who is in it, if the client asked for that.
    package let presence: RoomPresence?

    /// An ack for `room`.
    package init(room: String, members: Int, presence: RoomPresence? = nil) {
        self.room = room
        self.members = members
        self.presence = presence
    }
}

/// The argument of a `presence` event: `{room, count, members, replicas}`.
package struct PresenceEvent: Encodable, Equatable, Sendable {
    /// The room's name.
    package let room: String
    /// Who is in it now.
    package let presence: RoomPresence

    private enum Key: String, CodingKey {
        case room
    }

    /// The event for `room`.
    package init(room: String, _ presence: RoomPresence) {
        self.room = room
        self.presence = presence
    }

    /// Writes the room beside the members of ``RoomPresence``.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(room, forKey: .room)
        try presence.encode(to: encoder)
    }
}

/// The ack of `whoami`: `{id, name, replica, address, replicas: [{name, port}]}`.
package struct WhoAmIReply: Encodable, Equatable, Sendable {
    /// The socket.
    package let id: String
    /// What it goes by.
    package let name: String
    /// The replica it is connected to.
    package let replica: String
    /// The client's address, as the server sees it.
    package let address: String
    /// Where each replica can be reached directly; empty if nobody has said.
    package let replicas: [ReplicaAddress]
}
