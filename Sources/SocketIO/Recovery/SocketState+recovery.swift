import Loop
import SocketIOProtocol
import Synchronization

// A socket's part in the recovery of connections (protocol.md §20).
extension SocketState {
    /// Keeps the session when the connection was lost; it is still in its rooms.
    func persist(after reason: DisconnectReason) {
        guard reason.isRecoverable, let recovery, !recovery.isDisconnecting, let shared else {
            return
        }
        namespace.adapter.persist(
            StoredSession(
                id: shared.id,
                privateID: recovery.privateID,
                rooms: shared.rooms.withLock { $0 },
                data: shared.data.withLock { $0 },
                since: recovery.since
            )
        )
    }

    /// Asks for what a restored session has missed, as far as it is not yet known.
    ///
    /// - Returns: All missed packets in order; nil if some are not kept any more.
    func catchUp() -> [StoredPacket]? {
        guard let recovery, let restored = recovery.restored else { return [] }
        let adapter = namespace.adapter
        let (later, number) = namespace.ordered.atStandstill {
            adapter.packets(after: restored.position)
        }
        guard let later else { return nil }
        recovery.caughtUp = number
        local.caughtUp = number
        return (restored.missed + later).filter { restored.session.isSelected(by: $0.options) }
    }

    /// It is admitted: from now on its client can come back, and take it over.
    func beginSession() {
        guard let recovery, let shared else { return }
        if let restored = recovery.restored {
            for room in restored.session.rooms { join(room) }
            recovery.restored = nil
        } else {
            let adapter = namespace.adapter
            recovery.since = namespace.ordered.atStandstill { adapter.position }.0
        }
        namespace.sessions.withLock { $0[recovery.privateID] = shared }
    }

    /// The socket is over; what is to be kept of it has been kept.
    func forgetSession(of shared: SocketShared) {
        guard let recovery else { return }
        namespace.sessions.withLock { sessions in
            if sessions[recovery.privateID] === shared { sessions[recovery.privateID] = nil }
        }
    }

    /// The socket is over: if it was not admitted, the client may ask for its session again.
    func giveSessionBack() {
        guard let restored = recovery?.restored else { return }
        namespace.adapter.persist(restored.session)
    }
}

extension SocketShared {
    /// Shows on the loop already now that a call will disconnect the socket in order.
    func foreseeDisconnect() {
        guard namespace.isRecovering, state.loop.isOnLoop else { return }
        state.value.recovery?.isDisconnecting = true
        isConnected.store(false, ordering: .relaxed)
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
