import Synchronization

/// Who is in which room on this node, for the `{room, members}` acks.
///
/// Usable from any thread: every call takes the lock for a few table look-ups. A socket is known
/// from ``connect(_:)`` to ``disconnect(_:)``; a handler that resumes later and joins finds it
/// unknown and leaves nothing behind.
package final class Members: Sendable {
    /// How many rooms one socket may be in.
    package let maxRoomsPerSocket: Int
    private let tables = Mutex(Tables())

    private struct Tables {
        var rooms: [String: Set<RoomKey>] = [:]
        var counts: [RoomKey: Int] = [:]
    }

    /// Nobody, anywhere.
    package init(maxRoomsPerSocket: Int) {
        self.maxRoomsPerSocket = maxRoomsPerSocket
    }

    /// Makes a socket known; it is in no room yet.
    package func connect(_ socket: String) {
        tables.withLock { tables in
            if tables.rooms[socket] == nil { tables.rooms[socket] = [] }
        }
    }

    /// Puts a socket into a room, unless it is there already or not known.
    ///
    /// - Returns: how many members the room has now.
    /// - Throws: ``ChatError/tooManyRooms(limit:)``; the socket stays where it was.
    package func join(_ room: String, socket: String) throws(ChatError) -> Int {
        let key = RoomKey(room)
        return try tables.withLock { tables throws(ChatError) in
            let count = tables.counts[key, default: 0]
            guard let joined = tables.rooms[socket], !joined.contains(key) else { return count }
            if joined.count >= maxRoomsPerSocket {
                throw .tooManyRooms(limit: maxRoomsPerSocket)
            }
            tables.rooms[socket, default: []].insert(key)
            tables.counts[key] = count + 1
            return count + 1
        }
    }

    /// Takes a socket out of a room, if it is there.
    ///
    /// - Returns: how many members the room has now.
    package func leave(_ room: String, socket: String) -> Int {
        let key = RoomKey(room)
        return tables.withLock { tables in
            if tables.rooms[socket]?.remove(key) != nil {
                Self.countOut(key, &tables)
            }
            return tables.counts[key, default: 0]
        }
    }

    /// Forgets a socket.
    ///
    /// - Returns: the rooms it was in, in no order.
    @discardableResult
    package func disconnect(_ socket: String) -> [String] {
        tables.withLock { tables in
            let keys = tables.rooms.removeValue(forKey: socket) ?? []
            for key in keys { Self.countOut(key, &tables) }
            return keys.map(\.name)
        }
    }

    /// How many sockets are in `room`.
    package func count(in room: String) -> Int {
        tables.withLock { $0.counts[RoomKey(room), default: 0] }
    }

    /// How many rooms have a member.
    package var roomCount: Int {
        tables.withLock { $0.counts.count }
    }

    private static func countOut(_ key: RoomKey, _ tables: inout Tables) {
        guard let count = tables.counts[key] else {
            preconditionFailure("a room with a member has a count")
        }
        tables.counts[key] = count > 1 ? count - 1 : nil
    }
}

/// A room's name, equal to another only if both have the same bytes.
///
/// Swift's `String` takes "é" and "e" with an accent for one; Socket.IO's rooms are two.
private struct RoomKey: Hashable {
    let name: String

    init(_ name: String) {
        self.name = name
    }

    static func == (left: RoomKey, right: RoomKey) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8)
    }

    func hash(into hasher: inout Hasher) {
        for byte in name.utf8 { hasher.combine(byte) }
        hasher.combine(UInt8(0xff))
    }
}
