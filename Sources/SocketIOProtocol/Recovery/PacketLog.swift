/// What a namespace has sent lately, for clients that come back (protocol.md §20).
///
/// Bounded in time, number and bytes; reads no clock.
package struct PacketLog<Packet> {
    private struct Entry {
        let offset: Offset
        let packet: Packet
        let cost: Int
        /// When it is too old, in milliseconds.
        let expiry: UInt64
    }

    /// How long packets are kept, in milliseconds.
    private let lifetime: UInt64
    private let maxCount: Int
    private let maxBytes: Int
    /// Oldest first; those before `head` are gone.
    private var entries: [Entry?] = []
    private var head = 0
    private(set) package var bytes = 0
    /// The newest position given.
    private(set) package var newest: Offset
    /// Everything after it is still here.
    private var complete: Offset

    /// An empty log that begins at a time, given in milliseconds since 1970.
    package init(lifetime: Duration, maxCount: Int, maxBytes: Int, milliseconds now: UInt64) {
        self.lifetime =
            UInt64(max(lifetime.components.seconds, 0)) * 1000
            + UInt64(max(lifetime.components.attoseconds, 0)) / 1_000_000_000_000_000
        self.maxCount = max(maxCount, 0)
        self.maxBytes = max(maxBytes, 0)
        newest = Offset.start.next(milliseconds: now)
        complete = newest
    }

    package var count: Int { entries.count - head }

    /// Keeps a packet of `cost` bytes and gives it its position.
    package mutating func append(
        _ packet: Packet,
        cost: Int,
        milliseconds now: UInt64
    ) -> Offset {
        newest = newest.next(milliseconds: now)
        entries.append(
            Entry(offset: newest, packet: packet, cost: cost, expiry: now &+ lifetime)
        )
        bytes += cost
        while count > maxCount || bytes > maxBytes { removeFirst() }
        purge(milliseconds: now)
        return newest
    }

    /// Forgets what is too old.
    package mutating func purge(milliseconds now: UInt64) {
        while head < entries.count, let first = entries[head], first.expiry <= now { removeFirst() }
        // Half of the array is holes: close them, which costs each entry one move.
        if head > 32, head * 2 > entries.count {
            entries.removeFirst(head)
            head = 0
        }
    }

    /// What was sent after `offset`, in order; nil if some of that is not here any more, or the
    /// position is none of this log.
    package func packets(after offset: Offset) -> [(offset: Offset, packet: Packet)]? {
        guard offset >= complete, offset <= newest else { return nil }
        var low = head
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            guard let entry = entries[middle] else { return nil }
            if entry.offset <= offset { low = middle + 1 } else { high = middle }
        }
        return entries[low...].compactMap { entry in entry.map { ($0.offset, $0.packet) } }
    }

    private mutating func removeFirst() {
        guard let first = entries[head] else { return }
        complete = first.offset
        bytes -= first.cost
        entries[head] = nil
        head += 1
    }
}
