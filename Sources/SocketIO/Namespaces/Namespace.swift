package import Bytes
import EngineIO
import Loop
import Synchronization

/// A namespace: a set of sockets with their own events, rooms and middlewares (protocol.md §16).
///
/// Usable from any thread.
///
/// ```swift
/// let chat = server.of("/chat")
/// chat.use { socket, auth in
///     guard auth["token"] == "secret" else { throw ConnectError("not authorized") }
/// }
/// chat.onConnection { socket in
///     socket.join("lobby")
/// }
/// ```
public final class Namespace: Sendable {
    /// A check of a socket that connects; it throws to refuse it.
    public typealias Middleware = @Sendable (Socket, Auth) async throws -> Void

    /// The name, such as `/chat`.
    public let name: String
    /// The name as it stands in packets that are sent; nil for `/`.
    package let wireName: SharedBytes?

    let core: ServerCore
    /// Whether it is made on demand, and goes when it is empty.
    let isChild: Bool
    private let setup: Mutex<NamespaceSetup>
    private let adapterSlot = Mutex<(any Adapter)?>(nil)
    let locals: [LoopBound<LocalNamespace>]
    private let isGone = Atomic<Bool>(false)
    private let recovers = Atomic<Bool>(false)
    /// What clients can recover, in the order in which all loops deliver it.
    let ordered = OrderedDeliveries()
    /// Who has the sessions to which clients can come back.
    let sessions = SessionHolders()
    private let ackCounter = Atomic<UInt64>(0)
    private let census = RoomCensus()

    /// A namespace with its adapter; `setup` is what a child has from its parent.
    ///
    /// - Throws: What the adapter's factory throws.
    init(name: String, core: ServerCore, setup: NamespaceSetup, isChild: Bool) throws {
        self.setup = Mutex(setup)
        self.isChild = isChild
        self.name = name
        self.core = core
        wireName = name == "/" ? nil : SharedBytes(name)
        locals = core.group.loops.map { LoopBound(LocalNamespace(loop: $0), loop: $0) }
        try makeAdapter()
    }

    /// Makes an adapter, at the beginning, or when the namespace is wanted again after its end.
    ///
    /// - Throws: What the adapter's factory throws.
    func makeAdapter() throws {
        let recovery = core.options.connectionStateRecovery?.limited(by: core.options.sendQueue)
        let context = AdapterContext(
            loops: core.group,
            log: core.options.log,
            recovery: recovery,
            budget: core.recoveryBudget
        )
        let adapter = try core.options.adapter.make(self, context)
        adapterSlot.withLock { $0 = adapter }
        guard recovery != nil else { return }
        recovers.store(adapter.isRecovering, ordering: .relaxed)
        if !adapter.isRecovering {
            core.options.log(
                .warning,
                "\(name): clients do not recover, the adapter keeps neither packets nor sessions"
            )
        }
    }

    var adapter: any Adapter {
        guard let adapter = adapterSlot.withLock({ $0 }) else {
            preconditionFailure("an adapter called its host before it was made")
        }
        return adapter
    }

    /// Whether clients that were away for a moment miss nothing (protocol.md §20).
    ///
    /// If so, whatever concerns its sockets passes the loops' mailboxes, in the order of the calls:
    /// a packet with an offset must not overtake another on any loop.
    var isRecovering: Bool { recovers.load(ordering: .relaxed) }

    /// Where the packets kept end at this moment, if clients recover.
    var position: String? { isRecovering ? adapter.position : nil }

    // MARK: Setting up

    /// Adds a check that every connecting socket has to pass, in the order of registration.
    ///
    /// Throwing `ConnectError` refuses the socket with message and data; any other error refuses
    /// it with the message `internal error`.
    public func use(
        _ middleware:
            nonisolated(nonsending) @escaping @Sendable (Socket, Auth) async throws ->
            Void
    ) {
        change { $0.middlewares.append(middleware) }
    }

    /// Runs `handler` for every new socket, on the socket's loop, before any of its events.
    public func onConnection(_ handler: @escaping @Sendable (Socket) throws -> Void) {
        change { $0.connectionHandlers.append(.sync(handler)) }
    }

