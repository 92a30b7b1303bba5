import Bytes
import EngineIO
import Foundation
import Loop
import SocketIOProtocol
import Synchronization

/// What any thread may know of a socket.
final class SocketShared: Sendable {
    let id: String
    let namespace: Namespace
    let handshake: Handshake
    let state: LoopBound<SocketState>
    /// A copy of the rooms, published by the loop.
    let rooms = Mutex<Set<Room>>([])
    /// The app's data, as JSON.
    let data = Mutex<Data?>(nil)
    let isConnected = Atomic<Bool>(false)

    init(id: String, namespace: Namespace, handshake: Handshake, state: SocketState) {
        self.id = id
        self.namespace = namespace
        self.handshake = handshake
        self.state = LoopBound(state, loop: state.loop)
        state.adopt(self)
    }
}

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
    private var shared: SocketShared?
    private var life = Life.connecting
    private var slot: Int32
    private var handlers: [EventHandler] = []
    private var disconnectingHandlers: [@Sendable (DisconnectReason) -> Void] = []
    private var disconnectHandlers: [@Sendable (DisconnectReason) -> Void] = []
    private var acks = AckTable<PendingAck>()

    /// A socket that passes its namespace's middlewares; it is in no room and receives nothing.
    init(namespace: Namespace, client: Client, session: EngineSession) {
        self.namespace = namespace
        loop = session.loop
        self.session = session
        self.client = client
        slot = -1
        slot = local.add(self)
    }

    fileprivate func adopt(_ shared: SocketShared) {
        self.shared = shared
    }

    private var local: LocalNamespace { namespace.local(on: loop) }

    /// Whether broadcasts reach it.
    var isConnected: Bool {
        switch life {
        case .connected, .leaving: true
        case .connecting, .disconnected: false
        }
    }

    /// Whether a volatile packet would leave now (protocol.md §17).
    var isWritable: Bool {
        isConnected && session.isWritable
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
            end()
        case .connected:
            life = .leaving
            for handler in disconnectingHandlers { handler(reason) }
            let handlers = disconnectHandlers
            end()
            for handler in handlers { handler(reason) }
        case .leaving, .disconnected:
            // A handler has disconnected it again; once is enough.
            break
        }
    }

    private func end() {
        life = .disconnected
        for room in local.remove(slot) { namespace.countLeave(room) }
        if let shared {
            shared.rooms.withLock { $0 = [] }
            shared.isConnected.store(false, ordering: .relaxed)
        }
        shared = nil
        handlers = []
        disconnectingHandlers = []
        disconnectHandlers = []
        for ack in acks.takeAll() { ack.fail(AckFailure.disconnected, on: loop) }
    }

    func addDisconnectingHandler(_ handler: @escaping @Sendable (DisconnectReason) -> Void) {
        if case .disconnected = life { return }
        disconnectingHandlers.append(handler)
    }

    func addDisconnectHandler(_ handler: @escaping @Sendable (DisconnectReason) -> Void) {
        if case .disconnected = life { return }
        disconnectHandlers.append(handler)
    }

    // MARK: Rooms

    func join(_ room: Room) {
        if case .disconnected = life { return }
        guard local.join(slot, room) else { return }
        shared?.rooms.withLock { _ = $0.insert(room) }
        namespace.countJoin(room)
    }

    func leave(_ room: Room) {
        if case .disconnected = life { return }
        guard local.leave(slot, room) else { return }
        shared?.rooms.withLock { _ = $0.remove(room) }
        namespace.countLeave(room)
    }

    // MARK: Packets

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

    fileprivate func forgetAck(_ id: UInt64) {
        _ = acks.take(id)
    }

    func addHandler(_ handler: EventHandler) {
        if case .disconnected = life { return }
        handlers.append(handler)
    }

    /// Whether an event of this name has a handler; `name` is the JSON string without quotes.
    func handlesEvent(_ name: RawSpan) -> Bool {
        for handler in handlers where handler.name.bytes.isEqual(to: name) { return true }
        return false
    }

    /// Runs the handlers of an event, in the order of registration.
    func received(_ name: RawSpan, _ arguments: Arguments, id: UInt64?) {
        var count = 0
        for handler in handlers where handler.name.bytes.isEqual(to: name) { count += 1 }
        guard count > 0, let shared else { return }
        let reply = id.map { Reply(id: $0, handlers: count) }
        for handler in handlers where handler.name.bytes.isEqual(to: name) {
            guard case .connected = life else { return }
            run(handler, arguments, reply, shared)
        }
    }

    private func run(
        _ handler: EventHandler,
        _ arguments: Arguments,
        _ reply: Reply?,
        _ shared: SocketShared
    ) {
        switch handler.body {
        case .sync(let body):
            do {
                finish(reply, try body(arguments))
            } catch {
                fail(reply, handler, error, shared)
            }
        case .async(let body):
            let reply = reply.map { LoopBound($0, loop: loop) }
            loop.startTask {
                do {
                    let outcome = try await body(arguments)
                    shared.state.run { $0.finish(reply?.value, outcome) }
                } catch {
                    shared.state.run { $0.fail(reply?.value, handler, error, shared) }
                }
            }
        }
    }

    private func finish(_ reply: Reply?, _ outcome: HandlerOutcome) {
        guard let reply, let answer = reply.answer(to: outcome) else { return }
        sendAck(reply.id, answer)
    }

    private func fail(
        _ reply: Reply?,
        _ handler: EventHandler,
        _ error: any Error,
        _ shared: SocketShared
    ) {
        namespace.core.report(
            HandlerError(
                socket: Socket(shared: shared),
                event: handler.nameText,
                error: error
            )
        )
        guard let reply, let answer = reply.answer(to: .ack(.describing(error))) else { return }
        sendAck(reply.id, answer)
    }

    private func sendAck(_ id: UInt64, _ arguments: Arguments) {
        let namespace = namespace.wireName
        send(
            EncodedPacket(attachments: arguments.attachments) { buffer in
                PacketWriter.appendAck(
                    id: id,
                    arguments: arguments.json.bytes,
                    attachments: arguments.attachments.count,
                    namespace: namespace,
                    to: &buffer
                )
            }
        )
    }
}

