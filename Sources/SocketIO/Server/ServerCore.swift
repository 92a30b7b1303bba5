import EngineIO
import EngineIOProtocol
import Loop
import SocketIOProtocol
import Synchronization

/// The clients of one loop, which owns this.
final class LocalClients {
    fileprivate(set) var clients: [ObjectIdentifier: Client] = [:]
    /// Called when the last of them has gone; it may be called within any call to a client.
    var onEmpty: (() -> Void)?
}

/// What a server's namespaces, clients and loops share.
final class ServerCore: Sendable {
    let options: ServerOptions
    let group: LoopGroup
    let packetLimits: PacketLimits
    let packetFormat: PacketFormat
    let namespaces: NamespaceRegistry
    let counters = ServerCounters()
    /// The rate limits; nil without any.
    let limiter: RateLimiter?
    let drain = Drain()
    let recoveryBudget = RecoveryBudget()
    let payloadLog = LogThrottle()
    let overflowLog = LogThrottle()
    private let clients: [LoopBound<LocalClients>]
    private let idCounter = Atomic<UInt32>(0)
    private let stopping = Atomic<Bool>(false)
    private let shutdownHandlers = Mutex<[@Sendable () async -> Void]>([])

    init(options: ServerOptions) throws {
        self.options = options
        packetFormat = options.parser.format
        let count = options.loops > 0 ? options.loops : LoopGroup.availableCores
        group = try LoopGroup(count: count)
        namespaces = NamespaceRegistry(options: options, group: group)
        limiter = options.rateLimits.map { [counters] in RateLimiter($0, options, counters) }
        let total = options.maxAttachments.multipliedReportingOverflow(
            by: options.maxHTTPBufferSize
        )
        packetLimits = PacketLimits(
            maxAttachments: options.maxAttachments,
            // Each attachment is a message, bounded by itself.
            maxAttachmentBytes: total.overflow ? .max : total.partialValue,
            maxDepth: min(options.maxJSONDepth, 500)
        )
        clients = group.loops.map { LoopBound(LocalClients(), loop: $0) }
    }

    /// A loop for what belongs to none: the caller's own if it is one.
    var someLoop: EventLoop { group.current ?? group.loops[0] }

    /// Whether the server shuts down: clients are not listened to any more.
    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Whether clients that come back to their session pass the middlewares by.
    var recoveredSkipMiddlewares: Bool {
        options.connectionStateRecovery?.skipsMiddlewares ?? false
    }

    func onShutdown(_ body: @escaping @Sendable () async -> Void) {
        shutdownHandlers.withLock { $0.append(body) }
    }

    /// What is to run before everything else ends; once.
    func takeShutdownHandlers() -> [@Sendable () async -> Void] {
        shutdownHandlers.withLock { handlers in
            defer { handlers = [] }
            return handlers
        }
    }

    func beginStopping() { stopping.store(true, ordering: .relaxed) }

    /// A public socket id (protocol.md §1).
    func makeID() -> String {
        SessionID(counter: idCounter.wrappingAdd(1, ordering: .relaxed).oldValue).description
    }

    func report(_ error: HandlerError) {
        options.onError?(error)
        let place = error.event.map { "handler of \"\($0)\"" } ?? "packet"
        options.log(.debug, "\(place), socket \(error.socket.id): \(error.error)")
    }

    func add(_ client: Client, on loop: EventLoop) {
        clients[loop.index].value.clients[ObjectIdentifier(client)] = client
    }

    func remove(_ client: Client, on loop: EventLoop) {
        let local = clients[loop.index].value
        local.clients[ObjectIdentifier(client)] = nil
        if local.clients.isEmpty { local.onEmpty?() }
    }

    /// Closes the clients in slices over `time`, or until `drain.end`.
    func drainClients(over time: Duration) async {
        await drain.run(
            zip(clients, group.loops).map { clients, loop in
                LoopBound(
                    LoopDrain(clients, over: time, loops: group.loops.count, options.log),
                    loop: loop
                )
            }
        )
    }

    /// Tells every socket that the server shuts down; returns when all loops have done so.
    func disconnectAll() async {
        for local in clients {
            await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
                local.post { local in
                    for client in local.clients.values { client.shutDown() }
                    done.resume()
                }
            }
        }
    }
}
