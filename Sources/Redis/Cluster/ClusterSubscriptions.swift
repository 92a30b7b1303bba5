import Loop

/// What is subscribed in a cluster and on which node, so that it can be moved.
struct ClusterSubscriptions: ~Copyable {
    typealias Handler = SubscriptionTable.Handler

    /// Where a subscription is.
    enum Place: Equatable {
        /// Nowhere: its slot's node is unknown, or it was sent on too often.
        case nowhere
        case asked(Endpoint)
        case confirmed(Endpoint)

        var endpoint: Endpoint? {
            switch self {
            case .nowhere: nil
            case .asked(let endpoint), .confirmed(let endpoint): endpoint
            }
        }
    }

    struct Entry {
        var handler: Handler
        var waiters: [@Sendable () -> Void] = []
        var place = Place.nowhere
        /// Counts the nodes it was asked of, so that an old answer is recognised.
        var number: UInt64 = 0
        /// How often it was sent on without being confirmed.
        var chase = 0

        var isConfirmed: Bool {
            if case .confirmed = place { true } else { false }
        }
    }

    private(set) var entries: [SubscriptionKey: Entry] = [:]
    private var bySlot: [KeySlot: Set<SubscriptionKey>] = [:]
    private var lastNumber: UInt64 = 0
    /// How many entries are not confirmed.
    private var openCount = 0

    /// Whether every subscription is confirmed by some node.
    var isSettled: Bool { openCount == 0 }

    /// Adds a subscription, or gives one another handler; a waiter that need not wait is left.
    mutating func add(
        _ key: SubscriptionKey,
        _ handler: @escaping Handler,
        waiter: inout (@Sendable () -> Void)?
    ) {
        if entries[key] == nil {
            openCount += 1
            bySlot[KeySlot(of: key.name), default: []].insert(key)
        }
        var entry = entries[key] ?? Entry(handler: handler)
        entry.handler = handler
        if !entry.isConfirmed, let added = waiter.take() { entry.waiters.append(added) }
        entries[key] = entry
    }

    /// What belongs to `slot` by its name.
    func keys(in slot: KeySlot) -> [SubscriptionKey] {
        Array(bySlot[slot] ?? [])
    }

    /// Removes a subscription.
    mutating func remove(_ key: SubscriptionKey) -> Entry? {
        let entry = entries.removeValue(forKey: key)
        guard let entry else { return nil }
        if !entry.isConfirmed { openCount -= 1 }
        let slot = KeySlot(of: key.name)
        bySlot[slot]?.remove(key)
        if bySlot[slot]?.isEmpty == true { bySlot[slot] = nil }
        return entry
    }

    /// Removes everything; whoever waited.
    mutating func removeAll() -> [@Sendable () -> Void] {
        defer {
            entries = [:]
            bySlot = [:]
            openCount = 0
        }
        return entries.values.flatMap(\.waiters)
    }

    /// It is being asked of `node`; the number of this.
    mutating func asked(_ key: SubscriptionKey, of node: Endpoint) -> UInt64 {
        let number = lastNumber + 1
        lastNumber = number
        change(key) { entry in
            entry.place = .asked(node)
            entry.number = number
        }
        return number
    }

    /// The node that was asked has confirmed it; whoever waited for that.
    mutating func confirmed(_ key: SubscriptionKey, _ number: UInt64) -> [@Sendable () -> Void] {
        var waiters: [@Sendable () -> Void] = []
        change(key) { entry in
            guard entry.number == number, let node = entry.place.endpoint else { return }
            swap(&waiters, &entry.waiters)
            entry.place = .confirmed(node)
            entry.chase = 0
        }
        return waiters
    }

    /// `node` has it no more; false if it was not there.
    mutating func lost(_ key: SubscriptionKey, by node: Endpoint) -> Bool {
        var wasThere = false
        let number = lastNumber + 1
        lastNumber = number
        change(key) { entry in
            guard entry.place.endpoint == node else { return }
            wasThere = true
            entry.place = .nowhere
            entry.number = number
            entry.chase += 1
        }
        return wasThere
    }

    private mutating func change(_ key: SubscriptionKey, _ body: (inout Entry) -> Void) {
        guard var entry = entries[key] else { return }
        let wasConfirmed = entry.isConfirmed
        body(&entry)
        entries[key] = entry
        if wasConfirmed != entry.isConfirmed { openCount += wasConfirmed ? 1 : -1 }
    }

    /// The cluster has been looked at anew: nodes may be asked again.
    mutating func forgiveChases() {
        for key in entries.keys { entries[key]?.chase = 0 }
    }
}
