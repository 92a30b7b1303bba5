/// The sockets of one replica and the rooms they are in.
struct Roster {
    /// One socket.
    struct Entry {
        let name: String
        var rooms: Set<RoomKey> = []
    }

    /// What a change of one socket has led to.
    struct Effect {
        var name = ""
        var joined: [RoomKey] = []
        var left: [RoomKey] = []
        /// Whether something was beyond the limits, and left out.
        var isIncomplete = false
    }

    private(set) var entries: [String: Entry] = [:]
    private(set) var memberships = 0

    /// Makes a socket known; it is in no room yet.
    mutating func add(_ id: String, name: String) {
        if entries[id] == nil { entries[id] = Entry(name: name) }
    }

    /// Forgets a socket.
    mutating func remove(_ id: String) -> Entry? {
        let entry = entries.removeValue(forKey: id)
        memberships -= entry?.rooms.count ?? 0
        return entry
    }

    /// Puts a known socket into a room.
    ///
    /// - Returns: whether it was not there before.
    mutating func join(_ room: RoomKey, _ id: String) -> Bool {
        guard entries[id]?.rooms.insert(room).inserted == true else { return false }
        memberships += 1
        return true
    }

    /// Takes a socket out of a room.
    ///
    /// - Returns: whether it was there.
    mutating func leave(_ room: RoomKey, _ id: String) -> Bool {
        guard entries[id]?.rooms.remove(room) != nil else { return false }
        memberships -= 1
        return true
    }

    /// Does what another replica told of one socket, within the limits.
    mutating func apply(_ change: PresenceChange, _ options: PresenceOptions) -> Effect {
        var effect = Effect()
        guard (1...64).contains(change.id.utf8.count) else {
            effect.isIncomplete = true
            return effect
        }
        if change.isGone {
            if let entry = remove(change.id) {
                effect.name = entry.name
                effect.left = Array(entry.rooms)
            }
            return effect
        }
        if entries[change.id] == nil, !change.joins.isEmpty {
            guard entries.count < options.maxSocketsPerReplica else {
                effect.isIncomplete = true
                return effect
            }
            let name = change.name ?? ""
            add(change.id, name: name.isEmpty ? change.id : name.cut(options.maxNameBytes))
        }
        for name in change.joins {
            guard (1...options.maxRoomNameBytes).contains(name.utf8.count),
                memberships < options.maxMembershipsPerReplica
            else {
                effect.isIncomplete = true
                continue
            }
            if join(RoomKey(name), change.id) { effect.joined.append(RoomKey(name)) }
        }
        for name in change.leaves where leave(RoomKey(name), change.id) {
            effect.left.append(RoomKey(name))
        }
        effect.name = entries[change.id]?.name ?? ""
        // Of other replicas only sockets in rooms are kept.
        if entries[change.id]?.rooms.isEmpty == true { _ = remove(change.id) }
        return effect
    }
}

extension String {
    /// The text, or as much of its beginning as fits `limitInBytes` bytes, in whole characters.
    func cut(_ limitInBytes: Int) -> String {
        if utf8.count <= limitInBytes { return self }
        var text = ""
        var bytes = 0
        for character in self {
            bytes += character.utf8.count
            if bytes > limitInBytes { break }
            text.append(character)
        }
        // One character may be longer than any limit: a letter with a hundred accents.
        return text.isEmpty ? "…" : text
    }
}
