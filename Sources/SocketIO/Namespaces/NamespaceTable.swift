/// What is known of each namespace of a server, and what may happen to it next.
///
/// A child of a pattern is held by each socket that is in it or on its way into it. Without a hold
/// for a time it is closed, and forgotten when its adapter has closed. Time arrives as an argument.
struct NamespaceTable {
    typealias Instant = ContinuousClock.Instant

    /// What a client that wants to enter has to do.
    enum Step {
        /// Nothing: it is in, and holds the namespace if that is a child.
        case entered(Namespace)
        /// Try again after this.
        case wait(OneShotEvent)
        /// Ask these, in order.
        case ask([ParentNamespace])
        case unknown
    }

    private enum Phase {
        /// The app hears of it, and its adapter is not ready yet.
        case opening(OneShotEvent)
        case open
        /// Its adapter closes; `isWanted` if the app has asked for it meanwhile.
        case closing(OneShotEvent, isWanted: Bool)
    }

    private struct Entry {
        let namespace: Namespace
        /// Nil for a namespace that is nobody's child, and stays.
        let parent: ParentNamespace?
        var phase: Phase
        /// Sockets in it, or on their way into it.
        var holds: Int
        /// Whether it has had a socket, or the app has made it.
        var isUsed: Bool
        var emptySince: Instant
        var hasTimer = false
    }

    private var entries: [NamespaceName: Entry] = [:]
    private(set) var parents: [ParentNamespace] = []
    private(set) var childCount = 0
    /// Whether the server ends: nobody comes or goes any more.
    var isOver = false

    var namespaces: [Namespace] { entries.values.map(\.namespace) }

    subscript(key: NamespaceName) -> Namespace? { entries[key]?.namespace }

    /// Adds a parent after those there are.
    mutating func addParent(_ rule: ParentNamespace.Rule) -> ParentNamespace {
        let parent = ParentNamespace(name: "/_\(parents.count)", rule: rule)
        parents.append(parent)
        return parent
    }

    // MARK: Coming

    /// Enters a namespace if it is there and open.
    mutating func enter(_ key: NamespaceName, maxNameBytes: Int) -> Step {
        guard let entry = entries[key] else {
            guard !isOver, !parents.isEmpty, key.text.utf8.count <= maxNameBytes else {
                return .unknown
            }
            return .ask(parents)
        }
        switch entry.phase {
        case .opening(let event), .closing(let event, _):
            return .wait(event)
        case .open:
            if entry.parent != nil { entries[key]?.holds += 1 }
            return .entered(entry.namespace)
        }
    }

    /// The namespace for the app, which thereby wants it to stay.
    mutating func want(_ key: NamespaceName) -> Namespace? {
        guard let entry = entries[key] else { return nil }
        if case .closing(let event, _) = entry.phase {
            entries[key]?.phase = .closing(event, isWanted: true)
        }
        return entry.namespace
    }

    /// Adds a new namespace, which nobody can enter before `open`.
    ///
    /// - Returns: What happens when it is open.
    mutating func add(
        _ namespace: Namespace,
        at key: NamespaceName,
        to parent: ParentNamespace?,
        isHeld: Bool,
        now: Instant
    ) -> OneShotEvent {
        let event = OneShotEvent()
        // After the end nobody would let go of it.
        guard !isOver else { return event }
        entries[key] = Entry(
            namespace: namespace,
            parent: parent,
            phase: .opening(event),
            holds: isHeld ? 1 : 0,
            isUsed: !isHeld,
            emptySince: now
        )
        if parent != nil { childCount += 1 }
        return event
    }

    mutating func open(_ key: NamespaceName) {
        entries[key]?.phase = .open
    }

    // MARK: Going

    /// Ends one hold of a child; `wasUsed` if a socket was in it.
    ///
    /// - Returns: Whether it was the last.
    mutating func release(
        _ namespace: Namespace,
        at key: NamespaceName,
        wasUsed: Bool,
        now: Instant
    ) -> Bool {
        guard var entry = entries[key], entry.namespace === namespace else { return false }
        entry.holds -= 1
        if wasUsed { entry.isUsed = true }
        if entry.holds == 0 { entry.emptySince = now }
        entries[key] = entry
        return entry.holds == 0
    }

    /// When to look at a child, if a timer has to be started for that; one runs at most.
    mutating func startTimer(
        _ key: NamespaceName,
        timeout: Duration?,
        now: Instant
    ) -> Duration? {
        guard let entry = entries[key], !entry.hasTimer,
            let delay = timeLeft(entry, timeout, now)
        else { return nil }
        entries[key]?.hasTimer = true
        return delay
    }

    /// The child whose adapter is to be closed now; nil if it was entered meanwhile.
    mutating func timerFired(
        _ key: NamespaceName,
        timeout: Duration?,
        now: Instant
    ) -> (namespace: Namespace, event: OneShotEvent)? {
        entries[key]?.hasTimer = false
        guard let entry = entries[key], timeLeft(entry, timeout, now) == .zero else { return nil }
        let event = OneShotEvent()
        entries[key]?.phase = .closing(event, isWanted: false)
        return (entry.namespace, event)
    }

    /// What a child has left to live; nil if it stays.
    private func timeLeft(_ entry: Entry, _ timeout: Duration?, _ now: Instant) -> Duration? {
        guard let timeout, !isOver, entry.parent != nil, entry.holds == 0, case .open = entry.phase,
            !entry.namespace.hasOwnSetup
        else { return nil }
        // One whose only clients were refused makes room at once for others.
        guard entry.isUsed else { return .zero }
        return max(timeout - (now - entry.emptySince), .zero)
    }

    /// Whether the app has asked for a child, or set it up, while its adapter closed.
    func isWantedAgain(_ key: NamespaceName) -> Bool {
        guard let entry = entries[key], case .closing(_, let isWanted) = entry.phase else {
            return false
        }
        return isWanted || entry.namespace.hasOwnSetup
    }

    /// A child stays after all, with a new adapter.
    mutating func reopen(_ key: NamespaceName, now: Instant) {
        entries[key]?.phase = .open
        entries[key]?.emptySince = now
    }

    /// A child is gone.
    ///
    /// - Returns: Its parent.
    mutating func remove(_ key: NamespaceName) -> ParentNamespace? {
        guard let entry = entries.removeValue(forKey: key) else { return nil }
        if entry.parent != nil { childCount -= 1 }
        return entry.parent
    }

    /// What has to happen before each namespace has ended: wait, and close its adapter.
    var endings: [(wait: OneShotEvent?, close: Namespace?)] {
        entries.values.map { entry in
            switch entry.phase {
            // Its loop is still needed for what `opening` waits for.
            case .opening(let event): (event, entry.namespace)
            case .open: (nil, entry.namespace)
            case .closing(let event, _): (event, nil)
            }
        }
    }
}
