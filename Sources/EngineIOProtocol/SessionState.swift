/// The life of one Engine.IO session without its IO: heartbeat, upgrade, closing.
///
/// Events come in, actions go out; timers are named, never armed here. On the wire: protocol.md
/// §§6–10, and §13 for version 3, which differs in the direction of the heartbeat alone.
package struct SessionState: ~Copyable {
    /// The transport that carries messages at present.
    package enum Transport: Equatable, Sendable {
        case polling
        case webSocket
    }

    private enum Life {
        case open
        case closing
        case closed
    }

    private enum Heartbeat {
        case resting
        case awaitingPong
        /// Version 3: it is the client that pings, always.
        case awaitingPing
    }

    private enum Upgrade {
        case none
        /// A second transport has been opened; `answered` once it has sent `2probe`.
        case probing(answered: Bool)
    }

    /// What to do when the heartbeat timer has run out.
    package enum HeartbeatAction: Equatable, Sendable {
        /// Send `2` and arm the timer with the ping timeout.
        case ping
        case close(CloseReason)
        case nothing
    }

    /// What to do with a packet of the current transport.
    package enum PacketAction: Equatable, Sendable {
        case deliver
        /// The pong came in time: arm the timer with the ping interval.
        case rearm
        /// Version 3's ping: send `3`, and arm the timer with interval and timeout.
        case answerPing
        /// The client closes the session itself.
        case close(CloseReason, String?)
        case ignore
    }

    /// What to do with a packet of the probing transport.
    package enum ProbeAction: Equatable, Sendable {
        /// Answer `3probe` and begin to release the pending poll with a noop every 100 ms.
        case answer
        /// Make it the session's transport.
        case complete
        /// Close it; the session stays where it is.
        case abandon
    }

    /// What `close()` has to do first.
    package enum CloseAction: Equatable, Sendable {
        /// Close the transport now.
        case closeTransport
        /// Deliver what is queued, then call `close` of the transport.
        case drainFirst
        case nothing
    }

    package private(set) var transport: Transport
    private var life = Life.open
    private var heartbeat: Heartbeat
    private var upgrade = Upgrade.none

    package init(transport: Transport, version: EngineVersion = .v4) {
        self.transport = transport
        switch version {
        case .v3: heartbeat = .awaitingPing
        case .v4: heartbeat = .resting
        }
    }

    /// Whether messages are still taken from the app.
    package var isOpen: Bool {
        switch life {
        case .open: true
        case .closing, .closed: false
        }
    }

    package var isClosed: Bool {
        switch life {
        case .closed: true
        case .open, .closing: false
        }
    }

    package var isProbing: Bool {
        switch upgrade {
        case .probing: true
        case .none: false
        }
    }

    /// The interval or the timeout of the heartbeat is over (§9).
    package mutating func heartbeatFired() -> HeartbeatAction {
        switch (life, heartbeat) {
        case (.closed, _):
            return .nothing
        case (.open, .resting), (.closing, .resting):
            heartbeat = .awaitingPong
            return .ping
        case (.open, .awaitingPong), (.closing, .awaitingPong),
            (.open, .awaitingPing), (.closing, .awaitingPing):
            return .close(.pingTimeout)
        }
    }

    /// A packet has arrived on the session's transport (§5).
    package mutating func received(_ type: EnginePacketType) -> PacketAction {
        guard isOpen else { return isClosed ? .ignore : receivedWhileClosing(type) }
        switch type {
        case .message:
            return .deliver
        case .pong:
            return receivedPong()
        case .ping:
            switch heartbeat {
            case .awaitingPing: return .answerPing
            case .resting, .awaitingPong:
                return .close(.transportError, "invalid heartbeat direction")
            }
        case .close:
            return .close(.transportClose, nil)
        case .open, .upgrade, .noop:
            return .ignore
        }
    }

    private mutating func receivedPong() -> PacketAction {
        switch heartbeat {
        case .resting, .awaitingPong:
            heartbeat = .resting
            return .rearm
        case .awaitingPing:
            return .close(.transportError, "invalid heartbeat direction")
        }
    }

    private mutating func receivedWhileClosing(_ type: EnginePacketType) -> PacketAction {
        switch type {
        case .pong:
            return receivedPong()
        case .ping:
            switch heartbeat {
            case .awaitingPing: return .rearm
            case .resting, .awaitingPong: return .ignore
            }
        case .close:
            return .close(.transportClose, nil)
        case .message, .open, .upgrade, .noop:
            return .ignore
        }
    }

    /// A WebSocket for this session has been opened; false if it must be closed again (§8.2).
    package mutating func beginProbe() -> Bool {
        guard case .polling = transport, case .none = upgrade, !isClosed else { return false }
        upgrade = .probing(answered: false)
        return true
    }

    /// The probing transport has sent a packet (§8.4–8.6).
    package mutating func receivedProbe(
        _ type: EnginePacketType,
        isProbePayload: Bool
    ) -> ProbeAction {
        guard case .probing(let answered) = upgrade else { return .abandon }
        switch type {
        case .ping where isProbePayload && !answered:
            upgrade = .probing(answered: true)
            return .answer
        case .upgrade:
            upgrade = .none
            guard !isClosed else { return .abandon }
            transport = .webSocket
            switch heartbeat {
            case .resting, .awaitingPong: heartbeat = .resting
            case .awaitingPing: break
            }
            return .complete
        case .ping, .open, .close, .pong, .message, .noop:
            upgrade = .none
            return .abandon
        }
    }

    /// The probe has failed, was closed by the peer, or took too long.
    package mutating func endProbe() {
        upgrade = .none
    }

    /// The app closes the session (§10).
    package mutating func beginClose(hasQueuedPackets: Bool) -> CloseAction {
        guard isOpen else { return .nothing }
        life = .closing
        switch transport {
        case .webSocket:
            return .closeTransport
        case .polling:
            return hasQueuedPackets ? .drainFirst : .closeTransport
        }
    }

    /// The session is over; false if it was already, so that nobody is told twice.
    package mutating func finish() -> Bool {
        guard !isClosed else { return false }
        life = .closed
        upgrade = .none
        return true
    }
}
