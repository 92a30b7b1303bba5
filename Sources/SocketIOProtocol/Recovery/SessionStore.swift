/// The sessions of clients whose connection was lost, until they come back (protocol.md §20).
///
/// Bounded in time, number and bytes; reads no clock.
package struct SessionStore<Session> {
    private struct Entry {
        let session: Session
        let cost: Int
        let expiry: UInt64
        /// Tells an entry from an earlier one of the same id.
        let number: UInt64
    }

    private let lifetime: UInt64
    private let maxCount: Int
    private let maxBytes: Int
    private(set) package var bytes = 0
    private var sessions: [String: Entry] = [:]
    /// Ids in the order in which they were stored; some are gone already.
    private var order: [(id: String, number: UInt64)] = []
    private var head = 0
    private var lastNumber: UInt64 = 0

    /// An empty store of at most `maxCount` sessions, each kept for `lifetime`.
    package init(lifetime: Duration, maxCount: Int, maxBytes: Int) {
        self.lifetime = lifetime.wholeMilliseconds
        self.maxCount = max(maxCount, 0)
        self.maxBytes = max(maxBytes, 0)
    }

    package var count: Int { sessions.count }
    /// How many ids it remembers, those of sessions that are gone included.
    var orderCount: Int { order.count }

    /// Keeps a session of `cost` bytes under its private id; of too much the oldest goes.
    ///
    /// One that is too much by itself is not kept.
    package mutating func store(
        _ session: Session,
        id: String,
        cost: Int,
        milliseconds now: UInt64
    ) {
        remove(id)
        guard cost <= maxBytes else { return }
        lastNumber += 1
        sessions[id] = Entry(
            session: session,
            cost: cost,
            expiry: now.addingClamped(lifetime),
            number: lastNumber
        )
        bytes += cost
        order.append((id, lastNumber))
        purge(milliseconds: now)
        while sessions.count > maxCount || bytes > maxBytes, removeOldest() {}
        // Sessions that were taken leave their ids here, behind one that stays.
        if order.count > 2 * sessions.count + 32 {
            order = order[head...].filter { sessions[$0.id]?.number == $0.number }
            head = 0
        }
    }

    /// Forgets the oldest session; false if there is none.
    @discardableResult
    package mutating func removeOldest() -> Bool {
        let before = sessions.count
        while sessions.count == before, head < order.count { removeFirst() }
        return sessions.count < before
    }

    /// Takes a session out; nil if there is none, or it is too old.
    ///
    /// Taken once: whoever knows the id and comes second finds nothing. `now` is of a clock that
    /// only goes on.
    package mutating func take(_ id: String, milliseconds now: UInt64) -> Session? {
        purge(milliseconds: now)
        guard let entry = remove(id), entry.expiry > now else { return nil }
        return entry.session
    }

    /// Forgets what is too old.
    package mutating func purge(milliseconds now: UInt64) {
        while head < order.count {
            let (id, number) = order[head]
            if let entry = sessions[id], entry.number == number, entry.expiry > now { break }
            removeFirst()
        }
        if head > 32, head * 2 > order.count {
            order.removeFirst(head)
            head = 0
        }
    }

    private mutating func removeFirst() {
        let (id, number) = order[head]
        if sessions[id]?.number == number { remove(id) }
        head += 1
    }

    @discardableResult
    private mutating func remove(_ id: String) -> Entry? {
        let entry = sessions.removeValue(forKey: id)
        bytes -= entry?.cost ?? 0
        return entry
    }
}
