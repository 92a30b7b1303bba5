import Synchronization

@testable import SocketIO

/// What a test knows of the sessions that a server restores, and where the first one waits.
final class RestoreWatch: Sendable {
    /// When the first call waits: with the session taken, or still stored.
    enum Moment: Sendable, CaseIterable {
        case before, after
    }

    let moment: Moment
    let gate = Gate()
    /// The calls of `restore` that have come to the moment, by private id.
    let calls = Journal<String>()
    /// The sessions that were stored.
    let stored = Journal<String>()
    private let isFirst = Atomic<Bool>(true)

    init(_ moment: Moment = .after) {
        self.moment = moment
    }

    fileprivate func pass(_ moment: Moment, _ privateID: String) async {
        guard moment == self.moment else { return }
        calls.add(privateID)
        if isFirst.exchange(false, ordering: .relaxed) { await gate.pass() }
    }
}

extension AdapterFactory {
    /// The adapter of one server, as slow as one with a store far away.
    static func waiting(_ watch: RestoreWatch) -> AdapterFactory {
        AdapterFactory(
            inContext: { host, context in
                WaitingAdapter(try inMemory.make(host, context), watch)
            }
        )
    }
}

private final class WaitingAdapter: Adapter {
    private let inner: any Adapter
    private let watch: RestoreWatch

    init(_ inner: any Adapter, _ watch: RestoreWatch) {
        self.inner = inner
        self.watch = watch
    }

    func restore(privateID: String, offset: String?) async -> RestoredSession? {
        await watch.pass(.before, privateID)
        let restored = await inner.restore(privateID: privateID, offset: offset)
        await watch.pass(.after, privateID)
        return restored
    }

    func persist(_ session: StoredSession) {
        inner.persist(session)
        watch.stored.add(session.privateID)
    }

    func broadcast(_ packet: EventPacket, _ options: BroadcastOptions) {
        inner.broadcast(packet, options)
    }

    func broadcast(_ packet: EventPacket, _ options: BroadcastOptions, acks: BroadcastAcks) {
        inner.broadcast(packet, options, acks: acks)
    }

    func join(_ rooms: [Room], _ options: BroadcastOptions) { inner.join(rooms, options) }

    func leave(_ rooms: [Room], _ options: BroadcastOptions) { inner.leave(rooms, options) }

    func disconnect(_ options: BroadcastOptions, closing: Bool) {
        inner.disconnect(options, closing: closing)
    }

    func fetchSockets(_ options: BroadcastOptions) async throws -> [SocketSnapshot] {
        try await inner.fetchSockets(options)
    }

    func allRooms() async throws -> Set<Room> { try await inner.allRooms() }

    var isRecovering: Bool { inner.isRecovering }

    var position: String? { inner.position }

    func packets(after position: String, for session: StoredSession) -> [StoredPacket]? {
        inner.packets(after: position, for: session)
    }
}
