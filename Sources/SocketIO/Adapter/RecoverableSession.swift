import SocketIOProtocol

/// A stored session with its positions as the log compares them, read once (protocol.md §20).
struct RecoverableSession: Sendable {
    let stored: StoredSession
    /// When it connected first; nothing before is for it.
    private let start: Offset
    /// When it joined its rooms.
    private let joined: [Room: Offset]
    /// When it was in others.
    private let left: [(room: Room, since: Offset, until: Offset)]
    /// Up to where there may be more of those.
    private let forgotten: Offset
    /// Up to where it had been sent what was for it.
    private let position: Offset

    /// Nil for a session that says nothing of its beginning: what it has missed cannot be told.
    init?(_ stored: StoredSession) {
        guard let start = stored.since.flatMap({ Offset($0) }) else { return nil }
        self.stored = stored
        self.start = start
        joined = stored.rooms.mapValues { Offset($0) ?? start }
        left = stored.left.compactMap { stay in
            guard let since = Offset(stay.since), let until = Offset(stay.until) else { return nil }
            return (stay.room, since, until)
        }
        forgotten = stored.forgotten.flatMap { Offset($0) } ?? .start
        let ends = [stored.position, stored.lastOffsets.last].compactMap(\.self)
        position = ends.compactMap { Offset($0) }.max() ?? start
    }

    /// How many bytes it takes, roughly; see `RecoveryOptions.maxSessionBytes`.
    var cost: Int {
        let rooms = Array(joined.keys) + left.map(\.room)
        return rooms.reduce(400 + (stored.data?.count ?? 0)) { $0 + $1.name.utf8.count + 150 }
    }

    /// From where on a client that names `offset` has missed packets; nil if that cannot be told.
    ///
    /// JavaScript clients take any text for an offset that comes last in an event, a volatile one
    /// too, and keep one of an earlier session. So it must be one that has been given.
    func place(of offset: String?, in log: borrowing PacketLog<StoredEvent>) -> Offset? {
        let sent = stored.lastOffsets
        // It has never been sent one, whatever it names; or it has the last.
        if sent.isEmpty || sent.last == offset { return max(start, position) }
        // Nothing was for it between two that it was sent, so that need not be here any more.
        if let next = index(after: offset, in: sent) {
            return Offset(sent[next]).flatMap { log.place(before: $0) }
        }
        guard let offset else { return start }
        return Offset(offset).flatMap { log.knows($0) ? $0 : nil }
    }

    /// Which of the last offsets comes after `offset`; the first if there was none before it.
    private func index(after offset: String?, in sent: [String]) -> Int? {
        guard let offset else { return sent.count < RecentOffsets.capacity ? 0 : nil }
        return sent.lastIndex(of: offset).map { $0 + 1 }
    }

    /// What it has missed since `place`; nil if it is too much, or not kept any more.
    func missed(
        after place: Offset,
        in log: borrowing PacketLog<StoredEvent>,
        _ limits: RecoveryOptions
    ) -> [StoredPacket]? {
        guard place >= forgotten else { return nil }
        var stays = joined.map { RoomStay(in: $0.key.name, since: $0.value) }
        stays += left.map { RoomStay(in: $0.room.name, since: $0.since, until: $0.until) }
        return log.packets(
            after: place,
            rooms: stays,
            start: start,
            maxCount: limits.maxMissedPackets,
            maxBytes: limits.maxMissedBytes,
            isExcluded: { event, offset in
                event.options.except.contains { wasIn($0, at: offset) }
            }
        )?.map { offset, event in
            StoredPacket(packet: event.packet, options: event.options, offset: "\(offset)")
        }
    }

    /// Whether it was in a room when what has `offset` was sent.
    private func wasIn(_ room: Room, at offset: Offset) -> Bool {
        if let since = joined[room], since < offset { return true }
        return left.contains { $0.room == room && $0.since < offset && offset <= $0.until }
    }
}

/// An event as the log keeps it, with whom it was for.
struct StoredEvent: Sendable {
    let packet: EventPacket
    let options: BroadcastOptions
}
