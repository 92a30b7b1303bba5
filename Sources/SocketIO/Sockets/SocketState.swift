import Bytes
import EngineIO
import Loop
import SocketIOProtocol
import Synchronization

/// What a socket is on its loop: its connection, handlers, and acknowledgements under way.
///
/// Handlers and the way to the connection are let go at the disconnect, which breaks the cycle
/// socket → handler → socket.
final class SocketState {
    private enum Life {
        case connecting
        case connected
        /// The handlers of `onDisconnecting` run; it is still in its rooms.
        case leaving
        case disconnected
    }

    let namespace: Namespace
    let loop: EventLoop
    let session: EngineSession
    let client: Client
    /// What the handles hold; let go at the disconnect, as it holds this state in turn.
    private(set) var shared: SocketShared?
    private var life = Life.connecting
    private var slot: Int32
    var handlers: [EventHandler] = []
    private var disconnectingHandlers: [DisconnectHandler] = []
    private var disconnectHandlers: [DisconnectHandler] = []
    /// What few sockets have, so that the others pay one test for it.
    private var observers: SocketObservers?
    private var acks = AckTable<PendingAck>()
    /// What recovery needs of it; nil if the client cannot recover.
    let recovery: SocketRecovery?
    /// What its client's events have used of their rate limit, once there was one.
    var events: EventBudget?

    /// A socket that passes its namespace's middlewares; it is in no room and receives nothing.
    init(
        namespace: Namespace,
        client: Client,
        session: EngineSession,
        recovery: SocketRecovery?
    ) {
        self.namespace = namespace
        self.recovery = recovery
        loop = session.loop
        self.session = session
        self.client = client
        slot = -1
        slot = local.add(self)
    }

    func adopt(_ shared: SocketShared) {
        self.shared = shared
    }

    var local: LocalNamespace { namespace.local(on: loop) }

    /// Whether broadcasts reach it.
    var isConnected: Bool {
        switch life {
        case .connected, .leaving: true
        case .connecting, .disconnected: false
        }
    }

    /// Whether a volatile packet would leave now (protocol.md §17), or may wait.
    var takesVolatile: Bool {
        isConnected && session.takesVolatile
    }

    /// What other servers may know of it; nil after the disconnect.
    var snapshot: SocketSnapshot? {
        shared.map { shared in
            SocketSnapshot(
                id: shared.id,
                handshake: shared.handshake,
                rooms: shared.rooms.withLock { $0 },
                data: shared.data.withLock { $0 }
            )
        }
    }

    /// Whether events of the client reach its handlers.
    var isListening: Bool {
        if case .connected = life { !isDisconnecting } else { false }
    }

    /// Whether it is over, so that nothing must be kept for it any more.
    var isOver: Bool {
        if case .disconnected = life { true } else { false }
    }

    // MARK: Life

    /// The middlewares have let it in: joins its own room and receives from now on.
    func connect() {
        guard case .connecting = life, let shared else { return }
        life = .connected
        shared.isConnected.store(true, ordering: .relaxed)
        join(Room(shared.id))
    }

    /// The app disconnects the socket (protocol.md §19).
    func disconnect(closing: Bool) {
        switch life {
        case .connecting, .connected:
            if closing { client.disconnectAll() } else { client.disconnect(self) }
        case .leaving:
            // Its own end is under way; those of the client's other namespaces may not be.
            if closing { client.disconnectAll() }
        case .disconnected:
            break
        }
    }

    /// Ends the socket; tells its handlers only if it was connected.
    func finish(_ reason: DisconnectReason) {
        switch life {
        case .connecting:
            foregoRecovery(after: reason)
            let shared = shared
            end(wasConnected: false)
            if let shared { forgetSession(of: shared) }
        case .connected:
            foregoRecovery(after: reason)
            life = .leaving
            for handler in disconnectingHandlers { handler.body(reason) }
            persist(after: reason)
            let handlers = disconnectHandlers
            let shared = shared
            end(wasConnected: true)
            for handler in handlers { handler.body(reason) }
            // Only now can its client come back: one end, then one beginning.
            if let shared { forgetSession(of: shared) }
        case .leaving, .disconnected:
            // A handler has disconnected it again; once is enough.
            break
        }
    }

