/// What is known of the other replicas, and whom to ask for what is missing.
///
/// Each process of a replica is a *peer*, known by its instance. Its deltas are numbered; one that
/// is missing, or a peer not heard of before, is mended by the peer's snapshot. Time is an
/// argument.
struct Peers {
    private struct Peer {
        let replica: String
        let owner: Int
        var roster = Roster()
        /// The number of the delta up to which `roster` is complete; nil before the first snapshot.
        var sequence: Int?
        /// The largest number heard of.
        var heardSequence = 0
        var heardAt: Duration
        /// When another process of this name has started; cleared by any sign of life.
        var suspectedAt: Duration?
        var askedAt: Duration?
        var assembly: Assembly?

        var isBehind: Bool { sequence.map { $0 < heardSequence } ?? true }
    }

    /// A snapshot of which not all parts have come.
    private struct Assembly {
        let sequence: Int
        let parts: Int
        var next = 0
        var roster = Roster()
    }

    private let options: PresenceOptions
    private var known: [String: Peer] = [:]
    /// The last instances that said goodbye: what they said before may come after.
    private var departed: [String] = []
    private static let departedLimit = 64
    private var lastOwner = 0
    /// Messages and changes that were not used: garbage, or beyond a limit.
    private(set) var ignoredCount = 0
    private var news: [Presence.Action] = []

    init(options: PresenceOptions) {
        self.options = options
    }

    /// The names of the replicas, each once.
    var replicas: [String] { Set(known.values.map(\.replica)).sorted() }

    /// Something came that nobody can read.
    mutating func ignore() {
        ignoredCount += 1
    }

    /// Takes another replica's message.
    mutating func receive(_ message: PresenceMessage, _ index: inout RoomIndex, now: Duration) {
        let instance = message.instance
        if departed.contains(instance) { return ignore() }
        if case .bye = message.body {
            drop(instance, .goodbye, &index)
            departed.append(instance)
            if departed.count > Self.departedLimit { departed.removeFirst() }
            return
        }
        if case .hello = message.body { suspect(message, now: now) }
        // Taken out meanwhile, so that its tables have one owner and are changed in their place.
        guard var peer = known.removeValue(forKey: instance) ?? meet(message, now: now) else {
            return ignore()
        }
        peer.heardAt = now
        peer.suspectedAt = nil
        peer.heardSequence = max(peer.heardSequence, message.sequence)
        switch message.body {
        case .hello:
            if peer.sequence == nil, message.sequence == 0 { peer.sequence = 0 }
        case .delta(let changes):
            take(changes, message.sequence, &peer, &index)
        case .state(let part, let parts, let changes):
            take(changes, message.sequence, part: part, of: parts, &peer, &index)
        case .beat, .ask, .bye:
            break
        }
        if !peer.isBehind {
            peer.askedAt = nil
            peer.assembly = nil
        }
        known[instance] = peer
    }

    private mutating func meet(_ message: PresenceMessage, now: Duration) -> Peer? {
        guard known.count < options.maxReplicas else { return nil }
        lastOwner += 1
        news.append(.appeared(replica: message.replica))
        return Peer(replica: message.replica, owner: lastOwner, heardAt: now)
    }

    /// A process has started: others of its name have ended, unless they show that they live.
    private mutating func suspect(_ hello: PresenceMessage, now: Duration) {
        guard known[hello.instance] == nil else { return }
        for (instance, peer) in known where peer.replica == hello.replica {
            known[instance]?.suspectedAt = now
        }
    }

    // MARK: Deltas and snapshots

    private mutating func take(
        _ changes: [PresenceChange],
        _ sequence: Int,
        _ peer: inout Peer,
        _ index: inout RoomIndex
    ) {
        // Otherwise it is a duplicate, or one before it is missing and a snapshot will tell all.
        guard let last = peer.sequence, sequence == last + 1 else { return }
        peer.sequence = sequence
        for change in changes {
            let effect = peer.roster.apply(change, options)
            if effect.isIncomplete { ignore() }
            let member = member(change.id, effect.name, of: peer)
            for room in effect.joined { index.insert(member, into: room) }
            for room in effect.left { index.remove(member, from: room) }
        }
    }

    private mutating func take(
        _ changes: [PresenceChange],
        _ sequence: Int,
        part: Int,
        of parts: Int,
        _ peer: inout Peer,
        _ index: inout RoomIndex
    ) {
        // Snapshots reach all replicas, also those that have nothing to ask.
        if let last = peer.sequence, sequence <= last { return }
        if part == 0 { peer.assembly = Assembly(sequence: sequence, parts: parts) }
        guard var assembly = peer.assembly, assembly.next == part, assembly.parts == parts,
            assembly.sequence == sequence
        else {
            // A part is missing; it will be asked for again.
            peer.assembly = nil
            return
        }
        peer.assembly = nil
        assembly.next += 1
        for change in changes where assembly.roster.apply(change, options).isIncomplete {
            ignore()
        }
        if assembly.next < parts {
            peer.assembly = assembly
            return
        }
        replace(peer.roster, by: assembly.roster, of: peer, &index)
        peer.roster = assembly.roster
        peer.sequence = sequence
    }

    /// Changes the index only where the rosters differ: a snapshot mends a few changes, as a rule.
    private func replace(
        _ old: Roster,
        by new: Roster,
        of peer: Peer,
        _ index: inout RoomIndex
    ) {
        for (id, entry) in old.entries {
            let rooms = new.entries[id]?.rooms ?? []
            guard rooms != entry.rooms else { continue }
            let member = member(id, entry.name, of: peer)
            for room in entry.rooms.subtracting(rooms) { index.remove(member, from: room) }
        }
        for (id, entry) in new.entries {
            let rooms = old.entries[id]?.rooms ?? []
            guard rooms != entry.rooms else { continue }
            let member = member(id, entry.name, of: peer)
            for room in entry.rooms.subtracting(rooms) { index.insert(member, into: room) }
        }
    }

    private func member(_ id: String, _ name: String, of peer: Peer) -> Member {
        Member(id: id, name: name, replica: peer.replica, owner: peer.owner)
    }

    // MARK: As time goes by

    private mutating func drop(
        _ instance: String,
        _ reason: Presence.Loss,
        _ index: inout RoomIndex
    ) {
        guard let peer = known.removeValue(forKey: instance) else { return }
        replace(peer.roster, by: Roster(), of: peer, &index)
        let members = peer.roster.entries.count
        news.append(.lost(replica: peer.replica, members: members, reason))
    }

    /// Drops those that have been silent for too long.
    mutating func dropSilent(_ index: inout RoomIndex, now: Duration) {
        for (instance, peer) in known {
            let isSilent = now - peer.heardAt >= options.silenceLimit
            let isReplaced = peer.suspectedAt.map { now - $0 >= options.suspicionLimit } ?? false
            if isSilent || isReplaced { drop(instance, .silence, &index) }
        }
    }

    /// The instances to ask for a snapshot now; each is asked again only after a while.
    mutating func takeAsks(now: Duration) -> [String] {
        let instances = known.filter { _, peer in
            peer.isBehind && peer.askedAt.map { now - $0 >= options.askAgainPeriod } ?? true
        }
        for instance in instances.keys { known[instance]?.askedAt = now }
        return instances.keys.sorted()
    }

    /// What the log should say.
    mutating func takeNews() -> [Presence.Action] {
        defer { news = [] }
        return news
    }
}