    /// As the synchronous form; events that arrive while `handler` is suspended find the handlers
    /// that it has registered so far.
    public func onConnection(
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket) async throws -> Void
    ) {
        change { $0.connectionHandlers.append(.async(handler)) }
    }

    private func change(_ change: (inout NamespaceSetup) -> Void) {
        setup.withLock { setup in
            change(&setup)
            setup.isOwn = true
        }
    }

    /// Whether it is an empty child that was closed and forgotten.
    func markGone() { isGone.store(true, ordering: .relaxed) }

    /// The namespace that has its name now: another one if it is gone and was made anew.
    var current: Namespace {
        guard isChild, isGone.load(ordering: .relaxed) else { return self }
        return core.namespaces.existing(name) ?? self
    }

    /// Whether the app has set it up beyond what a new one gets, so that it must not be replaced.
    var hasOwnSetup: Bool { setup.withLock { $0.isOwn } }

    /// What it has so far every new one of its name gets again.
    func settle() { setup.withLock { $0.isOwn = false } }

    var middlewares: [Middleware] { setup.withLock { $0.middlewares } }
    var connectionHandlers: [NamespaceSetup.ConnectionHandler] {
        setup.withLock { $0.connectionHandlers }
    }

    // MARK: For sockets and loops

    /// This namespace's part on `loop`.
    func local(on loop: EventLoop) -> LocalNamespace { locals[loop.index].value }

    /// Runs `body` on a loop: at once if this is it, unless clients recover, else in order.
    private func run(
        _ local: LoopBound<LocalNamespace>,
        _ body: @escaping @Sendable (LocalNamespace) -> Void
    ) {
        if isRecovering { local.post(body) } else { local.run(body) }
    }

    func add(_ handler: ServerSideHandler) {
        change { $0.serverHandlers.append(handler) }
    }

    func serverHandlers(of event: String) -> [ServerSideHandler] {
        setup.withLock { $0.serverHandlers.filter { $0.event == event } }
    }

    func nextAckID() -> UInt64 {
        ackCounter.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    /// The local socket `id` has joined `room`.
    func countJoin(_ room: Room, _ id: String) { census.joined(room, id, in: self) }

    /// The local socket `id` has left `room`.
    func countLeave(_ room: Room, _ id: String) { census.left(room, id, in: self) }

    func add(_ observer: RoomObserver) {
        census.add(observer)
        change { _ in }
    }

    /// How many sockets of this server are in `room`.
    public func localCount(of room: Room) -> Int {
        census.count(of: room)
    }

    /// Lets go of the app's closures, which often hold the server.
    func forgetHandlers() {
        setup.withLock { $0 = NamespaceSetup() }
        census.forgetObservers()
    }
}

extension Namespace: AdapterHost {
    /// See `AdapterHost`.
    public func deliver(_ packet: EventPacket, _ options: BroadcastOptions, offset: String?) {
        let encoded = packet.withOffset(offset).encoded(
            as: core.packetFormat,
            namespace: wireName,
            isCompressible: options.isCompressed,
            isVolatile: options.isVolatile
        )
        for local in locals {
            run(local) { $0.deliver(encoded, of: packet, options) }
        }
    }

    /// See `AdapterHost`.
    public func deliver(
        _ packet: EventPacket,
        _ options: BroadcastOptions,
        inOrder offset: () -> String
    ) {
        ordered.deliver(packet, options, in: self, offset)
    }

    /// See `AdapterHost`.
    public func deliver(_ packet: EventPacket, _ options: BroadcastOptions, acks: BroadcastAcks) {
        let id = nextAckID()
        let encoded = packet.encoded(
            as: core.packetFormat,
            namespace: wireName,
            id: id,
            isCompressible: options.isCompressed,
            isVolatile: options.isVolatile
        )
        // Held until every loop has its order, or the first to report could be taken for the last.
        acks.hold()
        acks.expectSources(locals.count)
        for local in locals {
            run(local) { $0.deliver(encoded, of: packet, options, ackID: id, acks) }
        }
        acks.release()
    }

    /// See `AdapterHost`.
    public func joinLocally(_ rooms: [Room], _ options: BroadcastOptions) {
        let position = position
        forEachSelected(options) { socket in
            for room in rooms { socket.join(room, at: position) }
        }
    }

    /// See `AdapterHost`.
    public func leaveLocally(_ rooms: [Room], _ options: BroadcastOptions) {
        let position = position
        forEachSelected(options) { socket in
            for room in rooms { socket.leave(room, at: position) }
        }
    }

    /// See `AdapterHost`.
    public func disconnectLocally(_ options: BroadcastOptions, closing: Bool) {
        forEachSelected(options) { $0.disconnect(closing: closing) }
    }

    /// See `AdapterHost`.
    public func localSockets(_ options: BroadcastOptions) async -> [SocketSnapshot] {
        var all: [SocketSnapshot] = []
        for local in locals {
            all += await withCheckedContinuation { continuation in
                run(local) { local in
                    continuation.resume(
                        returning: local.selected(options).compactMap { $0.snapshot }
                    )
                }
            }
        }
        return all
    }

    /// See `AdapterHost`.
    public func hasLocalMembers(_ room: Room) -> Bool {
        census.count(of: room) > 0
    }

    /// See `AdapterHost`.
    public var localRooms: Set<Room> {
        census.rooms
    }

    /// See `AdapterHost`.
    public func receivedServerSideEmit(
        _ packet: EventPacket,
        reply: (@Sendable (Arguments) -> Void)?
    ) {
        runServerHandlers(packet, reply: reply)
    }

    /// The selected local sockets themselves.
    func sockets(_ options: BroadcastOptions) async -> [Socket] {
        var all: [Socket] = []
        for local in locals {
            all += await withCheckedContinuation { continuation in
                run(local) { local in
                    continuation.resume(
                        returning: local.selected(options).compactMap { state in
                            state.shared.map { Socket(shared: $0) }
                        }
                    )
                }
            }
        }
        return all
    }

    private func forEachSelected(
        _ options: BroadcastOptions,
        _ body: @escaping @Sendable (SocketState) -> Void
    ) {
        for local in locals {
            run(local) { local in
                for socket in local.selected(options) { body(socket) }
            }
        }
    }
}

extension EventPacket {
    /// The packet with `offset` as its last argument (protocol.md §20).
    func withOffset(_ offset: String?) -> EventPacket {
        guard let offset else { return self }
        var json = ByteBuffer(capacity: arguments.json.count + offset.utf8.count + 3)
        json.append(arguments.json)
        if !json.isEmpty { json.append(ASCII.comma) }
        json.append(jsonString: offset)
        return EventPacket(
            unchecked: name,
            arguments: Arguments(json: json.takeShared(), attachments: arguments.attachments)
        )
    }
}