    private func end(wasConnected: Bool) {
        life = .disconnected
        if observers?.outgoing.isEmpty == false { local.outgoingObservers -= 1 }
        observers = nil
        let rooms = local.remove(slot)
        if let shared {
            for room in rooms { namespace.countLeave(room, shared.id) }
            shared.rooms.withLock { $0 = [] }
            shared.isConnected.store(false, ordering: .relaxed)
        }
        giveSessionBack()
        shared = nil
        events = nil
        handlers = []
        disconnectingHandlers = []
        disconnectHandlers = []
        for ack in acks.takeAll() { ack.fail(AckFailure.disconnected, on: loop) }
        namespace.core.namespaces.release(namespace, wasUsed: wasConnected)
    }

    // MARK: Handlers of its end

    func addDisconnectingHandler(_ handler: DisconnectHandler) {
        if !isOver { disconnectingHandlers.append(handler) }
    }

    func addDisconnectHandler(_ handler: DisconnectHandler) {
        if !isOver { disconnectHandlers.append(handler) }
    }

    /// Forgets the handlers of `disconnecting` or `disconnect` for which `isUnwanted` answers true.
    func removeDisconnectingHandlers(where isUnwanted: (DisconnectHandler) -> Bool) {
        disconnectingHandlers.removeAll(where: isUnwanted)
    }

    func removeDisconnectHandlers(where isUnwanted: (DisconnectHandler) -> Bool) {
        disconnectHandlers.removeAll(where: isUnwanted)
    }

    // MARK: Observers

    /// Listeners of every event, middlewares and handlers of errors; nil for most sockets.
    var presentObservers: SocketObservers? { observers }

    /// Changes the observers, which are made if need be.
    func changeObservers(_ change: (SocketObservers) -> Void) {
        guard !isOver else { return }
        let observers = observers ?? SocketObservers()
        self.observers = observers
        let watched = !observers.outgoing.isEmpty
        change(observers)
        switch (watched, !observers.outgoing.isEmpty) {
        case (false, true): local.outgoingObservers += 1
        case (true, false): local.outgoingObservers -= 1
        case (false, false), (true, true): break
        }
    }

    // MARK: Rooms

    /// Joins a room; `position` is that of the call, for whoever recovers.
    func join(_ room: Room, at position: String? = nil) {
        guard let shared, local.join(slot, room) else { return }
        recovery?.joined[room] = position ?? namespace.adapter.position
        shared.rooms.withLock { _ = $0.insert(room) }
        namespace.countJoin(room, shared.id)
    }

    /// Leaves a room; `position` is that of the call, for whoever recovers.
    func leave(_ room: Room, at position: String? = nil) {
        guard let shared, local.leave(slot, room) else { return }
        recovery?.leave(room, at: position ?? namespace.adapter.position)
        shared.rooms.withLock { _ = $0.remove(room) }
        namespace.countLeave(room, shared.id)
    }

    // MARK: Packets

    /// Sends an event that the app emits to this socket.
    func emit(_ encoded: EncodedPacket, of packet: EventPacket, isVolatile: Bool) {
        guard !isVolatile || takesVolatile else { return }
        if let observers { observers.sends(packet, on: self) }
        send(encoded)
    }

    /// Queues a packet for the client.
    func send(_ packet: EncodedPacket) {
        switch life {
        case .connecting, .connected, .leaving:
            packet.send(to: session)
        case .disconnected:
            break
        }
    }

    /// As `send`, for one of many receivers of a packet without attachments.
    func send(_ text: OutgoingPacket, _ ticket: FrameTicket) {
        if isConnected { session.send(text, ticket) }
    }

    /// As `send`, for one of many receivers.
    func send(_ packet: EncodedPacket, _ tickets: PacketTickets) {
        if isConnected { packet.send(to: session, tickets) }
    }

    /// Awaits the client's answer to packet `id`.
    func expectAck(
        _ id: UInt64,
        timeout: Duration? = nil,
        _ completion: @escaping (Result<Arguments, any Error>) -> Void
    ) {
        if case .disconnected = life {
            completion(.failure(AckFailure.disconnected))
            return
        }
        let ack = PendingAck(id: id, socket: self, completion)
        if let timeout { ack.start(timeout, on: loop) }
        acks.register(id, ack)
    }

    /// The client has answered packet `id`; unknown ids are ignored (protocol.md §15).
    func receivedAck(_ id: UInt64, _ arguments: Arguments) {
        acks.take(id)?.succeed(arguments, on: loop)
    }

    /// How many answers of the client are awaited.
    var awaitedAcks: Int { acks.count }

    /// Nobody waits for packet `id` any more.
    func cancelAck(_ id: UInt64) {
        acks.take(id)?.fail(CancellationError(), on: loop)
    }

    func forgetAck(_ id: UInt64) {
        _ = acks.take(id)
    }
}
