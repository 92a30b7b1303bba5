import Testing

@testable import EngineIOProtocol

/// Every state a session can be in, with how to get there.
enum SessionPhase: CaseIterable {
    case polling
    case pollingAwaitingPong
    case probing
    case probed
    case webSocket
    case webSocketAwaitingPong
    case closing
    case closingAwaitingPong
    case closingProbed
    case closed

    func make() -> SessionState {
        var state = SessionState(transport: isWebSocketFromStart ? .webSocket : .polling)
        switch self {
        case .polling, .webSocket:
            break
        case .pollingAwaitingPong, .webSocketAwaitingPong:
            _ = state.heartbeatFired()
        case .probing:
            _ = state.beginProbe()
        case .probed:
            _ = state.beginProbe()
            _ = state.receivedProbe(.ping, isProbePayload: true)
        case .closing:
            _ = state.beginClose(hasQueuedPackets: true)
        case .closingAwaitingPong:
            _ = state.heartbeatFired()
            _ = state.beginClose(hasQueuedPackets: true)
        case .closingProbed:
            _ = state.beginProbe()
            _ = state.receivedProbe(.ping, isProbePayload: true)
            _ = state.beginClose(hasQueuedPackets: true)
        case .closed:
            _ = state.finish()
        }
        return state
    }

    private var isWebSocketFromStart: Bool {
        switch self {
        case .webSocket, .webSocketAwaitingPong: true
        case .polling, .pollingAwaitingPong, .probing, .probed, .closing, .closingAwaitingPong,
            .closingProbed, .closed:
            false
        }
    }

    var isOpen: Bool {
        switch self {
        case .polling, .pollingAwaitingPong, .probing, .probed, .webSocket,
            .webSocketAwaitingPong:
            true
        case .closing, .closingAwaitingPong, .closingProbed, .closed: false
        }
    }

    var isProbing: Bool {
        switch self {
        case .probing, .probed, .closingProbed: true
        case .polling, .pollingAwaitingPong, .webSocket, .webSocketAwaitingPong, .closing,
            .closingAwaitingPong, .closed:
            false
        }
    }

    var awaitsPong: Bool {
        switch self {
        case .pollingAwaitingPong, .webSocketAwaitingPong, .closingAwaitingPong: true
        case .polling, .probing, .probed, .webSocket, .closing, .closingProbed, .closed: false
        }
    }
}

private let packetTypes: [EnginePacketType] = [
    .open, .close, .ping, .pong, .message, .upgrade, .noop,
]

@Suite("protocol.md §5–10: the life of a session, all states by all inputs")
struct SessionStateTests {
    @Test("Each state says what it is", arguments: SessionPhase.allCases)
    func properties(phase: SessionPhase) {
        let state = phase.make()
        let (isOpen, isClosed, isProbing) = (state.isOpen, state.isClosed, state.isProbing)
        #expect(isOpen == phase.isOpen)
        #expect(isClosed == (phase == .closed))
        #expect(isProbing == phase.isProbing)
    }

    @Test("§5: a packet of the current transport", arguments: SessionPhase.allCases, packetTypes)
    func packets(phase: SessionPhase, type: EnginePacketType) {
        var state = phase.make()
        let action = state.received(type)
        let expected: SessionState.PacketAction =
            switch type {
            case _ where phase == .closed: .ignore
            case .pong: .rearm
            case .close: .close(.transportClose, nil)
            case _ where !phase.isOpen: .ignore
            case .message: .deliver
            case .ping: .close(.transportError, "invalid heartbeat direction")
            case .open, .upgrade, .noop: .ignore
            }
        #expect(action == expected)
        // Whoever is told to close calls `finish`; the packet itself closes nothing.
        let isOpen = state.isOpen
        #expect(isOpen == phase.isOpen)
        // §9: a pong, and nothing else, is the answer to a ping.
        let heartbeat = state.heartbeatFired()
        if phase == .closed {
            #expect(heartbeat == .nothing)
        } else if phase.awaitsPong, type != .pong {
            #expect(heartbeat == .close(.pingTimeout))
        } else {
            #expect(heartbeat == .ping)
        }
    }

    @Test("§9: ping, then the end, then nothing", arguments: SessionPhase.allCases)
    func heartbeat(phase: SessionPhase) {
        var state = phase.make()
        var actions: [SessionState.HeartbeatAction] = [state.heartbeatFired()]
        actions.append(state.heartbeatFired())
        _ = state.finish()
        actions.append(state.heartbeatFired())
        if phase == .closed {
            #expect(actions == [.nothing, .nothing, .nothing])
        } else if phase.awaitsPong {
            #expect(actions == [.close(.pingTimeout), .close(.pingTimeout), .nothing])
        } else {
            #expect(actions == [.ping, .close(.pingTimeout), .nothing])
        }
    }

