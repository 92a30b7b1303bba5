import Bytes
import EngineIO
import EngineIOProtocol
import Loop
import SocketIOProtocol

/// One engine session's Socket.IO side: which namespaces it is in, and whose packet arrives.
///
/// Loop-owned; it lives as long as its session.
final class Client: EngineSessionHandler, TimerTarget {
    /// A socket as its client holds it: alive until after its disconnect.
    private struct Entry {
        let shared: SocketShared
        let state: SocketState

        var wireName: SharedBytes? { state.namespace.wireName }
    }

    let core: ServerCore
    let session: EngineSession
    /// What the client speaks, known from its handshake.
    let revision: ProtocolRevision
    /// The sockets that pass their middlewares at present.
    private var connecting: [Entry] = []
    private var connections: NamespaceConnections<Entry>
    private var assembler: BinaryAssembler
    private var connectTimer = TimerToken.none
    private var isClosed = false

    init(core: ServerCore, session: EngineSession) {
        self.core = core
        self.session = session
        connections = NamespaceConnections(maxNamespaces: core.options.maxNamespacesPerClient)
        revision = ProtocolRevision(session.version)
        assembler = BinaryAssembler(limits: core.packetLimits, revision: revision)
        connectTimer = session.loop.schedule(self, after: core.options.connectTimeout)
        core.add(self, on: session.loop)
        connectImplicitly()
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

    private func dispatch(_ head: PacketHead, _ text: RawSpan, _ attachments: [SharedBytes]) {
        switch connections.take(head, in: text) {
        case .connect:
            connect(
                head.namespace.map { text.extracting($0).text },
                auth(head, text)
            )
        case .deliver(let entry):
            deliver(head, text, attachments, to: entry.state)
        case .disconnect(let entry):
            entry.state.finish(.clientNamespaceDisconnect)
        case .ignore:
            break
        case .violation:
            closeForViolation()
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
            switch eventName {
            case .plain(let range), .number(let range):
                let name = text.extracting(range)
                guard state.handlesEvent(name) else { return }
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

    // MARK: Connecting

    /// A client wants to join; a name of nil is `/`.
    private func connect(_ name: String?, _ auth: SharedBytes?) {
        guard let namespace = core.existingNamespace(name ?? "/") else {
            refuse(name.map { SharedBytes($0) }, ConnectError("Invalid namespace"), asObject: true)
            return
        }
        let handshake = Handshake(
            request: ConnectionRequest(session.request, core.options.proxyTrust),
            auth: Auth(auth ?? SharedBytes("{}"))
        )
        let state = SocketState(namespace: namespace, client: self, session: session)
        let shared = SocketShared(
            id: makeID(in: namespace),
            namespace: namespace,
            handshake: handshake,
            state: state
        )
        let entry = Entry(shared: shared, state: state)
        let middlewares = namespace.middlewares
        guard !middlewares.isEmpty else {
            admit(entry)
            return
        }
        connecting.append(entry)
        let socket = Socket(shared: shared)
        let client = LoopBound(self, loop: session.loop)
        session.loop.startTask {
            do {
                for middleware in middlewares { try await middleware(socket, handshake.auth) }
                client.run { $0.finishConnecting(shared, error: nil) }
            } catch {
                client.run { $0.finishConnecting(shared, error: error) }
            }
        }
    }

    /// The middlewares have come to an end; the socket may have gone meanwhile.
    private func finishConnecting(_ shared: SocketShared, error: (any Error)?) {
        guard let index = connecting.firstIndex(where: { $0.shared === shared }) else { return }
        let entry = connecting.remove(at: index)
        guard let error else {
            admit(entry)
            return
        }
        entry.state.finish(.serverNamespaceDisconnect)
        if !(error is ConnectError) {
            core.report(
                HandlerError(socket: Socket(shared: shared), event: "middleware", error: error)
            )
        }
        refuse(entry.wireName, error as? ConnectError ?? ConnectError("internal error"))
    }

    private func admit(_ entry: Entry) {
        let wireName = entry.wireName
        guard connections.accept(wireName, entry) else {
            entry.state.finish(.serverNamespaceDisconnect)
            return
        }
        session.loop.cancel(&connectTimer)
        entry.state.connect()
        entry.state.send(acceptance(of: wireName, id: entry.shared.id))
        let socket = Socket(shared: entry.shared)
        for handler in entry.state.namespace.connectionHandlers { run(handler, socket) }
    }

    private func run(_ handler: Namespace.ConnectionHandler, _ socket: Socket) {
        let core = core
        switch handler {
        case .sync(let body):
            do {
                try body(socket)
            } catch {
                core.report(HandlerError(socket: socket, event: "connection", error: error))
            }
        case .async(let body):
            session.loop.startTask {
                do {
                    try await body(socket)
                } catch {
                    core.report(HandlerError(socket: socket, event: "connection", error: error))
                }
            }
        }
    }

    private func refuse(_ name: SharedBytes?, _ error: ConnectError, asObject: Bool = false) {
        guard connections.refuse(name) else { return }
        refusal(of: name, error, asObject: asObject).send(to: session)
    }

    // MARK: Leaving

    /// The app disconnects one socket: the client is told, the connection stays.
    func disconnect(_ state: SocketState) {
        let name = state.namespace.wireName
        // Both keep what the entry holds until its handlers have run.
        let pending = connecting.first { $0.state === state }
        connecting.removeAll { $0.state === state }
        let entry = connections.leave(name)
        state.send(EncodedPacket { PacketWriter.appendDisconnect(namespace: name, to: &$0) })
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
        leaveAll(.serverShuttingDown)
    }

    private func leaveAll(_ reason: DisconnectReason) {
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

    /// A packet that cannot be decoded (protocol.md §15, class A).
    private func fail(_ error: PacketError) {
        guard !isClosed else { return }
        let malformed = MalformedPacket(message: error.message)
        for entry in connections.sockets {
            core.report(
                HandlerError(socket: Socket(shared: entry.shared), event: nil, error: malformed)
            )
        }
        core.options.log(.debug, "malformed packet: \(error.message)")
        leaveAll(.forcedClose)
        session.close()
    }

    func sessionClosed(_ reason: CloseReason, _ description: String?) {
        isClosed = true
        session.loop.cancel(&connectTimer)
        leaveAll(
            core.isStopping
                ? .serverShuttingDown
                : DisconnectReason(rawValue: reason.rawValue) ?? .transportClose
        )
        core.remove(self, on: session.loop)
    }
}
