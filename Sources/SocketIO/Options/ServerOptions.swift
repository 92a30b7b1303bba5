import EngineIO
import EngineIOProtocol
import HTTP1
import Loop

/// How clients may carry their session.
public enum Transport: String, Sendable, CaseIterable {
    /// HTTP long-polling.
    case polling
    /// WebSocket.
    case webSocket = "websocket"
}

/// Which web pages of other origins may connect (protocol.md §11).
public struct CORSOptions: Sendable {
    /// Which origins are let in.
    public enum Origin: Sendable {
        /// Every origin, `*`.
        case any
        /// This one, whatever the request says.
        case fixed(String)
        /// Those of the list, reflected.
        case list([String])
        /// Every origin, reflected; what credentials need.
        case reflected
        /// Those for which the closure answers true, reflected.
        case matching(@Sendable (String) -> Bool)
    }

    /// Which origins are let in.
    public var origin: Origin
    /// Whether pages may send cookies.
    public var allowsCredentials = false
    /// Methods named in a preflight's answer.
    public var methods = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"]
    /// Header fields a page may send; nil allows those it asks for.
    public var allowedHeaders: [String]?
    /// Header fields a page may read.
    public var exposedHeaders: [String] = []
    /// How long a browser may keep a preflight's answer.
    public var maxAge: Duration?

    /// Cross-origin access for `origin`.
    public init(origin: Origin = .any) {
        self.origin = origin
    }
}

/// A cookie for sticky load balancing, sent with the polling handshake (protocol.md §11).
public struct CookieOptions: Sendable {
    /// Which requests of other sites carry a cookie.
    public enum SameSite: String, Sendable {
        case lax
        case strict
        case none
    }

    /// The cookie's name.
    public var name = "io"
    /// Its `Path`.
    public var path = "/"
    /// Whether scripts are kept from it.
    public var isHTTPOnly = true
    /// Which requests of other sites carry it; nil leaves that to the browser.
    public var sameSite: SameSite? = .lax
    /// Its `Max-Age`; nil makes a session cookie.
    public var maxAge: Duration?
    /// Its `Domain`.
    public var domain: String?
    /// Whether it is sent over TLS only.
    public var isSecure = false

    /// The defaults of the reference: `io`, `HttpOnly`, `SameSite=Lax`.
    public init() {}
}

/// Limits and times of plain HTTP.
public struct HTTPOptions: Sendable {
    /// Bytes of a request's head; more is answered 431.
    public var maxHeadBytes = 16 * 1024
    /// Header fields of a request; more are answered 431.
    public var maxFieldCount = 100
    /// Bytes of a request target; more are answered 414.
    public var maxTargetBytes = 8 * 1024
    /// Bytes of a request's body on plain routes; more are answered 413.
    public var maxBodyBytes = 1_000_000
    /// How long a head may take to arrive; then 408.
    public var headTimeout = Duration.seconds(10)
    /// How long a body may take to arrive; then 408.
    public var bodyTimeout = Duration.seconds(30)
    /// How long an idle connection is kept for another request.
    public var keepAliveTimeout = Duration.seconds(65)
    /// Bytes of earlier responses that may wait for a slow client before its next request does.
    public var maxUnsentBytes = 256 * 1024

    /// The defaults.
    public init() {}
}

/// Whether a client may connect, as `ServerOptions.allowRequest` decides.
public enum ConnectionDecision: Sendable {
    /// It may.
    case allow
    /// It may not; the message is what the 403 says, `Forbidden` if nil.
    case refuse(String? = nil)
}

/// How much a log line matters.
public enum LogLevel: String, Sendable, CaseIterable {
    /// Something has to be done.
    case error
    /// Something is odd.
    case warning
    /// Something worth knowing.
    case info
    /// Every detail.
    case debug
}

