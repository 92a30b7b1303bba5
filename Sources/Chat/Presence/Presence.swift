/// Who is in which room, on this replica and on all others; does no IO and reads no clock.
///
/// Every replica knows its own members and tells the others of their changes in numbered deltas,
/// of its life by a heartbeat, and everything by a snapshot when somebody asks (``Peers`` has the
/// other side). Messages may be lost, doubled or late. A replica that is silent for too long is
/// dropped with all its members.
///
/// Time is what has passed since any fixed moment. Everything to be done comes from ``tick(now:)``.
package struct Presence: Sendable {
    /// What is to be done.
    package enum Action: Equatable, Sendable {
        /// To send to all other replicas.
        case send(PresenceMessage)
        /// To tell those here who watch the room.
        case publish(room: String, RoomPresence)
        /// To note that a replica is there.
        case appeared(replica: String)
        /// To note that a replica is not there any more.
        case lost(replica: String, members: Int, Loss)
    }

    /// How another replica went.
    package enum Loss: String, Sendable {
        /// It said so.
        case goodbye
        /// It was not heard for too long.
        case silence
    }

    private let instance: String
    private let replica: String
    private let options: PresenceOptions
    private let maxRoomsPerSocket: Int
    /// Whether there may be other replicas at all.
    private var isClustered: Bool

    private var own = Roster()
    /// Own sockets that watch rooms.
    private var watches: [String: Set<RoomKey>] = [:]
    private var pending = PendingChanges()
    private var sequence = 0
    private var peers: Peers
    private var index: RoomIndex

    private var isSnapshotWanted = false
    private var maySnapshotAt = Duration.zero
    private var beatAt = Duration.zero

    /// Nobody, anywhere.
    ///
    /// - Parameters:
    ///   - instance: a name for this process that no other process has or had; 64 bytes at most.
    ///   - replica: what this replica is called.
    ///   - isClustered: whether there may be other replicas.
    ///   - maxRoomsPerSocket: how many rooms one socket of ours may be in.
    ///   - options: times and bounds.
    package init(
        instance: String,
        replica: String,
        isClustered: Bool,
        maxRoomsPerSocket: Int,
        options: PresenceOptions
    ) {
        self.instance = instance
        self.replica = replica
        self.isClustered = isClustered
        self.maxRoomsPerSocket = maxRoomsPerSocket
        self.options = options
        peers = Peers(options: options)
        index = RoomIndex(options: options)
    }

    // MARK: Own members

    /// Makes a socket known; it is in no room yet.
    ///
    /// It is known until ``disconnect(_:)``; a handler that resumes later and joins finds it
    /// unknown and leaves nothing behind.
    package mutating func connect(_ socket: String, name: String) {
        own.add(socket, name: name.cut(options.maxNameBytes))
    }

    /// Puts a socket into a room, unless it is there already or not known.
    ///
    /// - Parameters:
    ///   - room: the room's name.
    ///   - socket: the socket.
    ///   - watching: whether it wants to be told who else comes and goes.
    /// - Returns: how many members the room has now, on all replicas.
    /// - Throws: ``ChatError/tooManyRooms(limit:)``; the socket stays where it was.
    package mutating func join(
        _ room: String,
        socket: String,
        watching: Bool = false
    ) throws(ChatError) -> Int {
        let key = RoomKey(room)
        guard let entry = own.entries[socket] else { return index.count(in: key) }
        if !entry.rooms.contains(key) {
            if entry.rooms.count >= maxRoomsPerSocket {
                throw .tooManyRooms(limit: maxRoomsPerSocket)
            }
            _ = own.join(key, socket)
            index.insert(member(socket, entry.name), into: key)
            if isClustered { pending.join(key, socket: socket, name: entry.name) }
        }
        if watching, watches[socket, default: []].insert(key).inserted { index.watch(key) }
        return index.count(in: key)
    }

    /// Takes a socket out of a room, if it is there.
    ///
    /// - Returns: how many members the room has now, on all replicas.
    package mutating func leave(_ room: String, socket: String) -> Int {
        let key = RoomKey(room)
        guard let name = own.entries[socket]?.name, own.leave(key, socket) else {
            return index.count(in: key)
        }
        if watches[socket]?.remove(key) != nil { index.unwatch(key) }
        if watches[socket]?.isEmpty == true { watches[socket] = nil }
        index.remove(member(socket, name), from: key)
        if isClustered { pending.leave(key, socket: socket, name: name) }
        return index.count(in: key)
    }

    /// Forgets a socket.
    ///
    /// - Returns: the rooms it was in, in no order.
    @discardableResult
    package mutating func disconnect(_ socket: String) -> [String] {
        guard let entry = own.remove(socket) else { return [] }
        for room in watches.removeValue(forKey: socket) ?? [] { index.unwatch(room) }
        for room in entry.rooms { index.remove(member(socket, entry.name), from: room) }
        if isClustered { pending.leaveAll(entry.rooms, socket: socket, name: entry.name) }
        return entry.rooms.map(\.name)
    }

    private func member(_ socket: String, _ name: String) -> Member {
        Member(id: socket, name: name, replica: replica, owner: 0)
    }

    // MARK: Looking

    /// How many sockets are in `room`, on all replicas.
    package func count(in room: String) -> Int { index.count(in: RoomKey(room)) }

    /// Who is in `room`, on all replicas.
    package mutating func presence(in room: String) -> RoomPresence {
        index.presence(in: RoomKey(room))
    }

    /// How many rooms have a member.
    package var roomCount: Int { index.roomCount }

    /// The other replicas, and how much of what they sent was of no use.
    package var status: PresenceStatus {
        PresenceStatus(replicas: peers.replicas, ignored: peers.ignoredCount)
    }

    // MARK: The other replicas

    /// Begins to speak to the others.
    package mutating func start(now: Duration) -> [Action] {
        guard isClustered else { return [] }
        beatAt = now + options.heartbeatPeriod
        return [send(.hello)]
    }

    /// Takes another replica's message.
    package mutating func receive(_ message: PresenceMessage, now: Duration) {
        guard isClustered, message.instance != instance else { return }
        switch message.body {
        case .hello: isSnapshotWanted = true
        case .ask(let asked) where asked == instance: isSnapshotWanted = true
        case .ask, .beat, .delta, .state, .bye: break
        }
        peers.receive(message, &index, now: now)
    }

    /// Takes what came instead of a message.
    package mutating func receiveGarbage() {
        peers.ignore()
    }

    /// What is to be done now; to be called every `tickPeriod`, in one thread at a time.
    package mutating func tick(now: Duration) -> [Action] {
        var actions: [Action] = []
        if isClustered {
            peers.dropSilent(&index, now: now)
            actions += peers.takeNews()
            for changes in pending.take(limitInBytes: options.maxMessageBytes) {
                sequence += 1
                actions.append(send(.delta(changes)))
            }
            if isSnapshotWanted, now >= maySnapshotAt {
                isSnapshotWanted = false
                maySnapshotAt = now + options.snapshotPause
                actions += snapshot()
            }
            actions += peers.takeAsks(now: now).map { send(.ask(of: $0)) }
            if now >= beatAt {
                beatAt = now + options.heartbeatPeriod
                actions.append(send(.beat))
            }
        }
        actions += index.takeChanged(now: now).map { .publish(room: $0.room, $0.presence) }
        return actions
    }

    /// Says goodbye; afterwards nothing is sent and nothing taken.
    package mutating func stop() -> [Action] {
        guard isClustered else { return [] }
        let goodbye = send(.bye)
        isClustered = false
        pending = PendingChanges()
        return [goodbye]
    }

    private func send(_ body: PresenceMessage.Body) -> Action {
        .send(
            PresenceMessage(
                instance: instance,
                replica: replica,
                sequence: sequence,
                body: body
            )
        )
    }

    private func snapshot() -> [Action] {
        var batches = ChangeBatches(limitInBytes: options.maxMessageBytes)
        for (id, entry) in own.entries where !entry.rooms.isEmpty {
            batches.add(id: id, name: entry.name, joins: entry.rooms)
        }
        let parts = batches.list.isEmpty ? [[]] : batches.list
        return parts.enumerated().map { part, changes in
            send(.state(part: part, parts: parts.count, changes))
        }
    }
}

/// What a replica knows of the others, for `/healthz`.
package struct PresenceStatus: Encodable, Equatable, Sendable {
    /// The names of the other replicas.
    package let replicas: [String]
    /// Messages and parts of messages that were of no use.
    package let ignored: Int
}
