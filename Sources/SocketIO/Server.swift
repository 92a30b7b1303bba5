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
    /// initial → running → stopped; each with what exists then.
    private enum Life: Sendable {
        case initial(RouteTable)
        case starting
        case running(EngineServer, port: Int)
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
    /// The signals are heard from before `onStart` is called.
    /// - Parameter onStart: Called with the port once it is open.
    /// - Throws: `ServerError`.
    public func run(onStart: (_ port: Int) -> Void = { _ in }) async throws {
        let stopped = stopped
        do {
            try core.group.loops[0].onTermination { stopped.signal() }
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
    /// Handlers are let go, so that the server can be freed although they hold it. A second call
    /// waits for the first; a server that has not started can then not be started any more.
    public func shutdown() async {
        let former = life.withLock { life in
            defer { life = .stopped }
            return life
        }
        stopped.signal()
        switch former {
        case .initial: await finish(nil)
        case .running(let engine, _): await finish(engine)
        case .starting, .stopped: await finished.wait()
        }
    }

    /// Runs `body` when the shutdown begins, before sockets are told and adapters closed.
    ///
    /// What it sends to other servers still leaves; the shutdown waits for it.
    public func onShutdown(
        _ body: nonisolated(nonsending) @escaping @Sendable () async -> Void
    ) {
        core.onShutdown(body)
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
        stopped.signal()
        finished.signal()
    }

    /// The port, once the server runs.
    public var port: Int? {
        life.withLock { life in
            if case .running(_, let port) = life { port } else { nil }
        }
    }

    /// How many Engine.IO sessions are open.
    public var clientsCount: Int {
        life.withLock { life in
            if case .running(let engine, _) = life { engine.sessionCount } else { 0 }
        }
    }

    // MARK: Plain HTTP

    /// Answers `method` on exactly `path`; HEAD is answered from GET.
    ///
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