    @Test(
        "§8.2: a second WebSocket is taken by a polling session",
        arguments: SessionPhase.allCases
    )
    func beginProbe(phase: SessionPhase) {
        var state = phase.make()
        let begins = state.beginProbe()
        switch phase {
        case .polling, .pollingAwaitingPong, .closing, .closingAwaitingPong:
            #expect(begins)
            let again = state.beginProbe()
            #expect(!again)
            state.endProbe()
            let later = state.beginProbe()
            #expect(later)
        case .probing, .probed, .closingProbed, .webSocket, .webSocketAwaitingPong, .closed:
            #expect(!begins)
        }
    }

    @Test(
        "§8.4–8.6: a packet of the probe",
        arguments: SessionPhase.allCases,
        packetTypes.flatMap { [($0, true), ($0, false)] }
    )
    func probePackets(phase: SessionPhase, packet: (EnginePacketType, Bool)) {
        var state = phase.make()
        let before = state.transport
        let action = state.receivedProbe(packet.0, isProbePayload: packet.1)
        let (after, isProbing) = (state.transport, state.isProbing)
        switch (phase, packet.0) {
        case (.probing, .ping) where packet.1:
            #expect(action == .answer)
            #expect(isProbing)
        case (.probing, .upgrade), (.probed, .upgrade), (.closingProbed, .upgrade):
            #expect(action == .complete)
            #expect(!isProbing)
            #expect(after == .webSocket)
            // §8.10: a ping that polling may have lost is sent again rather than missed.
            let heartbeat = state.heartbeatFired()
            #expect(heartbeat == .ping)
            return
        default:
            #expect(action == .abandon)
            #expect(!isProbing)
        }
        #expect(after == before)
    }

    @Test(
        "§10: close() delivers what polling has queued first",
        arguments: SessionPhase.allCases,
        [true, false]
    )
    func close(phase: SessionPhase, hasQueue: Bool) {
        var state = phase.make()
        let isPolling = state.transport == .polling
        let first = state.beginClose(hasQueuedPackets: hasQueue)
        let second = state.beginClose(hasQueuedPackets: hasQueue)
        let isOpen = state.isOpen
        #expect(!isOpen)
        #expect(second == .nothing)
        if !phase.isOpen {
            #expect(first == .nothing)
        } else {
            #expect(first == (isPolling && hasQueue ? .drainFirst : .closeTransport))
        }
    }

    @Test("§13: in version 3 the client pings, and only its pings count", arguments: packetTypes)
    func version3(type: EnginePacketType) {
        for transport in [SessionState.Transport.polling, .webSocket] {
            var state = SessionState(transport: transport, version: .v3)
            let action = state.received(type)
            let expected: SessionState.PacketAction =
                switch type {
                case .ping: .answerPing
                case .pong: .close(.transportError, "invalid heartbeat direction")
                case .message: .deliver
                case .close: .close(.transportClose, nil)
                case .open, .upgrade, .noop: .ignore
                }
            #expect(action == expected)
            // The server never pings: its timer means that the client has not.
            for _ in 0..<2 {
                let heartbeat = state.heartbeatFired()
                #expect(heartbeat == .close(.pingTimeout))
            }
            _ = state.beginClose(hasQueuedPackets: true)
            let late = state.received(type)
            switch type {
            case .ping: #expect(late == .rearm)
            case .pong: #expect(late == .close(.transportError, "invalid heartbeat direction"))
            case .close: #expect(late == .close(.transportClose, nil))
            case .message, .open, .upgrade, .noop: #expect(late == .ignore)
            }
        }
    }

    @Test("§8, §13: the upgrade of version 3 is the same, and the client goes on pinging")
    func version3Upgrade() {
        var state = SessionState(transport: .polling, version: .v3)
        let begins = state.beginProbe()
        #expect(begins)
        let probe = state.receivedProbe(.ping, isProbePayload: true)
        #expect(probe == .answer)
        let upgrade = state.receivedProbe(.upgrade, isProbePayload: false)
        #expect(upgrade == .complete)
        let ping = state.received(.ping)
        #expect(ping == .answerPing)
        let heartbeat = state.heartbeatFired()
        #expect(heartbeat == .close(.pingTimeout))
    }

    @Test("§10: a session ends once", arguments: SessionPhase.allCases)
    func finish(phase: SessionPhase) {
        var state = phase.make()
        let first = state.finish()
        let second = state.finish()
        #expect(first == (phase != .closed))
        #expect(!second)
        let (isClosed, isProbing) = (state.isClosed, state.isProbing)
        #expect(isClosed)
        #expect(!isProbing)
        let probes = state.beginProbe()
        #expect(!probes)
    }
}
