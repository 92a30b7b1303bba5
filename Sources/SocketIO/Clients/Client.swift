import Bytes
import EngineIO
import EngineIOProtocol
import Loop
import SocketIOProtocol
import Synchronization

/// One engine session's Socket.IO side: which namespaces it is in, and whose packet arrives.
///
/// Loop-owned; it lives as long as its session.
final class Client: EngineSessionHandler, TimerTarget {
    /// A socket as its client holds it: alive until after its disconnect.
    struct Entry {
        let shared: SocketShared
        let state: SocketState

        var wireName: SharedBytes? { state.namespace.wireName }
    }

    let core: ServerCore
    let session: EngineSession
    let info: ConnectionInfo
    /// The namespaces that it has asked for and that are not found yet.
    var attempts: [ConnectAttempt] = []
    /// What the client speaks, known from its handshake.
    let revision: ProtocolRevision
    /// The sockets that pass their middlewares at present.
    var connecting: [Entry] = []
    var connections: NamespaceConnections<Entry>
    private var assembler: BinaryAssembler
    /// What it has used of the rate limits; nil without any.
    private var limits: ClientLimits?
    var connectTimer = TimerToken.none
    private(set) var isClosed = false
    /// Nothing is kept of it: a limit has closed it.
    var forgoesRecovery = false
    private var isShutDown = false
    private var upgradeHandlers: [@Sendable (Transport) -> Void] = []
    var drainHandlers: [@Sendable () -> Void] = []
    private var closeHandlers: [@Sendable (DisconnectReason, String?) -> Void] = []

    init(core: ServerCore, session: EngineSession) {
        self.core = core
        self.session = session
        info = ConnectionInfo(session)
        connections = NamespaceConnections(maxNamespaces: core.options.maxNamespacesPerClient)
        revision = ProtocolRevision(session.version)
        assembler = BinaryAssembler(
            limits: core.packetLimits,
            revision: revision,
            format: core.packetFormat
        )
        connectTimer = session.loop.schedule(self, after: core.options.connectTimeout)
        core.add(self, on: session.loop)
        connectImplicitly()
        // What no packet has asked for counts for nothing.
        let maxNamespaces = core.options.maxNamespacesPerClient
        limits = core.limiter.map { ClientLimits($0, session, maxNamespaces: maxNamespaces) }
    }

    /// No namespace was joined in time (protocol.md §16).
    func timerFired(_ tag: UInt8) {
        connectTimer = .none
        leaveAll(.forcedServerClose)
        session.close()
    }

    // MARK: Packets

    func received(text: RawSpan) {
        guard !core.isStopping else { return }
        do {
            switch try assembler.take(text: text) {
            case .deliver(let head): dispatch(head, text, [])
            case .wait: break
            }
        } catch {
            fail(error)
        }
    }

    func received(binary: SharedBytes) {
        guard !core.isStopping else { return }
        do {
            switch try assembler.take(binary: binary) {
            case .deliver(let packet):
                dispatch(packet.head, packet.text.bytes, packet.attachments)
            case .wait:
                break
            }
        } catch {
            fail(error)
        }
    }

    /// Does what a packet asks for; `text` is what its ranges refer to.
    func dispatch(_ head: PacketHead, _ text: RawSpan, _ attachments: [SharedBytes]) {
        if let limits, !isWithinLimits(head, text, attachments, limits) { return }
        switch connections.take(head, in: text) {
        case .connect:
            let name = head.namespace.map { text.extracting($0).text }
            let auth = auth(head, text)
            inOrder { client in
                // One that is closing would only take the session from its successor.
                if client.session.isOpen { client.connect(name, auth) }
            }
        case .deliver(let entry):
            deliver(head, text, attachments, to: entry.state)
        case .disconnect(let entry):
            let shared = entry.shared
            inOrder { _ in shared.state.value.finish(.clientNamespaceDisconnect) }
        case .ignore:
            break
        case .violation:
            closeForViolation()
        }
    }

    /// Runs `body` now, or, if clients recover, after what handlers have done to sockets so far.
    func inOrder(_ body: @escaping @Sendable (Client) -> Void) {
        if core.options.connectionStateRecovery == nil {
            body(self)
        } else {
            LoopBound(self, loop: session.loop).post(body)
        }
    }

