import Bytes
import Loop
import MessagePack
import Redis
public import SocketIO

/// Sends events to the clients of a cluster from a process that serves none, such as a backend.
///
/// Of the same form as Node's `@socket.io/redis-emitter`, so it reaches servers in Swift and in
/// Node. Usable from any thread.
///
/// ```swift
/// let emitter = try Emitter(url: "redis://127.0.0.1:6379")
/// try emitter.to("room1").emit("message", ["userId": "backend", "message": "hello"])
/// await emitter.close()
/// ```
public final class Emitter: Sendable {
    private enum Connection {
        case single(RedisClient)
        case cluster(RedisCluster)
    }

    private let connection: Connection
    private let loops: LoopGroup
    private let options: RedisAdapterOptions

    /// An emitter to the Redis at `url`; see `RedisBroker` for URLs.
    ///
    /// It connects by itself. `options` must be those of the servers; `log` hears of the connection.
    /// - Throws: What is wrong with the URL, or the operating system refuses.
    public init(
        url: String,
        _ options: RedisAdapterOptions = RedisAdapterOptions(),
        log: @escaping @Sendable (LogLevel, String) -> Void = { _, _ in }
    ) throws {
        let address = try RedisAddress(url: url)
        self.options = options
        loops = try LoopGroup(count: 1)
        var settings = options.redis(address, name: "socket.io-emitter")
        settings.holdsMessagesAfterLoss = true
        let losses = LossWatch(log)
        let regrouping = Regrouping(
            on: loops.loops[0],
            reachesAll: options.mode == .classic,
            onCount: { losses.look(at: $0) },
            onRefusal: { log(.error, "redis: servers cannot be counted: \($0)") }
        )
        let stateLog = StateLog("emitter to \(address)", log)
        let client = RedisClient(
            options: settings,
            loop: loops.loops[0],
            onChange: { state in
                stateLog.changed(state)
                regrouping.changed(state)
            }
        )
        regrouping.watch(client)
        // Every server has the namespace `/`.
        switch options.mode {
        case .classic:
            let channels = ClassicChannels(key: options.prefix, namespace: "/")
            regrouping.count(by: channels.request, isSharded: false)
        case .sharded:
            regrouping.count(by: SharedBytes("\(options.prefix)#/#"), isSharded: true)
        }
        connection = .single(client)
        client.start()
    }

    /// An emitter to the Redis Cluster of which `urls` are some nodes; see `RedisBroker`.
    ///
    /// - Throws: What is wrong with a URL, or the operating system refuses.
    public init(
        cluster urls: [String],
        _ options: RedisAdapterOptions = RedisAdapterOptions(mode: .sharded(.dynamic)),
        log: @escaping @Sendable (LogLevel, String) -> Void = { _, _ in }
    ) throws {
        let addresses = try RedisAddress.nodes(urls)
        self.options = options
        loops = try LoopGroup(count: 1)
        let cluster = RedisCluster(
            options: options.redis(addresses.first, name: "socket.io-emitter"),
            seeds: addresses.others.map(\.endpoint),
            loop: loops.loops[0],
            onChange: StateLog("emitter to the cluster of \(addresses.first)", log).changed
        )
        connection = .cluster(cluster)
        cluster.start()
    }

    deinit { loops.stop() }

    /// How the connection is.
    public var health: RedisHealth {
        switch connection {
        case .single(let client): RedisHealth(client.status)
        case .cluster(let cluster): RedisHealth(cluster.status)
        }
    }

    /// Ends the connection when what was sent has left; then nothing is sent any more.
    public func close() async {
        switch connection {
        case .single(let client): await client.close()
        case .cluster(let cluster): await cluster.close()
        }
        loops.stop()
    }

    /// Everybody in the namespace `name`.
    public func of(_ name: String) -> EmitterOperator {
        EmitterOperator(emitter: self, namespace: name.hasPrefix("/") ? name : "/" + name)
    }

    /// Everybody in the namespace `/`.
    public var everyone: EmitterOperator { of("/") }

    /// The members of a room of the namespace `/`.
    public func to(_ room: Room) -> EmitterOperator { everyone.to(room) }

    /// The members of rooms of the namespace `/`.
    public func to(_ rooms: [Room]) -> EmitterOperator { everyone.to(rooms) }

    /// Everybody in the namespace `/` but the members of a room.
    public func except(_ room: Room) -> EmitterOperator { everyone.except(room) }

