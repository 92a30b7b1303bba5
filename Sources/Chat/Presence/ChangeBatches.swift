/// Changes in the portions in which they travel: each is one message, no longer than a limit.
///
/// A socket in more rooms than fit is told of in several changes.
struct ChangeBatches {
    private(set) var list: [[PresenceChange]] = []
    private let limitInBytes: Int
    private var bytesLeft = 0
    /// The braces, keys and commas of a change.
    private static let overhead = 60

    init(limitInBytes: Int) {
        self.limitInBytes = limitInBytes
    }

    /// Adds what has changed about one socket.
    mutating func add(
        id: String,
        name: String?,
        joins: some Sequence<RoomKey>,
        leaves: some Sequence<RoomKey> = []
    ) {
        var change = PresenceChange(id: id, name: name)
        let opening = Self.overhead + Self.jsonBytes(id) + (name.map(Self.jsonBytes) ?? 0)
        var bytes = opening
        let rooms = joins.map { ($0.name, true) } + leaves.map { ($0.name, false) }
        for (room, isJoin) in rooms {
            let cost = Self.jsonBytes(room) + 1
            if bytes + cost > limitInBytes, bytes > opening {
                append(change, bytes)
                change = PresenceChange(id: id, name: name)
                bytes = opening
            }
            bytes += cost
            if isJoin { change.joins.append(room) } else { change.leaves.append(room) }
        }
        if bytes > opening { append(change, bytes) }
    }

    /// Adds that a socket has left all its rooms.
    mutating func addGone(id: String) {
        var change = PresenceChange(id: id)
        change.isGone = true
        append(change, Self.overhead + Self.jsonBytes(id))
    }

    private mutating func append(_ change: PresenceChange, _ bytes: Int) {
        if list.isEmpty || bytes > bytesLeft {
            list.append([])
            bytesLeft = limitInBytes
        }
        bytesLeft -= bytes
        list[list.count - 1].append(change)
    }

    /// How long `text` is as a JSON string, quotes included.
    static func jsonBytes(_ text: String) -> Int {
        text.utf8.reduce(2) { bytes, byte in
            switch byte {
            case 0..<0x20: bytes + 6
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes + 2
            default: bytes + 1
            }
        }
    }
}

/// What this replica has not told the others yet, brought together per socket.
///
/// Whatever a socket does between two deltas, only the difference is told.
struct PendingChanges {
    private struct Entry {
        let name: String
        var joins: Set<RoomKey> = []
        var leaves: Set<RoomKey> = []
        var isGone = false
    }

    private var entries: [String: Entry] = [:]
    /// The keys of `entries` in the order of their first change; some may be gone by now.
    private var order: [String] = []

    mutating func join(_ room: RoomKey, socket: String, name: String) {
        change(socket, name) { if $0.leaves.remove(room) == nil { $0.joins.insert(room) } }
    }

    mutating func leave(_ room: RoomKey, socket: String, name: String) {
        change(socket, name) { if $0.joins.remove(room) == nil { $0.leaves.insert(room) } }
    }

    /// The socket has left all of `rooms`, which were all it was in.
    mutating func leaveAll(_ rooms: Set<RoomKey>, socket: String, name: String) {
        let entry = entries[socket] ?? Entry(name: name)
        guard !entry.leaves.isEmpty || !rooms.isSubset(of: entry.joins) else {
            // Nobody has heard of it.
            entries[socket] = nil
            return
        }
        change(socket, name) { $0.isGone = true }
    }

    private mutating func change(_ socket: String, _ name: String, _ body: (inout Entry) -> Void) {
        if entries[socket] == nil { order.append(socket) }
        body(&entries[socket, default: Entry(name: name)])
    }

    /// All changes, in messages of at most `limitInBytes`; afterwards there are none.
    mutating func take(limitInBytes: Int) -> [[PresenceChange]] {
        if order.isEmpty { return [] }
        var batches = ChangeBatches(limitInBytes: limitInBytes)
        for socket in order {
            guard let entry = entries.removeValue(forKey: socket) else { continue }
            if entry.isGone {
                batches.addGone(id: socket)
            } else {
                batches.add(
                    id: socket,
                    name: entry.joins.isEmpty ? nil : entry.name,
                    joins: entry.joins.sorted(),
                    leaves: entry.leaves.sorted()
                )
            }
        }
        self = PendingChanges()
        return batches.list
    }
}
