import Bytes
import EngineIOProtocol
package import Loop
import Synchronization

/// An Engine.IO server: loops that accept, and the table of who owns which session.
///
/// Sendable: what it holds is fixed at `init` or behind a lock; sessions belong to their loops.
package final class EngineServer: Sendable {
    package let options: EngineOptions
    package let group: LoopGroup
    let hooks: EngineHooks
    let routes: RouteTable
    let bundle: StaticFiles?
    let pathPrefix: SharedBytes
    /// What follows every open packet.
    let initialPacket: OutgoingPacket?

    /// Which loop owns a session, for requests that land on another (§6 across loops).
    private let owners = Mutex<[SessionID: Int]>([:])
    private let engines = Mutex<[LoopBound<EngineLoop>]>([])
    private let sessionCounter = Atomic<UInt32>(0)

    /// Prepares a server; `start` opens its port.
    package init(
        options: EngineOptions,
        group: LoopGroup,
        hooks: EngineHooks,
        routes: RouteTable,
        bundle: StaticFiles?
    ) {
        self.options = options
        self.group = group
        self.hooks = hooks
        self.routes = routes
        self.bundle = bundle
        pathPrefix = SharedBytes(options.path)
        initialPacket = options.initialPacket.map {
            let unit = SharedBytes("4" + $0)
            return OutgoingPacket(text: unit.bytes)
        }
    }

    /// Listens on every loop.
    ///
    /// - Returns: The port.
    /// - Throws: `SystemCallError`.
    package func start(host: String, port: Int) async throws -> Int {
        let address = try BoundAddress(host: host, port: port)
        for loop in group.loops {
            let descriptor = DescriptorInTransit(try address.listen(backlog: options.listenBacklog))
            try await withCheckedThrowingContinuation {
                (ready: CheckedContinuation<Void, any Error>) in
                loop.post {
                    do {
                        let engine = EngineLoop(server: self, loop: loop)
                        if let descriptor = descriptor.take() { try engine.listen(descriptor) }
                        self.engines.withLock { $0.append(LoopBound(engine, loop: loop)) }
                        ready.resume()
                    } catch {
                        ready.resume(throwing: error)
                    }
                }
            }
        }
        return address.port
    }

    /// Stops accepting; connections go on.
    ///
    /// Returns once every loop has stopped.
    package func stopAccepting() async {
        await onEveryLoop { $0.stopAccepting() }
    }

    /// Stops accepting, and refuses new sessions on the connections that there are.
    ///
    /// Returns once every loop does so.
    package func beginDraining() async {
        await onEveryLoop { $0.beginDraining() }
    }

    /// Closes every session and connection.
    ///
    /// Returns once every loop has done so.
    package func closeAll() async {
        await onEveryLoop { $0.closeAll() }
    }

    /// Closes everything without waiting for it, when nobody holds the server any more.
    package func abandon() {
        for engine in engines.withLock({ $0 }) { engine.post { $0.closeAll() } }
        forgetLoops()
    }

    /// Lets go of the loops' parts, which hold this server in turn; at the end.
    package func forgetLoops() {
        engines.withLock { $0 = [] }
    }

    /// Returns when no connection is left, or after `limit`.
    package func connectionsClosed(within limit: Duration) async {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            var open = 0
            for loop in group.loops {
                open += await withCheckedContinuation { count in
                    loop.post { count.resume(returning: loop.openConnections) }
                }
            }
            if open == 0 { return }
            await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
                LoopTimer(on: group.loops[0]).start(after: .milliseconds(20)) { done.resume() }
            }
        }
    }

    /// How many sessions are open.
    package var sessionCount: Int { owners.withLock { $0.count } }

    private func onEveryLoop(_ body: @escaping @Sendable (EngineLoop) -> Void) async {
        for engine in engines.withLock({ $0 }) {
            await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
                engine.post { engine in
                    body(engine)
                    done.resume()
                }
            }
        }
    }

    // MARK: For the loops

    func makeSessionID() -> SessionID {
        SessionID(counter: sessionCounter.wrappingAdd(1, ordering: .relaxed).oldValue)
    }

    /// Gives `id` to a session of `loop`; false if another session has it.
    func claim(_ id: SessionID, for loop: EventLoop) -> Bool {
        owners.withLock { owners in
            guard owners[id] == nil else { return false }
            owners[id] = loop.index
            return true
        }
    }

    /// The session of that id is over.
    func release(_ id: SessionID) {
        owners.withLock { $0[id] = nil }
    }

    /// The loop that owns `id`, if it is open.
    func owner(of id: SessionID) -> LoopBound<EngineLoop>? {
        guard let index = owners.withLock({ $0[id] }) else { return nil }
        return engines.withLock { engines in engines.first { $0.loop.index == index } }
    }
}

/// A descriptor on its way from one thread to another.
final class DescriptorInTransit: Sendable {
    private let slot: Mutex<Descriptor?>

    init(_ descriptor: consuming Descriptor) {
        slot = Mutex(descriptor)
    }

    func take() -> Descriptor? {
        slot.withLock { $0.take() }
    }
}

extension SessionID {
    /// An id of the kernel's random bytes and `counter`.
    package init(counter: UInt32) {
        let random: [12 of UInt8] = randomBytes()
        var high: UInt64 = 0
        var low: UInt32 = 0
        for index in 0..<8 { high = high << 8 | UInt64(random[index]) }
        for index in 8..<12 { low = low << 8 | UInt32(random[index]) }
        self.init(random: (high, low), counter: counter)
    }
}
