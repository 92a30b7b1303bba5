package import Bytes
package import EngineIOProtocol
import HTTP1
package import Loop

/// What lives above an Engine.IO session; called on its loop.
package protocol EngineSessionHandler: AnyObject {
    /// A text message has arrived; its bytes are gone when the call returns.
    func received(text: RawSpan)
    /// A binary message has arrived.
    func received(binary: SharedBytes)
    /// The session has moved from polling to WebSocket.
    func sessionUpgraded()
    /// So many bytes wait for the client; called whenever that changes while any have to wait.
    ///
    /// As `packetsDropped` it may be called while something is sent, and is only to take note.
    func waits(byteCount: Int)
    /// The send queue's policy has dropped so many packets.
    func packetsDropped(_ count: Int)
    /// Packets have waited, and the last of them has left.
    func sendQueueDrained()
    /// More waits than may: the session ends.
    func sendQueueOverflowed()
    /// The session is over; called once.
    func sessionClosed(_ reason: CloseReason, _ description: String?)
}

extension EngineSessionHandler {
    /// Most need not know.
    package func sessionUpgraded() {}
    /// Most need not know.
    package func waits(byteCount: Int) {}
    /// Most need not know.
    package func packetsDropped(_ count: Int) {}
    /// Most need not know.
    package func sendQueueDrained() {}
    /// Most need not know.
    package func sendQueueOverflowed() {}
}

