import Synchronization

/// The parent of all namespaces whose names match a pattern (protocol.md §16).
///
/// A child is made when a client first connects to its name. It begins with the middlewares and
/// handlers that the parent has at that moment; what is registered later is for later children.
/// From any thread.
///
/// ```swift
/// let tenants = server.of(matching: /^\/tenant-[0-9]+$/)
/// tenants.use { socket, auth in
///     guard auth["token"] != nil else { throw ConnectError("not authorized") }
/// }
/// tenants.onConnection { socket in
///     try socket.namespace.emit("joined", socket.id)
/// }
/// try tenants.emit("news", "to all tenants")
/// ```
public final class ParentNamespace: Sendable {
    /// Which names are its children's.
    enum Rule: Sendable {
        case pattern(@Sendable (String) -> Bool)
        case function(@Sendable (String, Auth) async throws -> Bool)
    }

    private struct State {
        var setup = NamespaceSetup()
        var children: [NamespaceName: Namespace] = [:]
    }

    /// A name of its own, `/_0` for the first, as in Node.
    public let name: String
    let rule: Rule
    private let state = Mutex(State())

    init(name: String, rule: Rule) {
        self.name = name
        self.rule = rule
    }

    /// Whether the rule is a pattern that `name` matches.
    func isPattern(matching name: String) -> Bool {
        switch rule {
        case .pattern(let matches): matches(name)
        case .function: false
        }
    }

    // MARK: Setting up

    /// Adds a check to children that are made from now on; see `Namespace.use`.
    public func use(
        _ middleware:
            nonisolated(nonsending) @escaping @Sendable (Socket, Auth) async throws -> Void
    ) {
        state.withLock { $0.setup.middlewares.append(middleware) }
    }

    /// Runs `handler` for every new socket of children that are made from now on.
    public func onConnection(_ handler: @escaping @Sendable (Socket) throws -> Void) {
        state.withLock { $0.setup.connectionHandlers.append(.sync(handler)) }
    }

    /// As the synchronous form; see `Namespace.onConnection`.
    public func onConnection(
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket) async throws -> Void
    ) {
        state.withLock { $0.setup.connectionHandlers.append(.async(handler)) }
    }

    // MARK: Children

    /// The children there are at this moment on this server, in no order.
    public var children: [Namespace] { state.withLock { Array($0.children.values) } }

    /// What a new child begins with.
    var setup: NamespaceSetup { state.withLock { $0.setup } }

    func adopt(_ child: Namespace) {
        state.withLock { $0.children[NamespaceName(text: child.name)] = child }
    }

    func forget(_ child: Namespace) {
        state.withLock { state in
            let name = NamespaceName(text: child.name)
            if state.children[name] === child { state.children[name] = nil }
        }
    }

    /// Lets go of the children and of the app's closures, which often hold the server.
    func forgetAll() {
        state.withLock { $0 = State() }
    }

    // MARK: Sending

    /// Everybody in all children.
    public var everyone: ParentBroadcastOperator { ParentBroadcastOperator(parent: self) }

    /// The members of a room, in each child.
    public func to(_ room: Room) -> ParentBroadcastOperator { everyone.to(room) }

    /// The members of rooms, in each child.
    public func to(_ rooms: [Room]) -> ParentBroadcastOperator { everyone.to(rooms) }

    /// The same as `to`.
    public func `in`(_ room: Room) -> ParentBroadcastOperator { everyone.to(room) }

    /// The same as `to`.
    public func `in`(_ rooms: [Room]) -> ParentBroadcastOperator { everyone.to(rooms) }

    /// Everybody but the members of a room.
    public func except(_ room: Room) -> ParentBroadcastOperator { everyone.except(room) }

    /// Everybody but the members of rooms.
    public func except(_ rooms: [Room]) -> ParentBroadcastOperator { everyone.except(rooms) }

    /// The sockets of this server.
    public var local: ParentBroadcastOperator { everyone.local }

    /// Sockets that can take the event at once.
    public var volatile: ParentBroadcastOperator { everyone.volatile }

    /// Whether the event may be compressed.
    public func compress(_ isCompressed: Bool) -> ParentBroadcastOperator {
        everyone.compress(isCompressed)
    }

    /// Sends an event to everybody in all children.
    ///
    /// - Throws: As `BroadcastOperator.emit`.
    public func emit<each Value: Encodable>(_ event: String, _ values: repeat each Value) throws {
        try everyone.emit(event, repeat each values)
    }

    /// Sends an event with arguments that are encoded already to everybody in all children.
    ///
    /// - Throws: As `BroadcastOperator.emit`.
    public func emit(_ event: String, arguments: Arguments) throws {
        try everyone.emit(event, arguments: arguments)
    }

    /// Sends the event `message` to everybody in all children.
    ///
    /// - Throws: What encoding an argument throws.
    public func send<each Value: Encodable>(_ values: repeat each Value) throws {
        try everyone.emit("message", repeat each values)
    }
}
