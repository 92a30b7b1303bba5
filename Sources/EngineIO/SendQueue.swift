import Bytes

/// What to do when more waits for a client than may.
package enum SendQueuePolicy: Sendable {
    /// Give the client up.
    case disconnect
    /// Volatile events wait as others do; the oldest of them go first, then the client.
    case dropVolatile
    /// The oldest events go first, then the client.
    case dropOldest

    fileprivate func mayDrop(_ role: OutgoingPacket.Role) -> Bool {
        switch (self, role) {
        case (.dropVolatile, .volatileEvent), (.dropOldest, .event), (.dropOldest, .volatileEvent):
            true
        case (.disconnect, _), (.dropVolatile, _), (.dropOldest, _):
            false
        }
    }
}

/// The packets that wait for their client, in order: for a poll, or for a WebSocket whose
/// connection takes no more.
///
/// A packet and its attachments are a unit, which leaves whole and is dropped whole. Nothing is
/// compressed here: a compressed message is a part of its peer's window and could not be left out.
struct SendQueue: ~Copyable {
    private let policy: SendQueuePolicy
    /// Nil where a packet has been dropped.
    private var entries: [OutgoingPacket?] = []
    private var first = 0
    /// Where to look for what may be dropped: there is none before it.
    private var searchStart = 0
    /// Where the newest unit begins.
    ///
    /// It is never dropped, as the rest of it may be still to come.
    private var lastUnit = 0
    private var isTakingDroppable = false
    /// How many of `entries` are neither taken nor dropped.
    private var liveEntries = 0
    /// How many units wait; an attachment whose packet has left before counts as one.
    private(set) var unitCount = 0
    private(set) var byteCount = 0
    private(set) var droppableUnits = 0
    private(set) var droppableBytes = 0

    init(policy: SendQueuePolicy) {
        self.policy = policy
    }

    var isEmpty: Bool { unitCount == 0 }

    mutating func append(_ packet: OutgoingPacket) {
        let count = packet.frame.count
        let isUnit = packet.role != .attachment || isEmpty
        if isUnit {
            lastUnit = entries.count
            unitCount += 1
        }
        entries.append(packet)
        liveEntries += 1
        byteCount += count
        if let unit = entries[lastUnit], policy.mayDrop(unit.role) {
            droppableBytes += count
            if isUnit { droppableUnits += 1 }
        }
    }

    /// Takes the first packet; to be followed by its attachments, with `takeAttachment`.
    mutating func takePacket() -> OutgoingPacket? {
        guard !isEmpty else { return nil }
        while first < entries.count, entries[first] == nil { first += 1 }
        guard let packet = entries[first] else { return nil }
        unitCount -= 1
        isTakingDroppable = policy.mayDrop(packet.role)
        if isTakingDroppable { droppableUnits -= 1 }
        takeFirst(packet)
        return packet
    }

    /// Takes the next attachment of the packet taken last; nil if it has no more.
    mutating func takeAttachment() -> OutgoingPacket? {
        guard first < entries.count, let packet = entries[first], packet.role == .attachment else {
            return nil
        }
        takeFirst(packet)
        return packet
    }

    private mutating func takeFirst(_ packet: OutgoingPacket) {
        let count = packet.frame.count
        byteCount -= count
        if isTakingDroppable { droppableBytes -= count }
        entries[first] = nil
        liveEntries -= 1
        first += 1
        if first == entries.count {
            removeAll()
        } else if first >= 256, first >= entries.count / 2 {
            compact()
        }
    }

    /// Everything that waits, which is then empty.
    mutating func takeAll() -> [OutgoingPacket] {
        defer { removeAll() }
        return entries.compactMap(\.self)
    }

    mutating func removeAll() {
        self = SendQueue(policy: policy)
    }

    /// Drops the oldest units that may be until no more is left than the limits, if possible.
    ///
    /// - Returns: How many units were dropped.
    mutating func makeRoom(maxBytes: Int, maxUnits: Int) -> Int {
        var dropped = 0
        searchStart = max(searchStart, first)
        while byteCount > maxBytes || unitCount > maxUnits, searchStart < lastUnit {
            if let packet = entries[searchStart], policy.mayDrop(packet.role) {
                drop()
                dropped += 1
            } else {
                searchStart += 1
            }
        }
        if entries.count >= 256, liveEntries < entries.count / 2 { compactDropped() }
        return dropped
    }

    /// Drops the unit that begins at `searchStart`.
    private mutating func drop() {
        unitCount -= 1
        droppableUnits -= 1
        repeat {
            let count = entries[searchStart]?.frame.count ?? 0
            byteCount -= count
            droppableBytes -= count
            entries[searchStart] = nil
            liveEntries -= 1
            searchStart += 1
        } while entries[searchStart]?.role == .attachment
    }

    /// Forgets what has been taken.
    private mutating func compact() {
        entries.removeFirst(first)
        searchStart = max(searchStart - first, 0)
        lastUnit = max(lastUnit - first, 0)
        first = 0
    }

    /// Forgets the places of what has been dropped, which may be anywhere.
    private mutating func compactDropped() {
        let tail = entries.count - lastUnit
        entries.removeAll { $0 == nil }
        first = 0
        searchStart = 0
        lastUnit = entries.count - tail
    }
}
