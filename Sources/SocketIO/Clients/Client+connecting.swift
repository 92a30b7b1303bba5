import Bytes
import EngineIO
import EngineIOProtocol
import Loop
import SocketIOProtocol
import Synchronization

/// A namespace that a client has asked for, until it is found or not, and the session there too.
///
/// Immutable; known by its identity.
final class ConnectAttempt: Sendable {
    let name: String
    let auth: Auth

    init(name: String, auth: Auth) {
        self.name = name
        self.auth = auth
    }
}

// The way into a namespace: found, its middlewares passed, admitted (protocol.md §16).
extension Client {
    /// The client wants to join; a name of nil is `/`.
    func connect(_ name: String?, _ auth: SharedBytes?) {
        enter(name ?? "/", Auth(auth ?? SharedBytes("{}")))
    }

    private func enter(_ name: String, _ auth: Auth) {
        switch core.namespaces.enter(name) {
        case .entered(let namespace):
            found(namespace, auth)
        case .unknown:
            refuseUnknown(name)
        case .undecided:
            search(for: name, auth)
        }
    }

    private func found(_ namespace: Namespace, _ auth: Auth) {
        if namespace.isRecovering, revision == .five, let request = RecoveryRequest(auth) {
            recover(request, in: namespace, auth)
        } else {
            join(namespace, auth, nil)
        }
    }

    /// Asks the patterns, or waits for a namespace that comes or goes at this moment.
    private func search(for name: String, _ auth: Auth) {
        let attempt = ConnectAttempt(name: name, auth: auth)
        attempts.append(attempt)
        let client = LoopBound(self, loop: session.loop)
        let core = core
        session.loop.startTask {
            let namespace = await core.namespaces.find(name, auth, core)
            client.run { $0.finish(attempt, namespace) }
        }
    }

    /// A search has come to an end; the client may have gone meanwhile.
    private func finish(_ attempt: ConnectAttempt, _ namespace: Namespace?) {
        guard let index = attempts.firstIndex(where: { $0 === attempt }) else {
            if let namespace { core.namespaces.release(namespace, wasUsed: false) }
            return
        }
        attempts.remove(at: index)
        if let namespace {
            found(namespace, attempt.auth)
        } else {
            refuseUnknown(attempt.name)
        }
    }

    /// Leads a socket, new or restored, through the namespace's middlewares.
    ///
    /// A client that has asked for a session, found or not, has a `claim`.
    func join(
        _ namespace: Namespace,
        _ auth: Auth,
        _ restored: RestoredSession?,
        _ claim: SessionClaim? = nil
    ) {
        let handshake = Handshake(
            request: ConnectionRequest(session.request, core.options.proxyTrust),
            auth: auth
        )
        let state = SocketState(
            namespace: namespace,
            client: self,
            session: session,
            recovery: recovery(in: namespace, restored, auth)
        )
        let shared = SocketShared(
            id: restored?.session.id ?? makeID(in: namespace),
            isRecovered: restored != nil,
            namespace: namespace,
            handshake: handshake,
            connection: info,
            state: state
        )
        if let data = restored?.session.data { shared.data.withLock { $0 = data } }
        if let claim, !namespace.sessions.settle(claim, with: restored.map { _ in shared }) {
            // The client has come back once more; this gives the session back.
            state.finish(.transportClose)
            replace()
            return
        }
        let entry = Entry(shared: shared, state: state)
        let middlewares = namespace.middlewares
        guard !middlewares.isEmpty, restored == nil || !core.recoveredSkipMiddlewares else {
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
        guard let missed = entry.state.catchUp() else {
            joinAnew(entry)
            return
        }
        guard connections.accept(wireName, entry) else {
            entry.state.finish(.serverNamespaceDisconnect)
            return
        }
        session.loop.cancel(&connectTimer)
        entry.state.connect()
        entry.state.beginSession()
        for packet in missed {
            entry.state.send(packet.encoded(as: core.packetFormat, namespace: wireName))
        }
        entry.state.send(acceptance(of: wireName, entry))
        let socket = Socket(shared: entry.shared)
        for handler in entry.state.namespace.connectionHandlers { run(handler, socket) }
    }

    /// What a restored session has missed is not kept any more: it becomes a new socket.
    private func joinAnew(_ entry: Entry) {
        entry.state.recovery?.restored = nil
        switch core.namespaces.enter(entry.state.namespace.name) {
        case .entered(let namespace): join(namespace, entry.shared.handshake.auth, nil)
        case .unknown, .undecided: refuseUnknown(entry.state.namespace.name)
        }
        entry.state.finish(.serverNamespaceDisconnect)
    }

    private func run(_ handler: NamespaceSetup.ConnectionHandler, _ socket: Socket) {
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

    private func refuseUnknown(_ name: String) {
        let name = name == "/" ? nil : SharedBytes(name)
        refuse(name, ConnectError("Invalid namespace"), asObject: true)
    }

    private func refuse(_ name: SharedBytes?, _ error: ConnectError, asObject: Bool = false) {
        guard connections.refuse(name) else { return }
        refusal(of: name, error, asObject: asObject).send(to: session)
    }
}
