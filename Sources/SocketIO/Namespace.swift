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

    enum ConnectionHandler: Sendable {
        case sync(@Sendable (Socket) throws -> Void)
        case async(@Sendable (Socket) async throws -> Void)
    }

    private struct Setup {
        var middlewares: [Middleware] = []
        var connectionHandlers: [ConnectionHandler] = []
        var serverHandlers: [ServerSideHandler] = []
    }

    /// The name, such as `/chat`.
    public let name: String
    /// The name as it stands in packets that are sent; nil for `/`.
    package let wireName: SharedBytes?

    let core: ServerCore
    private let setup = Mutex(Setup())
    private let adapterSlot = Mutex<(any Adapter)?>(nil)
    private let locals: [LoopBound<LocalNamespace>]
    private let ackCounter = Atomic<UInt64>(0)
    private let census = Mutex(Census())

    /// How many local sockets are in each room, over all loops.
    private struct Census {
        var counts: [Room: Int] = [:]
        /// Rooms that came or went, of which the adapter has not been told yet.
        var news: [News] = []
        var isTelling = false
    }

    private enum News {
        case created(Room)
        case deleted(Room)
    }

    init(name: String, core: ServerCore) throws {
        self.name = name
        self.core = core
        wireName = name == "/" ? nil : SharedBytes(name)
        locals = core.group.loops.map { LoopBound(LocalNamespace(loop: $0), loop: $0) }
        let context = AdapterContext(loops: core.group, log: core.options.log)
        let adapter = try core.options.adapter.make(self, context)
        adapterSlot.withLock { $0 = adapter }
    }

    var adapter: any Adapter {
        guard let adapter = adapterSlot.withLock({ $0 }) else {
            preconditionFailure("an adapter called its host before it was made")
        }
        return adapter
    }

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
        setup.withLock { $0.middlewares.append(middleware) }
    }

    /// Runs `handler` for every new socket, on the socket's loop, before any of its events.
    public func onConnection(_ handler: @escaping @Sendable (Socket) throws -> Void) {
        setup.withLock { $0.connectionHandlers.append(.sync(handler)) }
    }

    /// As the synchronous form; events that arrive while `handler` is suspended find the handlers
    /// that it has registered so far.
    public func onConnection(
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket) async throws -> Void
    ) {
        setup.withLock { $0.connectionHandlers.append(.async(handler)) }
    }

    var middlewares: [Middleware] { setup.withLock { $0.middlewares } }
    var connectionHandlers: [ConnectionHandler] { setup.withLock { $0.connectionHandlers } }

    // MARK: For sockets and loops

    /// This namespace's part on `loop`.
    func local(on loop: EventLoop) -> LocalNamespace { locals[loop.index].value }

    func add(_ handler: ServerSideHandler) {
        setup.withLock { $0.serverHandlers.append(handler) }
    }

    func serverHandlers(of event: String) -> [ServerSideHandler] {
        setup.withLock { $0.serverHandlers.filter { $0.event == event } }
    }

    func nextAckID() -> UInt64 {
        ackCounter.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    /// A local socket has joined `room`.
    func countJoin(_ room: Room) {
        changeCensus { census in
            let count = census.counts[room, default: 0] + 1
            census.counts[room] = count
            if count == 1 { census.news.append(.created(room)) }
        }
    }

    /// A local socket has left `room`.
    func countLeave(_ room: Room) {
        changeCensus { census in
            let count = census.counts[room, default: 0] - 1
            census.counts[room] = count > 0 ? count : nil
            if count == 0 { census.news.append(.deleted(room)) }
        }
    }

    /// Changes the counts and tells the adapter what is new, in order, whichever loops it is from.
    ///
    /// The lock is not held meanwhile: the adapter may call its host.
    private func changeCensus(_ change: (inout Census) -> Void) {
        var news = census.withLock { census in
            change(&census)
            guard !census.isTelling, !census.news.isEmpty else { return [News]() }
            census.isTelling = true
            return Self.takeNews(&census)
        }
        while !news.isEmpty {
            for item in news {
                switch item {
                case .created(let room): adapter.roomCreated(room)
                case .deleted(let room): adapter.roomDeleted(room)
                }
            }
            news = census.withLock { Self.takeNews(&$0) }
        }
    }

    /// The news so far; without any, whoever has told them is done.
    private static func takeNews(_ census: inout Census) -> [News] {
        let news = census.news
        census.news = []
        census.isTelling = !news.isEmpty
        return news
    }

    /// How many sockets of this server are in `room`.
    public func localCount(of room: Room) -> Int {
        census.withLock { $0.counts[room] ?? 0 }
    }

    /// Ends the adapter and lets go of the app's closures, which often hold the server.
    func close() async {
        await adapter.close()
        forgetHandlers()
    }

    func forgetHandlers() {
        setup.withLock { $0 = Setup() }
    }
}

extension Namespace: AdapterHost {
    /// See `AdapterHost`.
    public func deliver(_ packet: EventPacket, _ options: BroadcastOptions, offset: String?) {
        let encoded = packet.withOffset(offset).encoded(
            namespace: wireName,
            isCompressible: options.isCompressed
        )
        for local in locals {
            local.run { $0.deliver(encoded, options) }
        }
    }

    /// See `AdapterHost`.
    public func deliver(_ packet: EventPacket, _ options: BroadcastOptions, acks: BroadcastAcks) {
        let id = nextAckID()
        let encoded = packet.encoded(
            namespace: wireName,
            id: id,
            isCompressible: options.isCompressed
        )
        // Held until every loop has its order, or the first to report could be taken for the last.
        acks.hold()
        acks.expectSources(locals.count)
        for local in locals {
            local.run { $0.deliver(encoded, options, ackID: id, acks) }
        }
        acks.release()
    }

    /// See `AdapterHost`.
    public func joinLocally(_ rooms: [Room], _ options: BroadcastOptions) {
        forEachSelected(options) { socket in
            for room in rooms { socket.join(room) }
        }
    }

    /// See `AdapterHost`.
    public func leaveLocally(_ rooms: [Room], _ options: BroadcastOptions) {
        forEachSelected(options) { socket in
            for room in rooms { socket.leave(room) }
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
                local.run { local in
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
        census.withLock { $0.counts[room] != nil }
    }

    /// See `AdapterHost`.
    public var localRooms: Set<Room> {
        census.withLock { Set($0.counts.keys) }
    }

    /// See `AdapterHost`.
    public func receivedServerSideEmit(
        _ packet: EventPacket,
        reply: (@Sendable (Arguments) -> Void)?
    ) {
        runServerHandlers(packet, reply: reply)
    }

    private func forEachSelected(
        _ options: BroadcastOptions,
        _ body: @escaping @Sendable (SocketState) -> Void
    ) {
        for local in locals {
            local.run { local in
                for socket in local.selected(options) { body(socket) }
            }
        }
    }
}

extension EventPacket {
    /// The packet with `offset` as its last argument (protocol.md §20).
    fileprivate func withOffset(_ offset: String?) -> EventPacket {
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