/// The answer that a client waits for, given once though an event may have several handlers.
private final class Reply {
    let id: UInt64
    private var handlersLeft: Int
    private var isSent = false

    init(id: UInt64, handlers: Int) {
        self.id = id
        handlersLeft = handlers
    }

    /// What to send now: the first value, or nothing's acknowledgement when all are done without.
    func answer(to outcome: HandlerOutcome) -> Arguments? {
        handlersLeft -= 1
        guard !isSent else { return nil }
        switch outcome {
        case .ack(let arguments):
            isSent = true
            return arguments
        case .none:
            guard handlersLeft == 0 else { return nil }
            isSent = true
            return Arguments()
        }
    }
}

/// An acknowledgement that the server waits for.
final class PendingAck: TimerTarget {
    private let id: UInt64
    private weak var socket: SocketState?
    private var timer = TimerToken.none
    private var completion: ((Result<Arguments, any Error>) -> Void)?

    init(
        id: UInt64,
        socket: SocketState,
        _ completion: @escaping (Result<Arguments, any Error>) -> Void
    ) {
        self.id = id
        self.socket = socket
        self.completion = completion
    }

    func start(_ timeout: Duration, on loop: EventLoop) {
        timer = loop.schedule(self, after: timeout)
    }

    func succeed(_ arguments: Arguments, on loop: EventLoop) {
        loop.cancel(&timer)
        complete(.success(arguments))
    }

    func fail(_ error: any Error, on loop: EventLoop) {
        loop.cancel(&timer)
        complete(.failure(error))
    }

    func timerFired(_ tag: UInt8) {
        timer = .none
        socket?.forgetAck(id)
        complete(.failure(AckFailure.timedOut))
    }

    private func complete(_ result: Result<Arguments, any Error>) {
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}

extension Arguments {
    /// What a client learns of an error: an `AckError` or `ArgumentError` in full, of others that
    /// they happened.
    fileprivate static func describing(_ error: any Error) -> Arguments {
        let visible: AckError =
            switch error {
            case let error as AckError: error
            case let error as ArgumentError:
                AckError(code: "invalid_argument", message: error.description)
            default: AckError(code: "internal")
            }
        // Two strings always encode.
        return (try? Arguments(["error": visible])) ?? Arguments()
    }
}
