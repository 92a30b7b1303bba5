import Bytes
import EngineIOProtocol
import Loop

// The upgrade from polling to WebSocket (protocol.md §8).
extension EngineSession {
    /// A WebSocket has been opened for this session; false if it is not wanted.
    func beginProbe(_ transport: WebSocketTransport) -> Bool {
        guard state.beginProbe() else { return false }
        probe = transport
        upgradeTimer = loop.schedule(
            self,
            tag: Timer.upgrade,
            after: engine.options.upgradeTimeout
        )
        return true
    }

    /// The probing transport has sent a text frame.
    func receivedProbe(_ unit: RawSpan) {
        // Whatever is no packet abandons the probe, for whatever reason.
        guard
            case .text(let type, let payload)? = try? EnginePacket(
                parsing: unit,
                version: version
            )
        else {
            endProbe()
            return
        }
        let isProbe = unit.extracting(payload).isEqual(to: "probe")
        switch state.receivedProbe(type, isProbePayload: isProbe) {
        case .answer:
            probe?.send(.probeAnswer)
            noopTimer = loop.schedule(self, tag: Timer.noop, after: Self.noopInterval)
        case .complete:
            completeUpgrade()
        case .abandon:
            endProbe()
        }
    }

    /// The probing transport sent what no probe sends, or has gone.
    func endProbe() {
        loop.cancel(&upgradeTimer)
        loop.cancel(&noopTimer)
        state.endProbe()
        probe?.close()
        probe = nil
    }

    /// Answers a pending poll with a noop, so that the client can pause polling (§8.4).
    func releasePoll() {
        guard state.isProbing else { return }
        if queue.isEmpty, let poll = polling.takePoll() {
            poll.respondToPoll(polling.encode([.noop]))
        }
        noopTimer = loop.schedule(self, tag: Timer.noop, after: Self.noopInterval)
    }

    private func completeUpgrade() {
        loop.cancel(&upgradeTimer)
        loop.cancel(&noopTimer)
        webSocket = probe
        probe = nil
        if let poll = polling.takePoll() {
            poll.respondToPoll(polling.encode([.close]))
        }
        polling.takePost()?.abort()
        moveQueue()
        rearmHeartbeat()
        guard state.isOpen else {
            close(.forcedClose, nil)
            return
        }
        tellUpgraded()
        // All of it may have left at once.
        if bufferedBytes == 0 { waitIsOver() }
    }
}
