/// A socket in a room, as others see it.
package struct Member: Encodable, Sendable {
    /// The socket.
    package let id: String
    /// What it calls itself.
    package let name: String
    /// The replica it is connected to.
    package let replica: String
    /// Which process told of it; two processes may bear one replica's name for a while.
    let owner: Int

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case replica
    }
}

extension Member: Hashable, Comparable {
    /// Whether both are the same socket.
    package static func == (left: Member, right: Member) -> Bool {
        left.owner == right.owner && left.id == right.id
    }

    /// Hashes the socket.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(owner)
        hasher.combine(id)
    }

    /// By name; the same order on all replicas.
    package static func < (left: Member, right: Member) -> Bool {
        if left.name != right.name { return left.name < right.name }
        return left.id != right.id ? left.id < right.id : left.owner < right.owner
    }
}

/// Who is in a room: `{count, members: [{id, name, replica}], replicas: {name: count}}`.
package struct RoomPresence: Encodable, Equatable, Sendable {
    /// How many sockets are in it, on all replicas.
    package let count: Int
    /// The first of them by name.
    package let members: [Member]
    /// How many there are on each replica that has any.
    package let replicas: [String: Int]

    /// About how many bytes it has as JSON.
    var bytes: Int {
        members.reduce(60 + 30 * replicas.count) {
            $0 + $1.id.utf8.count + $1.name.utf8.count + $1.replica.utf8.count + 36
        }
    }
}

/// Who is in which room, on all replicas, and what watchers of a room have not been told yet.
///
/// A watcher is a member, so a room with watchers never vanishes. The first members of a room by name are kept at hand, so that a thousand joins do not sort a
/// thousand times.
struct RoomIndex {
    private let options: PresenceOptions
    private var places: [RoomKey: Place] = [:]
    /// Watched rooms that have changed since their watchers were told.
    private var changed: Set<RoomKey> = []
    private var listLimit: Int { options.maxListedMembers }

    init(options: PresenceOptions) {
        self.options = options
    }

    /// How many rooms have a member.
    var roomCount: Int { places.count }

    func count(in room: RoomKey) -> Int {
        places[room]?.members.count ?? 0
    }

    mutating func insert(_ member: Member, into room: RoomKey) {
        let listLimit = listLimit
        let isWatched = update(room) { place in
            place.insert(member, listLimit: listLimit)
            return place.watchers > 0
        }
        if isWatched { changed.insert(room) }
    }

    mutating func remove(_ member: Member, from room: RoomKey) {
        guard places[room] != nil else { return }
        let (isWatched, isEmpty) = update(room) { place in
            place.remove(member)
            return (place.watchers > 0, place.members.isEmpty)
        }
        if isWatched { changed.insert(room) }
        if isEmpty { places[room] = nil }
    }

    /// Who is in `room` now.
    mutating func presence(in room: RoomKey) -> RoomPresence {
        guard places[room] != nil else { return RoomPresence(count: 0, members: [], replicas: [:]) }
        let listLimit = listLimit
        return update(room) { $0.presence(listLimit: listLimit) }
    }

    // MARK: Watching

    /// A member of `room` wants to be told of its changes.
    mutating func watch(_ room: RoomKey) {
        update(room) { $0.watchers += 1 }
    }

    /// A member of `room` does not want to be told any more; to be called before it leaves.
    mutating func unwatch(_ room: RoomKey) {
        let isWatched = update(room) { place in
            place.watchers -= 1
            return place.watchers > 0
        }
        if !isWatched { changed.remove(room) }
    }

    /// The watched rooms that have changed, as far as it is time to tell.
    mutating func takeChanged(now: Duration) -> [(room: String, presence: RoomPresence)] {
        var due: [(room: String, presence: RoomPresence)] = []
        for room in changed.sorted() {
            let options = options
            let presence: RoomPresence? = update(room) { place in
                guard place.mayPublishAt <= now else { return nil }
                let presence = place.presence(listLimit: options.maxListedMembers)
                let bytes = presence.bytes * place.watchers
                let pause = Duration.seconds(1) * bytes / options.publishBytesPerSecond
                place.mayPublishAt = now + max(options.publishPause, pause)
                return presence
            }
            guard let presence else { continue }
            changed.remove(room)
            due.append((room.name, presence))
        }
        return due
    }

    /// Changes a room in its place, so that its set is not copied.
    private mutating func update<Result>(
        _ room: RoomKey,
        _ body: (inout Place) -> Result
    ) -> Result {
        body(&places[room, default: Place()])
    }
}

/// One room of a ``RoomIndex``.
private struct Place {
    private(set) var members: Set<Member> = []
    private var counts: [String: Int] = [:]
    /// The first members in order; unknown after one of them has left a room with more.
    private var front: [Member]? = []
    var watchers = 0
    /// When its watchers may be told again.
    var mayPublishAt = Duration.zero

    mutating func insert(_ member: Member, listLimit: Int) {
        guard members.insert(member).inserted else { return }
        counts[member.replica, default: 0] += 1
        guard var front else { return }
        // Or the array would have two owners, and be copied.
        self.front = nil
        Self.insert(member, into: &front, limit: listLimit)
        self.front = front
    }

    mutating func remove(_ member: Member) {
        guard members.remove(member) != nil else { return }
        let count = counts[member.replica, default: 1] - 1
        counts[member.replica] = count > 0 ? count : nil
        guard var front, let index = front.firstIndex(of: member) else { return }
        self.front = nil
        front.remove(at: index)
        if front.count == members.count { self.front = front }
    }

    mutating func presence(listLimit: Int) -> RoomPresence {
        let front = front ?? Self.first(listLimit, of: members)
        self.front = front
        return RoomPresence(count: members.count, members: front, replicas: counts)
    }

    private static func insert(_ member: Member, into front: inout [Member], limit: Int) {
        if let last = front.last, front.count >= limit, last < member { return }
        var low = 0
        var high = front.count
        while low < high {
            let middle = (low + high) / 2
            if front[middle] < member { low = middle + 1 } else { high = middle }
        }
        front.insert(member, at: low)
        if front.count > limit { front.removeLast() }
    }

    private static func first(_ limit: Int, of members: Set<Member>) -> [Member] {
        var front: [Member] = []
        for member in members { insert(member, into: &front, limit: limit) }
        return front
    }
}
