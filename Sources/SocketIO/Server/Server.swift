import Bytes
import EngineIO
import EngineIOProtocol
import HTTP1
import Loop
import Synchronization

/// A Socket.IO server: its port, its namespaces, and plain HTTP beside them.
///
/// ```swift
/// let server = try Server(ServerOptions(port: 3000))
/// server.onConnection { socket in
///     socket.on("joinRoom") { (room: String) in socket.join(Room(room)) }
///     socket.on("message") { (room: String, text: String) in
///         try server.to(Room(room)).emit("message", text)
///     }
/// }
/// try await server.run()
/// ```
///
/// Usable from any thread. Handlers, middlewares and routes are set up before `start`.
public final class Server: Sendable {
    /// initial → starting → running → stopping → stopped; each with what exists then.
    private enum Life: Sendable {
        case initial(RouteTable)
        case starting
        case running(EngineServer, port: Int)
        case stopping(EngineServer, port: Int)
        case stopped
    }

    let core: ServerCore
    private let life: Mutex<Life>
    /// `shutdown` was called, or a signal asks for it.
    private let stopped = OneShotEvent()
    /// `shutdown` is done.
    private let finished = OneShotEvent()
    /// The namespace `/`.
    public let main: Namespace

    /// Prepares a server; its threads start, its port opens with `start`.
    ///
    /// - Throws: What the operating system or the adapter refuses.
    public init(_ options: ServerOptions = ServerOptions()) throws {
        core = try ServerCore(options: options)
        main = try core.namespaces.namespace("/", core)
        life = Mutex(.initial(RouteTable()))
    }

    deinit {
        // Nobody can wait here; the loops close what is open and end.
        core.beginStopping()
        let life = life.withLock { $0 }
        if case .running(let engine, _) = life { engine.abandon() }
        core.namespaces.forgetAll()
        core.group.stop()
    }

    // MARK: Life

    /// Opens the port, once the adapters are ready.
    ///
    /// After an error the server cannot be started again.
    /// - Returns: The port, of interest when 0 was asked for.
    /// - Throws: `ServerError`.
    @discardableResult
    public func start() async throws -> Int {
        let routes: RouteTable = try life.withLock { life in
            guard case .initial(let routes) = life else { throw ServerError.alreadyStarted }
            life = .starting
            return routes
        }
        let options = core.options
        let core = core
        var hooks = EngineHooks(
            makeHandler: { Client(core: core, session: $0) },
            allowRequest: options.engineAllowRequest,
            log: { options.log(LogLevel($0), $1) }
        )
        options.addEvents(to: &hooks)
        if let limiter = core.limiter {
            hooks.refuseHandshake = { limiter.refusal(of: $0, at: $1.turnTime) }
        }
        hooks.payloadTooLarge = { core.refused($0) }
        let engine = EngineServer(
            options: options.engine,
            group: core.group,
            hooks: hooks,
            routes: routes,
            bundle: options.clientDirectory.map {
                StaticFiles(directory: $0, mount: options.bundlePath, kind: .clientBundle)
            }
        )
        for namespace in core.namespaces.all { await namespace.adapter.ready() }
        let port: Int
        do {
            port = try await engine.start(host: options.host, port: options.port)
        } catch {
            life.withLock { $0 = .stopped }
            await finish(engine)
            guard let error = error as? SystemCallError else { throw error }
            throw error.isAddressInUse
                ? ServerError.portInUse(host: options.host, port: options.port)
                : ServerError.system("\(error)")
        }
        let isWanted = life.withLock { life in
            // `shutdown` may have been called meanwhile.
            guard case .starting = life else { return false }
            life = .running(engine, port: port)
            return true
        }
        guard isWanted else {
            await finish(engine)
            throw ServerError.alreadyStarted
        }
        return port
    }

    /// Starts, if that has not happened, and returns after `shutdown`, or after SIGTERM or SIGINT
    /// has shut the server down.
    ///
    /// The signals are heard from before `onStart` is called. A second one ends
    /// `ServerOptions.drainTime` at once.
    /// - Parameter onStart: Called with the port once it is open.
    /// - Throws: `ServerError`.
    public func run(onStart: (_ port: Int) -> Void = { _ in }) async throws {
        let stopped = stopped
        let drain = core.drain
        do {
            try core.group.loops[0].onTermination {
                if stopped.hasHappened { drain.end() }
                stopped.signal()
            }
        } catch {
            throw ServerError.system("\(error)")
        }
        let isInitial = life.withLock { life in
            if case .initial = life { true } else { false }
        }
        if isInitial { try await start() }
        if let port { onStart(port) }
        await stopped.wait()
        await shutdown()
    }

