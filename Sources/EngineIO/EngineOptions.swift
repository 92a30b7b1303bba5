package import EngineIOProtocol
package import HTTP1
package import Loop
package import WebSocket

/// Everything an engine can be told; the defaults are the reference's (protocol.md §12) where it
/// has one.
package struct EngineOptions: Sendable {
    /// Requests whose target begins with this belong to the engine.
    package var path = "/socket.io/"
    package var pingInterval = Duration.milliseconds(25_000)
    package var pingTimeout = Duration.milliseconds(20_000)
    package var upgradeTimeout = Duration.milliseconds(10_000)
    /// How long a closing session waits for its client to poll once more (§6).
    package var closingTimeout = Duration.seconds(30)
    /// The largest POST body and WebSocket message.
    package var maxHTTPBufferSize = 1_000_000
    package var allowsPolling = true
    package var allowsWebSocket = true
    package var allowsUpgrades = true
    /// Compression of WebSocket messages; nil is none, whatever clients offer (§7).
    package var deflate: DeflatePolicy?
    /// Above how many bytes poll responses are compressed; nil is never (§11).
    package var httpCompressionThreshold: Int? = 1024
    package var cors: CORSPolicy?
    package var cookie: SessionCookie?
    /// Bytes that may wait for one client before it is given up as too slow.
    package var maxSendQueueBytes = 16 << 20
    /// Packets that may wait for one client, an event with its attachments being one.
    package var maxSendQueuePackets = 100_000
    /// What happens when more would wait.
    package var sendQueuePolicy = SendQueuePolicy.disconnect
    package var httpLimits = HTTPLimits()
    /// How long a request's head, its body, and the next request may take to arrive.
    package var headTimeout = Duration.seconds(10)
    package var bodyTimeout = Duration.seconds(30)
    package var keepAliveTimeout = Duration.seconds(65)
    /// How many pipelined bytes may wait while a request is answered.
    package var maxPipelinedBytes = 64 * 1024
    /// Above how many bytes of earlier responses that have not left the next request waits.
    package var maxUnsentBytes = 256 * 1024
    package var listenBacklog = 4096
    /// Whether clients of version 3 are served (§13).
    package var allowsEIO3 = false
    /// A text message that follows every open packet (§4).
    package var initialPacket: String?

    package init() {}
}

/// The request that opens a session, as the app may inspect it.
package struct HandshakeRequest: Sendable {
    package let head: RequestHead
    package let peer: PeerAddress
    /// When it arrived, in milliseconds since 1970.
    package let issued: Int64
}

/// What `allowRequest` decides.
package enum HandshakeDecision: Sendable {
    case allow
    /// Refused, with the message of the 403 (§3 code 4); nil means `Forbidden`.
    case refuse(String?)
}

/// A request that did not become or reach a session (§3, `connection_error`).
package struct ConnectionFailure: Sendable {
    package let request: HandshakeRequest
    package let error: HandshakeError
    /// What is known beside code and message, by the reference's names.
    package let context: [String: String]
}

/// A message or a body of a session above `maxHTTPBufferSize`.
package struct PayloadExcess: Sendable {
    /// The session's handshake.
    package let request: HandshakeRequest
    package let sessionID: SessionID
    /// What carried it.
    package let transport: SessionState.Transport
    /// In bytes.
    package let limit: Int
    /// How many bytes it has at least, if that was announced.
    package let size: Int?
}

/// How much a log line matters.
package enum LogLevel: Int, Comparable, Sendable {
    case error
    case warning
    case info
    case debug

    package static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Changes the fields of a response to a request.
package typealias HeadersHook =
    @Sendable (
        inout ResponseWriter.Fields, HandshakeRequest
    ) -> Void

/// What the app's middlewares have decided about a request.
package struct MiddlewareVerdict: Sendable {
    package enum Decision: Sendable {
        /// The engine does what the request wants.
        case proceed
        /// This is the answer.
        case answer(RouteResponse)
        /// `Bad request` (§3).
        case failure
    }

    package let decision: Decision
    /// For the response, whichever it is.
    package let fields: ResponseWriter.Fields

    package init(_ decision: Decision, fields: ResponseWriter.Fields) {
        self.decision = decision
        self.fields = fields
    }
}

/// Decides about a request by its head.
package typealias Middleware = @Sendable (HandshakeRequest) async -> MiddlewareVerdict

/// What the engine calls above itself.
package struct EngineHooks: Sendable {
    /// Makes the handler of a new session; on the session's loop.
    package var makeHandler: @Sendable (EngineSession) -> any EngineSessionHandler
    /// Asked about each request to the engine but preflights and those for the client's files; on
    /// the connection's loop (§2.1).
    package var middleware: Middleware?
    /// Asked before a handshake; nil allows all.
    package var allowRequest: (@Sendable (HandshakeRequest) async -> HandshakeDecision)?
    /// Asked before `allowRequest` for a reason to refuse a handshake; on the connection's loop.
    package var refuseHandshake: (@Sendable (HandshakeRequest, EventLoop) -> HandshakeError?)?
    package var log: @Sendable (LogLevel, String) -> Void
    /// Makes the ids of sessions; nil draws them.
    ///
    /// It may fail, and what it gives is checked.
    package var makeSessionID: (@Sendable (HandshakeRequest) async throws -> String)?
    /// Told of each refused request; on the connection's loop.
    package var connectionFailed: (@Sendable (ConnectionFailure) -> Void)?
    /// Told of each payload refused for its size; on the session's loop.
    package var payloadTooLarge: (@Sendable (PayloadExcess) -> Void)?
    /// Changes the fields of a session's first response; on its loop, before `headers` (§11).
    package var initialHeaders: HeadersHook?
    /// Changes the fields of the 200s of polling, and of a 101; on the connection's loop (§11).
    package var headers: HeadersHook?

    package init(
        makeHandler: @escaping @Sendable (EngineSession) -> any EngineSessionHandler,
        allowRequest: (@Sendable (HandshakeRequest) async -> HandshakeDecision)? = nil,
        log: @escaping @Sendable (LogLevel, String) -> Void = { _, _ in }
    ) {
        self.makeHandler = makeHandler
        self.allowRequest = allowRequest
        self.log = log
    }
}
