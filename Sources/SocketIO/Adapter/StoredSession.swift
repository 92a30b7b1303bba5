import Bytes
public import Foundation
import SocketIOProtocol

/// A session to be kept across a reconnection (protocol.md §20).
public struct StoredSession: Sendable {
    /// The socket's public id.
    public let id: String
    /// The private id by which the client asks for the session.
    public let privateID: String
    /// The rooms to join again, its own included; each with `Adapter.position` when it was joined.
    ///
    /// What was sent to a room before is not for the client, whatever offset it names.
    public let rooms: [Room: String]
    /// The stays in rooms that it has left; what was sent then is for it.
    public let left: [LeftRoom]
    /// Up to where it may have left more rooms than `left` has; nil if `left` has all.
    ///
    /// What it has missed before that cannot be told.
    public let forgotten: String?
    /// The app's data of the socket, as JSON.
    public let data: Data?

    /// The offsets of the last packets that were sent to it, oldest first; eight at most.
    ///
    /// A client that names one has missed nothing before the next, however long ago that was.
    public let lastOffsets: [String]
    /// Up to where it had been sent what was for it; nil if that is not known.
    ///
    /// A client that names the last of `lastOffsets` has missed nothing before.
    public let position: String?

    /// A session by its parts.
    public init(
        id: String,
        privateID: String,
        rooms: [Room: String],
        left: [LeftRoom] = [],
        forgotten: String? = nil,
        data: Data?,
        lastOffsets: [String] = [],
        position: String? = nil
    ) {
        self.lastOffsets = lastOffsets
        self.position = position
        self.id = id
        self.privateID = privateID
        self.rooms = rooms
        self.left = left
        self.forgotten = forgotten
        self.data = data
    }

    /// `Adapter.position` when it connected first: what counts for a client that knows no offset.
    public var since: String? { rooms[Room(id)] }
}

/// A room in which a socket was for a while.
public struct LeftRoom: Sendable {
    /// The room.
    public let room: Room
    /// `Adapter.position` when it was joined.
    public let since: String
    /// `Adapter.position` when it was left.
    public let until: String

    /// A stay by its parts.
    public init(room: Room, since: String, until: String) {
        self.room = room
        self.since = since
        self.until = until
    }
}

/// A packet that was sent, as it is kept for clients that come back.
public struct StoredPacket: Sendable {
    /// The event.
    public let packet: EventPacket
    /// Whom it was for.
    public let options: BroadcastOptions
    /// Its offset, unique and ordered within the namespace.
    public let offset: String

    /// The packet as it was first sent, its offset included.
    func encoded(as format: PacketFormat, namespace: SharedBytes?) -> EncodedPacket {
        packet.withOffset(offset).encoded(
            as: format,
            namespace: namespace,
            isCompressible: options.isCompressed
        )
    }

    /// A packet by its parts.
    public init(packet: EventPacket, options: BroadcastOptions, offset: String) {
        self.packet = packet
        self.options = options
        self.offset = offset
    }
}

/// A session that was found again, with what it has missed.
public struct RestoredSession: Sendable {
    /// The session as it was stored.
    public let session: StoredSession
    /// What it has missed up to `position`, in order.
    public let missed: [StoredPacket]
    /// Up to where `missed` goes; the rest comes from `Adapter.packets(after:for:)`.
    public let position: String

    /// A session with its missed packets.
    public init(session: StoredSession, missed: [StoredPacket], position: String) {
        self.session = session
        self.missed = missed
        self.position = position
    }
}
