import Loop
import SocketIOProtocol
import Synchronization

// A socket's part in the recovery of connections (protocol.md §20).
extension SocketState {
    /// Keeps the session when the connection was lost; it is still in its rooms.
    func persist(after reason: DisconnectReason) {
        guard reason.isRecoverable, let recovery, let shared, !isDisconnecting,
            let position = namespace.adapter.position
        else { return }
        // Some that were joined a moment ago may be foreseen only.
        let rooms = shared.rooms.withLock { $0 }
        namespace.adapter.persist(
            StoredSession(
                id: shared.id,
                privateID: recovery.privateID,
                rooms: Dictionary(
                    uniqueKeysWithValues: rooms.map { ($0, recovery.joined[$0] ?? position) }
                ),
                left: recovery.left,
                forgotten: recovery.forgotten,
                data: shared.data.withLock { $0 },
                lastOffsets: recovery.sent.list,
                position: local.position
            )
        )
    }

    /// The app or a limit has disconnected it; events of the client are not for its handlers any more.
    var isDisconnecting: Bool { shared?.isDisconnecting.load(ordering: .relaxed) ?? false }

    /// It ends: unless its client may come back, nothing more is kept for it either.
    func foregoRecovery(after reason: DisconnectReason) {
        let isGivenBack = recovery?.restored != nil
        if !isGivenBack, !isConnected || !reason.isRecoverable { foregoRecovery() }
    }

    /// Its connection is closed for good: nothing is kept that its client could come back to.
    func foregoRecovery() {
        shared?.isDisconnecting.store(true, ordering: .relaxed)
    }

    /// Asks for what a restored session has missed, as far as it is not yet known.
    ///
    /// - Returns: All missed packets in order; nil if some are not kept any more.
    func catchUp() -> [StoredPacket]? {
        guard let recovery, let restored = recovery.restored else { return [] }
        let adapter = namespace.adapter
        let (later, number) = namespace.ordered.atStandstill {
            adapter.packets(after: restored.position, for: restored.session)
        }
        guard let later else { return nil }
        recovery.caughtUp = number
        let missed = restored.missed + later
        for packet in missed.suffix(RecentOffsets.capacity) { recovery.sent.append(packet.offset) }
        return missed
    }

    /// It is admitted: from now on the client of a new session can come back, and take it over.
    func beginSession() {
        guard let recovery, let shared else { return }
        guard let restored = recovery.restored else {
            namespace.sessions.add(shared, recovery.privateID)
            return
        }
        for (room, position) in restored.session.rooms { join(room, at: position) }
        // Middlewares may have joined others, and these once more.
        recovery.joined.merge(restored.session.rooms) { _, earlier in earlier }
        recovery.restored = nil
    }

    /// The socket is over; what is to be kept of it has been kept.
    func forgetSession(of shared: SocketShared) {
        guard let recovery else { return }
        namespace.sessions.forget(shared, recovery.privateID)
    }

    /// The socket is over: if it was not admitted, the client may ask for its session again.
    func giveSessionBack() {
        guard let restored = recovery?.restored, !isDisconnecting else { return }
        namespace.adapter.persist(restored.session)
    }
}

extension SocketShared {
    /// Shows already now that a call will disconnect the socket in order.
    func foreseeDisconnect() {
        guard namespace.isRecovering else { return }
        // Whatever ends it first, its client does not come back to the session.
        isDisconnecting.store(true, ordering: .relaxed)
        if state.loop.isOnLoop { isConnected.store(false, ordering: .relaxed) }
    }
}

extension DisconnectReason {
    /// Whether the client may come back as if nothing had happened.
    fileprivate var isRecoverable: Bool {
        switch self {
        case .transportError, .transportClose, .forcedClose, .pingTimeout, .serverShuttingDown,
            .forcedServerClose:
            true
        case .clientNamespaceDisconnect, .serverNamespaceDisconnect, .parseError:
            false
        }
    }
}
