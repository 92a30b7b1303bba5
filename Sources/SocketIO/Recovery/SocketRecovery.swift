/// What the recovery of connections needs of a socket (protocol.md §20).
///
/// Loop-owned, a part of the socket's state.
final class SocketRecovery {
    /// By what the client asks for its session when it comes back; known to nobody else.
    let privateID: String
    /// The rooms, each with `Adapter.position` when it was joined.
    var joined: [Room: String] = [:]
    /// The rooms that it has left, in the order of leaving: the client may have missed what was
    /// sent before, if its connection is dead already.
    private(set) var left: [LeftRoom] = []
    private var leftBytes = 0
    /// Up to where there were more of them.
    private(set) var forgotten: String?
    /// The session that the client has come back to, until it is admitted.
    var restored: RestoredSession?
    /// What was sent to it last; its client names the last one if it has received all.
    var sent = RecentOffsets()
    /// The number of the last delivery in order that it has had, or is not to have.
    var caughtUp: UInt64 = 0

    /// How many rooms that it has left are remembered, and how long their names may be together.
    static let maxLeftRooms = 32
    static let maxLeftBytes = 4 << 10

    /// A new session.
    init(privateID: String) {
        self.privateID = privateID
    }

    /// A session that was found again, by a client that has `offset`.
    init(_ restored: RestoredSession, offset: String?) {
        sent = RecentOffsets(of: restored.session, upTo: offset)
        privateID = restored.session.privateID
        joined = restored.session.rooms
        left = restored.session.left
        leftBytes = left.reduce(0) { $0 + $1.room.name.utf8.count }
        forgotten = restored.session.forgotten
        self.restored = restored
    }

    /// Leaves a room; nothing if it is not known to be in it.
    func leave(_ room: Room, at position: String?) {
        guard let since = joined.removeValue(forKey: room), let position, since != position
        else { return }
        left.append(LeftRoom(room: room, since: since, until: position))
        leftBytes += room.name.utf8.count
        while left.count > Self.maxLeftRooms || leftBytes > Self.maxLeftBytes {
            let first = left.removeFirst()
            leftBytes -= first.room.name.utf8.count
            forgotten = first.until
        }
    }
}
