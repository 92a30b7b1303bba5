import Bytes
import Loop

/// Where a cluster's subscriptions are, and how they follow their slots.
extension ClusterCore {
    func subscribe(
        _ key: SubscriptionKey,
        _ handler: @escaping SubscriptionTable.Handler,
        confirmed: (@Sendable () -> Void)?
    ) {
        var waiter = confirmed
        if !isClosed {
            let before = subscriptions.entries[key]?.place.endpoint
            subscriptions.add(key, handler, waiter: &waiter)
            if let before {
                // There already: only the handler changes.
                ask(key, at: before, isNew: false)
            } else {
                place(key)
            }
        }
        waiter?()
    }

    func unsubscribe(_ key: SubscriptionKey) {
        guard let entry = subscriptions.remove(key) else { return }
        if let node = entry.place.endpoint {
            nodes[node]?.subscriber?.unsubscribe(key.kind, key.name)
        }
        evaluate()
    }

    func placeSubscriptions() {
        for key in subscriptions.entries.keys { place(key) }
    }

    /// Brings a subscription to where it belongs, if it is not there.
    ///
    /// A sharded channel belongs to its slot's master; anything else to any node, and stays there.
    func place(_ key: SubscriptionKey) {
        guard let entry = subscriptions.entries[key], entry.chase <= Self.longestChase,
            let owner = map?.master(of: KeySlot(of: key.name))
        else { return }
        if let current = entry.place.endpoint {
            let mayStay = key.kind == .shard ? current == owner : nodes[current] != nil
            if mayStay { return }
            nodes[current]?.subscriber?.unsubscribe(key.kind, key.name)
        }
        ask(key, at: owner, isNew: true)
    }

    private func ask(_ key: SubscriptionKey, at endpoint: Endpoint, isNew: Bool) {
        guard let subscriber = subscriber(at: endpoint), let entry = subscriptions.entries[key]
        else { return }
        let number = isNew ? subscriptions.asked(key, of: endpoint) : entry.number
        let (bound, board, handler) = (LoopBound(self, loop: loop), board, entry.handler)
        subscriber.subscribe(key.kind, key.name) { channel, payload in
            board.countReceived()
            handler(channel, payload)
        } confirmed: {
            bound.value.confirmed(key, number)
        }
    }

    private func confirmed(_ key: SubscriptionKey, _ number: UInt64) {
        // A node that was let go of gives up what was asked of it.
        guard let node = subscriptions.entries[key]?.place.endpoint, nodes[node] != nil else {
            return
        }
        let waiters = subscriptions.confirmed(key, number)
        evaluate()
        for waiter in waiters { waiter() }
    }

    /// `node` has ended a subscription, as its slot moved.
    func subscriptionMoved(_ key: SubscriptionKey, _ node: Endpoint, _ line: String?) {
        guard !isClosed, subscriptions.lost(key, by: node) else { return }
        if let line, case .moved(let slot, let endpoint) = Redirect(line, from: node) {
            slotMoved(slot, to: endpoint)
        }
        // Without a line the node that had it will say where it is.
        place(key)
        refreshLater()
    }
}