    /// Shuts down: accepts nobody, tells every socket, closes every connection, ends the adapters.
    ///
    /// With `ServerOptions.drainTime` that takes time: the port is closed, new clients on
    /// connections that are kept alive are answered 503 with `{"code":101,…}` and `Connection:
    /// close`, and the clients there are, which are served as before, are closed in small groups,
    /// in random order. Their sockets hear `server shutting down`, as do those of all clients that
    /// are left in the end.
    ///
    /// Handlers are let go, so that the server can be freed although they hold it. A second call
    /// waits for the first; a server that has not started can then not be started any more.
    public func shutdown() async {
        let former = life.withLock { life in
            let former = life
            switch life {
            case .initial, .starting: life = .stopped
            case .running(let engine, let port): life = .stopping(engine, port: port)
            case .stopping, .stopped: break
            }
            return former
        }
        stopped.signal()
        switch former {
        case .initial: await finish(nil)
        case .running(let engine, _):
            await drain(engine)
            await finish(engine)
        case .starting, .stopping, .stopped: await finished.wait()
        }
    }

    /// Whether the server shuts down, or has: load balancers are to send nobody any more.
    public var isShuttingDown: Bool {
        life.withLock { life in
            switch life {
            case .initial, .starting, .running: false
            case .stopping, .stopped: true
            }
        }
    }

    /// Runs `body` at the shutdown, before sockets are told and adapters closed; with
    /// `ServerOptions.drainTime` when that is over, and only those that are left are to be told.
    ///
    /// What it sends to other servers still leaves; the shutdown waits for it.
    public func onShutdown(
        _ body: nonisolated(nonsending) @escaping @Sendable () async -> Void
    ) {
        core.onShutdown(body)
    }

    private func drain(_ engine: EngineServer) async {
        let time = core.options.drainTime
        guard time > .zero else { return }
        await engine.beginDraining()
        core.options.log(.info, "draining: \(engine.sessionCount) clients leave within \(time)")
        await core.drainClients(over: time)
    }

    private func finish(_ engine: EngineServer?) async {
        for body in core.takeShutdownHandlers() { await body() }
        core.beginStopping()
        await engine?.stopAccepting()
        await core.disconnectAll()
        await engine?.closeAll()
        await engine?.connectionsClosed(within: core.options.shutdownTimeout)
        await core.namespaces.close()
        engine?.forgetLoops()
        core.group.stop()
        life.withLock { $0 = .stopped }
        stopped.signal()
        finished.signal()
    }

    /// The port, once the server runs; while it shuts down still, though nobody listens there.
    public var port: Int? {
        life.withLock { life in
            switch life {
            case .running(_, let port), .stopping(_, let port): port
            case .initial, .starting, .stopped: nil
            }
        }
    }

    /// How many Engine.IO sessions are open.
    public var clientsCount: Int {
        life.withLock { life in
            switch life {
            case .running(let engine, _), .stopping(let engine, _): engine.sessionCount
            case .initial, .starting, .stopped: 0
            }
        }
    }

    // MARK: Plain HTTP

    /// Answers `method` on exactly `path`; HEAD is answered from GET.
    ///
    /// A thrown `HTTPResponse` is the answer, too; other errors are logged and answered 500.
    /// To be called before `start`; later calls trap.
    public func route(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ handler:
            nonisolated(nonsending) @escaping @Sendable (HTTPRequest) async throws ->
            HTTPResponse
    ) {
        let core = core
        changeRoutes { routes in
            routes.add(method.engineMethod, path) { request in
                do {
                    return try await handler(HTTPRequest(request, core.options.proxyTrust))
                        .routeResponse
                } catch let response as HTTPResponse {
                    return response.routeResponse
                } catch {
                    core.options.log(.error, "route \(path): \(error)")
                    return RouteResponse(status: 500)
                }
            }
        }
    }

    /// Serves the files of a folder below `path`; `index.html` for a folder itself.
    ///
    /// To be called before `start`; later calls trap.
    public func serveFiles(from directory: String, at path: String = "/") {
        let mount = path.hasSuffix("/") ? path : path + "/"
        changeRoutes { $0.add(StaticFiles(directory: directory, mount: mount, kind: .page)) }
    }

    private func changeRoutes(_ change: (inout RouteTable) -> Void) {
        life.withLock { life in
            guard case .initial(var routes) = life else {
                preconditionFailure("routes must be set up before the server starts")
            }
            change(&routes)
            life = .initial(routes)
        }
    }
}

/// The namespace `/` under its server's name, as in Node's `io.emit`.
extension Server {
    /// Adds a check to the namespace `/`; see `Namespace.use`.
    public func use(
        _ middleware:
            nonisolated(nonsending) @escaping @Sendable (Socket, Auth) async throws ->
            Void
    ) {
        main.use(middleware)
    }

    /// Runs `handler` for every new socket of `/`; see `Namespace.onConnection`.
    public func onConnection(_ handler: @escaping @Sendable (Socket) throws -> Void) {
        main.onConnection(handler)
    }

    /// Runs `handler` for every new socket of `/`; see `Namespace.onConnection`.
    public func onConnection(
        _ handler: nonisolated(nonsending) @escaping @Sendable (Socket) async throws -> Void
    ) {
        main.onConnection(handler)
    }
}