    private func deliver(
        _ head: PacketHead,
        _ text: RawSpan,
        _ attachments: [SharedBytes],
        to state: SocketState
    ) {
        switch head.type {
        case .event, .binaryEvent:
            guard let eventName = head.eventName else { return }
            if let limits, !isWithinLimits(head, text, of: state, limits) { return }
            switch eventName {
            case .plain(let range), .number(let range):
                let name = text.extracting(range)
                guard state.wants(name) else { return }
                state.received(name, Self.arguments(head, text, attachments), id: head.id)
            case .escaped:
                let name = SharedBytes(eventName.text(in: text))
                state.received(
                    name.bytes,
                    Self.arguments(head, text, attachments),
                    id: head.id
                )
            }
        case .ack, .binaryAck:
            guard let id = head.id else { return }
            state.receivedAck(id, Self.arguments(head, text, attachments))
        case .connect, .disconnect, .connectError:
            break
        }
    }

    private static func arguments(
        _ head: PacketHead,
        _ text: RawSpan,
        _ attachments: [SharedBytes]
    ) -> Arguments {
        let json = head.arguments.map { SharedBytes(copying: text.extracting($0)) }
        return Arguments(
            json: json ?? SharedBytes(),
            attachments: attachments,
            wantsAck: head.id != nil
        )
    }

    // MARK: Leaving

    /// The app disconnects one socket: the client is told, the connection stays.
    func disconnect(_ state: SocketState) {
        let name = state.namespace.wireName
        // Both keep what the entry holds until its handlers have run.
        let pending = connecting.first { $0.state === state }
        connecting.removeAll { $0.state === state }
        let entry = connections.leave(name)
        let format = core.packetFormat
        state.send(EncodedPacket(format) { format.appendDisconnect(namespace: name, to: &$0) })
        state.finish(.serverNamespaceDisconnect)
        withExtendedLifetime((pending, entry)) {}
    }

    /// The app disconnects the client from everything and ends the connection.
    func disconnectAll() {
        for entry in connections.sockets { disconnect(entry.state) }
        leaveAll(.serverNamespaceDisconnect)
        session.close()
    }

    /// The server shuts down: no packet, the engine closes (protocol.md §19).
    func shutDown() {
        isShutDown = true
        leaveAll(.serverShuttingDown)
    }

    /// The server shuts down in slices, and this client is of the next: it is closed gracefully.
    func drain() {
        inOrder { client in
            client.shutDown()
            client.session.close()
        }
    }

    func leaveAll(_ reason: DisconnectReason) {
        attempts = []
        let pending = connecting
        connecting = []
        for entry in connections.takeAll() + pending { entry.state.finish(reason) }
    }

    /// A valid packet at the wrong time (protocol.md §15, class B).
    private func closeForViolation() {
        // Without a pending poll the transport cannot close at once; the reference says so.
        leaveAll(session.isWritable ? .forcedClose : .forcedServerClose)
        session.close()
    }

    /// More of its events wait for a middleware than may (`ServerOptions.maxWaitingEventBytes`).
    func closeForFlood() {
        core.options.log(.warning, "too many events wait for a middleware: client disconnected")
        closeForGood()
    }

    /// A packet that cannot be decoded (protocol.md §15, class A).
    private func fail(_ error: PacketError) {
        guard !isClosed else { return }
        let malformed = MalformedPacket(message: error.message)
        for entry in connections.sockets {
            entry.state.report(malformed, event: nil)
        }
        core.options.log(.debug, "malformed packet: \(error.message)")
        leaveAll(.forcedClose)
        session.close()
    }

    func sessionClosed(_ reason: CloseReason, _ description: String?) {
        isClosed = true
        session.loop.cancel(&connectTimer)
        let reason =
            isShutDown || core.isStopping
            ? DisconnectReason.serverShuttingDown
            : DisconnectReason(rawValue: reason.rawValue) ?? .transportClose
        leaveAll(reason)
        let handlers = closeHandlers
        closeHandlers = []
        upgradeHandlers = []
        drainHandlers = []
        waits(byteCount: 0)
        for handler in handlers { handler(reason, description) }
        core.remove(self, on: session.loop)
    }

    // MARK: The connection as the app sees it

    func sessionUpgraded() {
        info.isWebSocket.store(true, ordering: .relaxed)
        for handler in upgradeHandlers { handler(.webSocket) }
    }

    func addUpgradeHandler(_ handler: @escaping @Sendable (Transport) -> Void) {
        if !isClosed { upgradeHandlers.append(handler) }
    }

    func addCloseHandler(_ handler: @escaping @Sendable (DisconnectReason, String?) -> Void) {
        if !isClosed { closeHandlers.append(handler) }
    }

    /// The app closes the connection below Socket.IO.
    func close() {
        leaveAll(.forcedClose)
        session.close()
    }
}
