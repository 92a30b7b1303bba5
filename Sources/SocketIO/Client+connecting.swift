import Bytes
import EngineIO
import EngineIOProtocol
import Loop
import SocketIOProtocol

/// A namespace that a client has asked for, until it is found or not.
///
/// Immutable; known by its identity.
final class NamespaceSearch: Sendable {
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
        let auth = Auth(auth ?? SharedBytes("{}"))
        switch core.namespaces.enter(name ?? "/") {
        case .entered(let namespace):
            join(namespace, auth)
        case .unknown:
            refuse(name.map { SharedBytes($0) }, ConnectError("Invalid namespace"), asObject: true)
        case .undecided:
            search(for: name ?? "/", auth)
        }
    }

    /// Asks the patterns, or waits for a namespace that comes or goes at this moment.
    private func search(for name: String, _ auth: Auth) {
        let search = NamespaceSearch(name: name, auth: auth)
        searches.append(search)
        let client = LoopBound(self, loop: session.loop)
        let core = core
        session.loop.startTask {
            let namespace = await core.namespaces.find(name, auth, core)
            client.run { $0.finish(search, namespace) }
        }
    }

    /// A search has come to an end; the client may have gone meanwhile.
    private func finish(_ search: NamespaceSearch, _ namespace: Namespace?) {
        guard let index = searches.firstIndex(where: { $0 === search }) else {
            if let namespace { core.namespaces.release(namespace, wasUsed: false) }
            return
        }
        searches.remove(at: index)
        if let namespace {
            join(namespace, search.auth)
        } else {
            let name = search.name == "/" ? nil : SharedBytes(search.name)
            refuse(name, ConnectError("Invalid namespace"), asObject: true)
        }
    }

    /// Leads a new socket through the namespace's middlewares.
    private func join(_ namespace: Namespace, _ auth: Auth) {
        let handshake = Handshake(
            request: ConnectionRequest(session.request, core.options.proxyTrust),
            auth: auth
        )
        let state = SocketState(namespace: namespace, client: self, session: session)
        let shared = SocketShared(
            id: makeID(in: namespace),
            namespace: namespace,
            handshake: handshake,
            connection: info,
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

    private func refuse(_ name: SharedBytes?, _ error: ConnectError, asObject: Bool = false) {
        guard connections.refuse(name) else { return }
        refusal(of: name, error, asObject: asObject).send(to: session)
    }
}