/// One client's Engine.IO session: its transport, heartbeat and upgrade.
///
/// Owned by one loop.
package final class EngineSession: TimerTarget {
    /// The tags of the timers.
    enum Timer {
        static let heartbeat: UInt8 = 0
        static let upgrade: UInt8 = 1
        static let noop: UInt8 = 2
        static let closing: UInt8 = 3
    }

    /// How often a pending poll is released while the client probes (§8.4).
    static let noopInterval = Duration.milliseconds(100)

    package let id: SessionID
    package let request: HandshakeRequest
    /// The version that the handshake has asked for.
    package let version: EngineVersion
    let engine: EngineLoop
    var state: SessionState
    var polling: PollingTransport
    var webSocket: WebSocketTransport?
    /// The connection of an open session on WebSocket whose peer takes frames as they are, binary
    /// and uncompressed: the way of every message sent, kept apart so that it costs one test.
    ///
    /// Unmanaged, as `webSocket` holds it: counting references here was 6 % of a delivery (perf).
    var outlet: Unmanaged<Connection>?
    var probe: WebSocketTransport?
    private(set) var handler: (any EngineSessionHandler)?
    /// What waits for a poll, or for a WebSocket that takes no more.
    var queue: SendQueue
    /// Whether anything has had to wait since the queue was empty.
    var isWaiting = false
    /// Whether the end is posted because too much waits.
    var isOverflowing = false
    var isFlushPosted = false
    private var heartbeatTimer = TimerToken.none
    var upgradeTimer = TimerToken.none
    var noopTimer = TimerToken.none
    private var closingTimer = TimerToken.none

    init(
        id: SessionID,
        request: HandshakeRequest,
        engine: EngineLoop,
        transport: SessionState.Transport
    ) {
        self.id = id
        self.request = request
        self.engine = engine
        let query = request.head.query
        version = EngineVersion(parameter: query.value(of: "EIO"))
        state = SessionState(transport: transport, version: version)
        polling = PollingTransport(format: PayloadFormat(version, query))
        queue = SendQueue(policy: engine.options.sendQueuePolicy)
    }

    package var loop: EventLoop { engine.loop }
    package var transport: SessionState.Transport { state.transport }
    package var isOpen: Bool { state.isOpen }
    var isClosed: Bool { state.isClosed }

    /// Whether a volatile packet would leave now: no write is stuck, or a poll is pending (§7).
    package var isWritable: Bool {
        switch state.transport {
        case .webSocket: webSocket?.isWritable ?? false
        case .polling: polling.hasPendingPoll
        }
    }

    /// Starts the heartbeat and tells the app; the open packet has been written.
    func open(_ makeHandler: (EngineSession) -> any EngineSessionHandler) {
        rearmHeartbeat()
        let handler = makeHandler(self)
        guard !state.isClosed else {
            // Closed while it was made, when there was nobody to tell yet.
            handler.sessionClosed(.forcedClose, nil)
            return
        }
        self.handler = handler
    }

    /// Queues a message; it leaves at the end of this turn, or with the next poll.
    package func send(_ packet: OutgoingPacket) {
        if let outlet {
            outlet._withUnsafeGuaranteedRef { $0.write(packet.frame) }
        } else if state.isOpen {
            transmit(packet)
        }
    }

    /// As `send`, for one of many receivers: `ticket` is the packet's frame, enlisted in this turn.
    package func send(_ packet: OutgoingPacket, _ ticket: FrameTicket) {
        if let outlet {
            outlet._withUnsafeGuaranteedRef { $0.write(ticket) }
        } else if state.isOpen {
            transmit(packet, ticket)
        }
    }

    /// Closes gracefully: what is queued still leaves (§10).
    package func close() {
        outlet = nil
        switch state.beginClose(hasQueuedPackets: !queue.isEmpty) {
        case .closeTransport:
            guard state.transport == .polling, !polling.hasPendingPoll else {
                close(.forcedClose, nil)
                return
            }
            awaitLastPoll()
        case .drainFirst:
            if polling.hasPendingPoll { postFlush() } else { awaitLastPoll() }
        case .nothing:
            break
        }
    }

    /// Closes without waiting for what is queued, at server shutdown (§6, §19).
    package func discard() {
        close(.forcedClose, nil)
    }

    /// Closes when the client has polled once more, or did not for too long (§6).
    func awaitLastPoll() {
        loop.cancel(&closingTimer)
        closingTimer = loop.schedule(
            self,
            tag: Timer.closing,
            after: engine.options.closingTimeout
        )
    }

    func close(_ reason: CloseReason, _ description: String?) {
        guard state.finish() else { return }
        outlet = nil
        loop.cancel(&heartbeatTimer)
        loop.cancel(&upgradeTimer)
        loop.cancel(&noopTimer)
        loop.cancel(&closingTimer)
        engine.remove(self)
        closeTransports(reason)
        let handler = handler
        self.handler = nil
        handler?.sessionClosed(reason, description)
    }

    private func closeTransports(_ reason: CloseReason) {
        if let webSocket {
            for packet in takeQueue() { webSocket.send(packet) }
            webSocket.close()
        }
        webSocket = nil
        probe?.close()
        probe = nil
        if let poll = polling.takePoll() {
            // A client that closes by a POST gets a noop on its GET, else the close packet (§6).
            let last = reason == .transportClose ? OutgoingPacket.noop : OutgoingPacket.close
            let packets = reason == .forcedClose ? takeQueue() + [last] : [last]
            poll.respondToPoll(polling.encode(packets))
        }
        queue.removeAll()
        polling.setPost(nil)
    }

    // MARK: Timers

    package func timerFired(_ tag: UInt8) {
        switch tag {
        case Timer.heartbeat:
            heartbeatTimer = .none
            heartbeat()
        case Timer.upgrade:
            upgradeTimer = .none
            endProbe()
        case Timer.noop:
            noopTimer = .none
            releasePoll()
        default:
            closingTimer = .none
            close(.forcedClose, nil)
        }
    }

    private func heartbeat() {
        switch state.heartbeatFired() {
        case .ping:
            sendControl(.ping)
            heartbeatTimer = loop.schedule(
                self,
                tag: Timer.heartbeat,
                after: engine.options.pingTimeout
            )
        case .close(let reason):
            close(reason, nil)
        case .nothing:
            break
        }
    }

    /// Starts a ping interval anew (§9); for version 3 all the time the client's ping has (§13).
    func rearmHeartbeat() {
        loop.cancel(&heartbeatTimer)
        let options = engine.options
        let delay =
            switch version {
            case .v4: options.pingInterval
            case .v3: options.pingInterval + options.pingTimeout
            }
        heartbeatTimer = loop.schedule(self, tag: Timer.heartbeat, after: delay)
    }

    /// A payload of the client has been refused for its size.
    func refused(size: Int?, by transport: SessionState.Transport) {
        engine.server.hooks.payloadTooLarge?(
            PayloadExcess(
                request: request,
                sessionID: id,
                transport: transport,
                limit: engine.options.maxHTTPBufferSize,
                size: size
            )
        )
    }

    // MARK: Packets of the current transport

    /// A text unit of a POST body or a WebSocket text frame; false if it has closed the session.
    func received(unit: RawSpan) -> Bool {
        do {
            return received(try EnginePacket(parsing: unit, version: version), in: unit)
        } catch {
            close(.parseError, nil)
            return false
        }
    }

    /// A packet that is a part of `bytes`; false if it has closed the session.
    func received(_ packet: EnginePacket, in bytes: RawSpan) -> Bool {
        switch packet {
        case .text(let type, let payload):
            return received(type, bytes.extracting(payload))
        case .binary(let message):
            received(binary: message)
            return !state.isClosed
        }
    }

    private func received(_ type: EnginePacketType, _ payload: RawSpan) -> Bool {
        switch state.received(type) {
        case .deliver:
            handler?.received(text: payload)
        case .rearm:
            rearmHeartbeat()
        case .answerPing:
            if let webSocket {
                webSocket.answerPing()
            } else if polling.notePong() {
                sendControl(.pong)
            }
            rearmHeartbeat()
        case .close(let reason, let description):
            close(reason, description)
        case .ignore:
            break
        }
        return !state.isClosed
    }

    /// A binary frame of the WebSocket.
    func received(frame: SharedBytes) {
        switch version {
        case .v4:
            received(binary: frame)
        case .v3:
            guard let message = try? EnginePacket.message(typed: frame.bytes) else {
                close(.parseError, nil)
                return
            }
            received(binary: frame[message])
        }
    }

    func received(binary: SharedBytes) {
        guard state.isOpen else { return }
        handler?.received(binary: binary)
    }

    // MARK: WebSocket (§7)

    /// The session begins on this WebSocket.
    func adopt(_ transport: WebSocketTransport) {
        webSocket = transport
        // The kernel may still be busy with answers to requests that were pipelined before.
        if transport.isWritable { outlet = transport.outlet }
    }

    /// The app above hears that the session has moved.
    func tellUpgraded() { handler?.sessionUpgraded() }

    func isCurrent(_ transport: WebSocketTransport) -> Bool { webSocket === transport }
}
