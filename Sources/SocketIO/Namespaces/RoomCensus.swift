import Synchronization

/// Who is told of a namespace's rooms.
enum RoomObserver: Sendable {
    case created(@Sendable (Room) -> Void)
    case deleted(@Sendable (Room) -> Void)
    case joined(@Sendable (Room, String) -> Void)
    case left(@Sendable (Room, String) -> Void)

    /// Whether it is told of every socket, not of rooms alone.
    fileprivate var watchesMembers: Bool {
        switch self {
        case .created, .deleted: false
        case .joined, .left: true
        }
    }

    fileprivate func tell(_ news: RoomCensus.News) {
        switch (self, news) {
        case (.created(let body), .created(let room)): body(room)
        case (.deleted(let body), .deleted(let room)): body(room)
        case (.joined(let body), .joined(let room, let id)): body(room, id)
        case (.left(let body), .left(let room, let id)): body(room, id)
        case (.created, _), (.deleted, _), (.joined, _), (.left, _): break
        }
    }
}

/// How many sockets of a namespace are in each room over all loops, and who is told of changes.
///
/// From any loop.
final class RoomCensus: Sendable {
    enum News {
        case created(Room)
        case deleted(Room)
        case joined(Room, String)
        case left(Room, String)
    }

    private struct State {
        var counts: [Room: Int] = [:]
        /// What has happened of which nobody has been told yet.
        var news: [News] = []
        var isTelling = false
        var observers: [RoomObserver] = []
        var watchesMembers = false
    }

    private let state = Mutex(State())

    /// The rooms that have a member.
    var rooms: Set<Room> { state.withLock { Set($0.counts.keys) } }

    /// How many sockets are in `room`.
    func count(of room: Room) -> Int { state.withLock { $0.counts[room] ?? 0 } }

    func add(_ observer: RoomObserver) {
        state.withLock { state in
            state.observers.append(observer)
            if observer.watchesMembers { state.watchesMembers = true }
        }
    }

    func forgetObservers() {
        state.withLock { state in
            state.observers = []
            state.watchesMembers = false
        }
    }

    /// The socket `id` has joined `room`.
    func joined(_ room: Room, _ id: String, in namespace: Namespace) {
        change(namespace) { state in
            let count = state.counts[room, default: 0] + 1
            state.counts[room] = count
            if count == 1 { state.news.append(.created(room)) }
            if state.watchesMembers { state.news.append(.joined(room, id)) }
        }
    }

    /// The socket `id` has left `room`.
    func left(_ room: Room, _ id: String, in namespace: Namespace) {
        change(namespace) { state in
            let count = state.counts[room, default: 0] - 1
            state.counts[room] = count > 0 ? count : nil
            if state.watchesMembers { state.news.append(.left(room, id)) }
            if count == 0 { state.news.append(.deleted(room)) }
        }
    }

    /// Changes the counts and tells adapter and observers what is new, in order, whichever loops
    /// it is from.
    ///
    /// The lock is not held meanwhile: the adapter may call its host.
    private func change(_ namespace: Namespace, _ change: (inout State) -> Void) {
        var (news, observers) = state.withLock { state in
            change(&state)
            guard !state.isTelling, !state.news.isEmpty else { return ([News](), [RoomObserver]()) }
            state.isTelling = true
            return Self.takeNews(&state)
        }
        while !news.isEmpty {
            for item in news {
                switch item {
                case .created(let room): namespace.adapter.roomCreated(room)
                case .deleted(let room): namespace.adapter.roomDeleted(room)
                case .joined, .left: break
                }
                for observer in observers { observer.tell(item) }
            }
            (news, observers) = state.withLock { Self.takeNews(&$0) }
        }
    }

    /// The news so far; without any, whoever has told them is done.
    private static func takeNews(_ state: inout State) -> ([News], [RoomObserver]) {
        let news = state.news
        state.news = []
        state.isTelling = !news.isEmpty
        return (news, state.observers)
    }
}

/// The events of rooms on this server, as of Node's adapters (protocol.md §18).
///
/// The closures run on a loop, one at a time and in order, and must not block. A room is created
/// by its first member on this server and deleted with its last; every socket has one of its own.
extension Namespace {
    /// Runs `observer` when a room gets its first member on this server (`create-room`).
    public func onRoomCreated(_ observer: @escaping @Sendable (Room) -> Void) {
        add(.created(observer))
    }

    /// Runs `observer` when the last member on this server has left a room (`delete-room`).
    public func onRoomDeleted(_ observer: @escaping @Sendable (Room) -> Void) {
        add(.deleted(observer))
    }

    /// Runs `observer` when a socket of this server has joined a room (`join-room`).
    public func onRoomJoined(
        _ observer: @escaping @Sendable (Room, _ socketID: String) -> Void
    ) {
        add(.joined(observer))
    }

    /// Runs `observer` when a socket of this server has left a room (`leave-room`).
    public func onRoomLeft(
        _ observer: @escaping @Sendable (Room, _ socketID: String) -> Void
    ) {
        add(.left(observer))
    }
}