    /// Sends an event to everybody in the namespace `/`.
    ///
    /// - Throws: As `EmitterOperator.emit`.
    public func emit<each Value: Encodable>(_ event: String, _ values: repeat each Value) throws {
        try everyone.emit(event, repeat each values)
    }

    func publish(_ message: ClusterMessage, namespace: String) {
        let uid = ClassicCoding.emitter
        switch options.mode {
        case .classic:
            let wire = ClassicWire(
                prefix: options.prefix,
                namespace: namespace,
                uid: uid,
                limits: options.limits
            )
            publish(wire.publication(of: message), sharded: false)
        case .sharded(let mode):
            let wire = ShardedWire(
                prefix: options.prefix,
                namespace: namespace,
                uid: uid,
                mode: mode,
                limits: options.limits
            )
            publish(wire.publication(of: message), sharded: true)
        }
    }

    private func publish(
        _ publication: (channel: SharedBytes, payload: SharedBytes),
        sharded: Bool
    ) {
        let (channel, payload) = publication
        switch connection {
        case .single(let client): client.publish(channel, payload, sharded: sharded)
        case .cluster(let cluster): cluster.publish(channel, payload, sharded: sharded)
        }
    }
}

/// Whom an `Emitter` sends to; immutable, so it can be kept and shared.
public struct EmitterOperator: Sendable {
    let emitter: Emitter
    let namespace: String
    var options = BroadcastOptions()

    /// Adds a room to the targets.
    public func to(_ room: Room) -> EmitterOperator { to([room]) }

    /// Adds rooms to the targets: whoever is in one of them.
    public func to(_ rooms: [Room]) -> EmitterOperator {
        changed { $0.rooms += rooms.filter { !options.rooms.contains($0) } }
    }

    /// Leaves out the members of a room.
    public func except(_ room: Room) -> EmitterOperator { except([room]) }

    /// Leaves out whoever is in one of the rooms.
    public func except(_ rooms: [Room]) -> EmitterOperator { changed { $0.except += rooms } }

    /// Sockets that cannot take the event at once miss it.
    public var volatile: EmitterOperator { changed { $0.isVolatile = true } }

    /// Whether the event may be compressed, by servers that do.
    public func compress(_ isCompressed: Bool) -> EmitterOperator {
        changed { $0.isCompressed = isCompressed }
    }

    /// Sends an event; at most once, and nobody tells whether it has arrived.
    ///
    /// - Throws: `EmitError.reservedEvent`, or what encoding an argument throws.
    public func emit<each Value: Encodable>(_ event: String, _ values: repeat each Value) throws {
        try emit(event, arguments: Arguments(repeat each values))
    }

    /// Sends an event with arguments that are encoded already.
    ///
    /// - Throws: `EmitError.reservedEvent`.
    public func emit(_ event: String, arguments: Arguments) throws {
        let packet = try EventPacket(name: event, arguments: arguments)
        emitter.publish(.broadcast(packet, options, requestID: nil), namespace: namespace)
    }

    /// Makes the sockets join rooms.
    public func socketsJoin(_ rooms: Room...) { socketsJoin(rooms) }

    /// Makes the sockets join rooms.
    public func socketsJoin(_ rooms: [Room]) {
        emitter.publish(.join(rooms, options), namespace: namespace)
    }

    /// Makes the sockets leave rooms.
    public func socketsLeave(_ rooms: Room...) { socketsLeave(rooms) }

    /// Makes the sockets leave rooms.
    public func socketsLeave(_ rooms: [Room]) {
        emitter.publish(.leave(rooms, options), namespace: namespace)
    }

    /// Disconnects the sockets, and with `close` their connections.
    public func disconnectSockets(close: Bool = false) {
        emitter.publish(.disconnect(options, closing: close), namespace: namespace)
    }

    /// Sends an event to the servers' own handlers (`Namespace.onServerSideEmit`).
    ///
    /// - Throws: `EmitError.reservedEvent`, or what encoding an argument throws.
    public func serverSideEmit<each Value: Encodable>(
        _ event: String,
        _ values: repeat each Value
    ) throws {
        let packet = try EventPacket(serverSide: event, Arguments(repeat each values))
        emitter.publish(.serverSideEmit(packet, requestID: nil), namespace: namespace)
    }

    private func changed(_ change: (inout BroadcastOptions) -> Void) -> EmitterOperator {
        var copy = self
        change(&copy.options)
        return copy
    }
}
