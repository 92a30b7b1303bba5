import Bytes
import EngineIOProtocol
import HTTP1
import Loop
import Synchronization

@testable import EngineIO

typealias AllowRequest = @Sendable (HandshakeRequest) async -> HandshakeDecision

/// The closure itself: a call may have one trailing closure and no other beside it.
func deciding(_ body: @escaping AllowRequest) -> AllowRequest { body }

/// The closure itself, for the same reason.
func hooking(_ body: @escaping (inout EngineHooks) -> Void) -> (inout EngineHooks) -> Void { body }

extension EngineOptions {
    /// The defaults, but with time enough for clients on a busy machine, and no ping among what
    /// they expect.
    static var patient: EngineOptions {
        var options = EngineOptions()
        options.pingInterval = .seconds(90)
        options.upgradeTimeout = .seconds(120)
        options.headTimeout = .seconds(120)
        options.bodyTimeout = .seconds(120)
        return options
    }

    /// The patient ones, changed by `change`.
    static func with(_ change: (inout EngineOptions) -> Void) -> EngineOptions {
        var options = EngineOptions.patient
        change(&options)
        return options
    }
}

/// An engine on a port of its own whose sessions echo.
struct TestServer {
    let port: Int
    let engine: EngineServer
    /// What has happened to the sessions.
    let log: SessionLog

    static let path = "/socket.io/?EIO=4&transport="

    /// Starts a server, runs `body`, closes the server.
    static func run(
        loops: Int = 1,
        routes: RouteTable = RouteTable(),
        bundle: StaticFiles? = nil,
        allowRequest: AllowRequest? = nil,
        options: EngineOptions = .patient,
        hooks change: (inout EngineHooks) -> Void = { _ in },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        let log = SessionLog()
        let group = try LoopGroup(count: loops)
        var hooks = EngineHooks(makeHandler: { Echo($0, log) }, allowRequest: allowRequest)
        change(&hooks)
        let engine = EngineServer(
            options: options,
            group: group,
            hooks: hooks,
            routes: routes,
            bundle: bundle
        )
        let port = try await engine.start(host: "127.0.0.1", port: 0)
        defer {
            engine.forgetLoops()
            group.stop()
        }
        do {
            try await body(TestServer(port: port, engine: engine, log: log))
        } catch {
            await engine.closeAll()
            throw error
        }
        await engine.closeAll()
    }

    func client() throws -> RawClient { try RawClient(port: port) }

    /// Opens a polling session: its id and a connection that has been used for it.
    func pollingSession() throws -> (sid: String, client: RawClient) {
        let client = try client()
        let response = try client.exchange("GET", Self.path + "polling")
        return (try Self.sid(response.body), client)
    }

    /// Opens a WebSocket session and reads its open packet.
    func webSocketSession(_ query: String = "") throws -> (sid: String, client: RawClient) {
        let client = try client()
        try client.upgrade(Self.path + "websocket" + query)
        return (try Self.sid(client.readFrame().text), client)
    }

    static func sid(_ openPacket: String) throws -> String {
        guard openPacket.hasPrefix("0{\"sid\":\"") else {
            throw RawClient.Failure.malformed(openPacket)
        }
        return String(openPacket.dropFirst(9).prefix(20))
    }
}

/// How sessions have ended, in order; and which are still in memory.
final class SessionLog: Sendable {
    struct End: Equatable, Sendable {
        let reason: CloseReason
        var description: String?
    }

    private let stream: AsyncStream<End>
    private let continuation: AsyncStream<End>.Continuation
    /// How many echoes exist.
    let alive = Atomic<Int>(0)
    /// How often packets had waited and the last of them left.
    let drains = Atomic<Int>(0)

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    var aliveCount: Int { alive.load(ordering: .relaxed) }

    func append(_ end: End) { continuation.yield(end) }

    /// The next end; the suite's time limit is its deadline.
    func next() async -> End? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }
}

/// Sends back what it receives; text that begins with `!` is an order.
final class Echo: EngineSessionHandler {
    private let session: EngineSession
    private let log: SessionLog

    init(_ session: EngineSession, _ log: SessionLog) {
        self.session = session
        self.log = log
        log.alive.add(1, ordering: .relaxed)
        if session.request.head.query.value(of: "refuse") != nil { session.close() }
    }

    deinit { log.alive.subtract(1, ordering: .relaxed) }

    func received(text: RawSpan) {
        switch text.text {
        case "!close":
            session.close()
        case "!bye":
            session.send(OutgoingPacket(text: SharedBytes("4bye").bytes))
            session.close()
        case "!discard":
            session.discard()
        case "!flood":
            let packet = OutgoingPacket(
                text: SharedBytes([UInt8](repeating: 0x34, count: 1000)).bytes
            )
            for _ in 0..<100 { session.send(packet) }
        case "!transport":
            session.send(OutgoingPacket(text: SharedBytes("4\(session.transport)").bytes))
        case let text where text.hasPrefix("!plain"):
            var packet = OutgoingPacket(text: SharedBytes("4\(text)").bytes)
            packet.isCompressible = false
            session.send(packet)
        default:
            session.send(OutgoingPacket(text: SharedBytes("4\(text.text)").bytes))
        }
    }

    func received(binary: SharedBytes) {
        session.send(OutgoingPacket(binary: binary.bytes))
    }

    func sendQueueDrained() { log.drains.add(1, ordering: .relaxed) }

    func sessionClosed(_ reason: CloseReason, _ description: String?) {
        log.append(SessionLog.End(reason: reason, description: description))
    }
}