/// What a server can be told; the defaults are Node's where it has one (protocol.md §12).
public struct ServerOptions: Sendable {
    /// The address to listen on.
    public var host = "0.0.0.0"
    /// The port; 0 lets the system choose.
    public var port = 3000
    /// Threads, each with its own loop; 0 makes one per core.
    public var loops = 0
    /// Where Socket.IO lives.
    ///
    /// Requests elsewhere belong to the routes, those for an upgrade too: without a route they are
    /// answered 404 at once. (Node waits a second for another owner of its socket, and closes.)
    public var path = "/socket.io"
    /// Whether the path must be followed by a slash.
    public var addsTrailingSlash = true
    /// Whether clients of Socket.IO v2 (Engine.IO v3) are served too (protocol.md §13).
    ///
    /// The sessions' ids, which for later clients are secrets, become those of their sockets, as
    /// these clients have it; and a page of any origin can open a session by JSONP.
    public var allowEIO3 = false
    /// How long after a pong the next ping is sent.
    public var pingInterval = Duration.milliseconds(25_000)
    /// How long a pong may take.
    public var pingTimeout = Duration.milliseconds(20_000)
    /// How long an upgrade to WebSocket may take.
    public var upgradeTimeout = Duration.milliseconds(10_000)
    /// How long a client may take to join a namespace.
    public var connectTimeout = Duration.milliseconds(45_000)
    /// The largest polling body and WebSocket message, in bytes.
    public var maxHTTPBufferSize = 1_000_000
    /// Over how long `shutdown` spreads the ends of its clients; zero closes them all at once.
    ///
    /// They come back spread over that time, to this server's successor or to another server: few
    /// one by one, many in small groups. In the meantime nobody new gets in, and whoever is still
    /// here is served. It is over at once when nobody is left, or at a second signal to `run`; and
    /// two seconds after the last has been told, if then any has not polled to hear it. See
    /// `Server.shutdown`.
    public var drainTime = Duration.zero
    /// How long `shutdown` waits for closing connections to end, after `drainTime`.
    public var shutdownTimeout = Duration.seconds(10)
    /// The most attachments of one packet.
    public var maxAttachments = 10
    /// The most namespaces one client may be in.
    public var maxNamespacesPerClient = 100
    /// How long a child of `of(matching:)` stays without sockets before it is closed; nil for ever.
    ///
    /// One that has refused all its clients goes at once; one that the app has set up stays.
    public var emptyNamespaceTimeout: Duration? = .seconds(60)
    /// The most children of `of(matching:)` that clients may bring the server to have.
    public var maxDynamicNamespaces = 10_000
    /// The longest name of a namespace that is asked of `of(matching:)`, in bytes.
    public var maxDynamicNameBytes = 256
    /// Bytes of events that may wait for a suspended middleware of their socket.
    ///
    /// More of them disconnect the client; see `Socket.use`.
    public var maxWaitingEventBytes = 16 << 20
    /// How deep JSON of clients may nest, 500 at most.
    ///
    /// Servers of a cluster wrap it in messages of their own, and read 512.
    public var maxJSONDepth = 500
    /// How much may wait for one slow client, and what happens then.
    public var sendQueue = SendQueueOptions()
    /// The transports that clients may use.
    public var transports = Transport.allCases
    /// Whether polling clients are told that they may upgrade.
    public var allowsUpgrades = true
    /// Compression of WebSocket messages with clients that offer it; nil, the default, is none.
    public var perMessageDeflate: DeflateOptions?
    /// Compression of polling's responses; nil is none.
    public var httpCompression: HTTPCompressionOptions? = HTTPCompressionOptions()
    /// Access for pages of other origins; nil is none.
    public var cors: CORSOptions?
    /// A cookie with the session's id; nil sends none.
    public var cookie: CookieOptions?
    /// Run for each request to `path`, one after the other, before it is looked at further
    /// (protocol.md §2.1; Node's `engine.use`).
    ///
    /// That is every poll, POST and WebSocket handshake, but neither preflights nor the client's
    /// files; `request.isHandshake` tells the first of a client. The header fields that they add
    /// go with whatever answers, but do not replace the engine's own, such as `Content-Type`. A
    /// thrown `HTTPResponse` is the answer, any other error makes it `Bad request`. They run on the
    /// connection's loop and must not block.
    ///
    /// ```swift
    /// options.engineMiddlewares.append { request, headers in
    ///     headers.append(("X-Content-Type-Options", "nosniff"))
    ///     guard request.headers["authorization"] == "Bearer secret" else {
    ///         throw HTTPResponse.text("sign in first", status: 401)
    ///     }
    /// }
    /// ```
    public var engineMiddlewares: [EngineMiddleware] = []
    /// Asked at each handshake; nil allows all.
    public var allowRequest: (@Sendable (ConnectionRequest) async -> ConnectionDecision)?
    /// The folder of the official client's files, served under `path`; nil serves none.
    public var clientDirectory: String?
    /// How many proxies stand in front whose `X-Forwarded-For` and `X-Forwarded-Proto` to believe.
    ///
    /// Clients' addresses are then the entries that far from the right. To be set only where no
    /// client reaches the server past these proxies: it could claim any address.
    public var trustedProxyHops = 0
    /// How fast clients may be; nil, the default, is no limit.
    public var rateLimits: RateLimits?
    /// A message that every client receives when its connection opens, below Socket.IO.
    public var initialPacket: String?
    /// Makes the ids of connections, at each handshake; nil draws 20 random characters.
    ///
    /// Whoever knows an id can use its connection: it must be impossible to guess. A handshake is
    /// refused with 400 when the closure throws, when another connection has the id, and when it
    /// is not 1 to 128 letters, digits, `-`, `.`, `_` and `~`.
    public var makeSessionID: (@Sendable (ConnectionRequest) async throws -> String)?
    /// Told of each request that is refused before it reaches Socket.IO; must not block.
    public var onConnectionError: (@Sendable (ConnectionRefusal) -> Void)?
    /// Told of each payload above `maxHTTPBufferSize`, on a loop; must not block.
    public var onPayloadTooLarge: (@Sendable (OversizedPayload) -> Void)?
    /// Changes the header fields of a connection's first response; must not block.
    public var onInitialHeaders: (@Sendable (inout ResponseHeaders, ConnectionRequest) -> Void)?
    /// Changes the header fields of polling's responses and of those that open a WebSocket; for a
    /// first response after `onInitialHeaders`.
    ///
    /// Errors are answered without. Must not block.
    public var onHeaders: (@Sendable (inout ResponseHeaders, ConnectionRequest) -> Void)?
    /// Connections that may wait to be accepted, on each loop; the system may allow fewer.
    public var listenBacklog = 4096
    /// Limits and times of plain HTTP.
    public var http = HTTPOptions()
    /// Whether clients that were away for a moment miss nothing; nil makes new sockets of them.
    ///
    /// Each event then carries an offset as its last argument, as the protocol wants it. Works with
    /// adapters that keep packets: `inMemory` does.
    public var connectionStateRecovery: RecoveryOptions?
    /// How packets are written on the wire; clients must use the same parser (protocol.md §23).
    public var parser = Parser.default
    /// How broadcasts reach other servers.
    public var adapter = AdapterFactory.inMemory
    /// Where log lines go; by default nowhere.
    public var log: @Sendable (LogLevel, String) -> Void = { _, _ in }
    /// Receives each error of a handler, and each malformed packet; on the socket's loop.
    ///
    /// To keep errors, keep their parts: a kept socket would hold the server, which holds this.
    public var onError: (@Sendable (HandlerError) -> Void)?

    /// The defaults.
    public init() {}

    /// The defaults with a port of your own.
    public init(port: Int, adapter: AdapterFactory = .inMemory) {
        self.port = port
        self.adapter = adapter
    }
}
