/// One thing that can be set, by a flag or by an environment variable.
enum Setting: String, CaseIterable {
    case port
    case host
    case loops
    case corsOrigin = "cors-origin"
    case logLevel = "log-level"
    case clientDirectory = "client-directory"
    case pageDirectory = "page-directory"
    case maxPayload = "max-payload"
    case pingInterval = "ping-interval"
    case pingTimeout = "ping-timeout"
    case maxRoomName = "max-room-name"
    case maxMessage = "max-message"
    case maxRooms = "max-rooms"
    case drainTime = "drain-time"
    case shutdownTimeout = "shutdown-timeout"
    case redisURL = "redis-url"
    case redisPrefix = "redis-prefix"
    case redisAdapter = "redis-adapter"
    case trustProxy = "trust-proxy"
    case replicaName = "replica-name"
    case replicas

    /// The flag, for example `--cors-origin`.
    var flag: String { "--\(rawValue)" }

    /// The environment variable, for example `CORS_ORIGIN`.
    var variable: String {
        String(rawValue.uppercased().map { $0 == "-" ? "_" : $0 })
    }

    /// What stands for the value in the help text.
    var placeholder: String {
        switch self {
        case .host: "ADDRESS"
        case .corsOrigin: "ORIGINS"
        case .logLevel: "LEVEL"
        case .clientDirectory, .pageDirectory: "DIRECTORY"
        case .port, .loops, .maxRooms: "NUMBER"
        case .maxPayload, .maxRoomName, .maxMessage: "BYTES"
        case .pingInterval, .pingTimeout: "MILLISECONDS"
        case .drainTime, .shutdownTimeout: "SECONDS"
        case .redisURL: "URL"
        case .redisPrefix: "TEXT"
        case .redisAdapter: "KIND"
        case .trustProxy: "NUMBER"
        case .replicaName: "NAME"
        case .replicas: "LIST"
        }
    }

    /// What the help text says about it.
    var help: String {
        switch self {
        case .port: "TCP port to listen on; 0 takes a free one"
        case .host: "address to listen on"
        case .loops: "event loops (threads); 0 makes one per core"
        case .corsOrigin:
            "web origins that may connect: * or a list with commas; empty: only our own"
        case .logLevel: "how much to log: error, warning, info or debug"
        case .clientDirectory: "where socket.io.js lies, served at /socket.io/socket.io.js"
        case .pageDirectory: "where the page lies, served at /"
        case .maxPayload: "longest payload a client may send"
        case .pingInterval: "time between two heartbeats"
        case .pingTimeout: "how late a heartbeat's answer may be"
        case .maxRoomName: "longest name of a room, in UTF-8"
        case .maxMessage: "longest chat message, in UTF-8"
        case .maxRooms: "rooms one client may be in"
        case .drainTime:
            "over how long clients leave on SIGTERM or SIGINT, to come back one by one; a second"
                + " signal ends it; 0: all at once"
        case .shutdownTimeout: "how long to wait for connections to end after that"
        case .redisURL:
            "Redis that connects the replicas, redis://[user:password@]host:port[/db]; empty: alone"
        case .redisPrefix: "what the names of all Redis channels begin with"
        case .redisAdapter: "how to use Redis: pubsub, or sharded (Redis 7 and Redis Cluster)"
        case .trustProxy:
            "proxies in front whose X-Forwarded-For to believe; true means one, false none"
        case .replicaName: "what this replica is called on the page and in /healthz"
        case .replicas:
            "replicas and the ports where browsers reach each directly, app-1:3000,app-2:3001"
        }
    }

    /// What a number must be, where the value is one.
    var range: ClosedRange<Int>? {
        switch self {
        case .host, .corsOrigin, .logLevel, .clientDirectory, .pageDirectory, .redisURL,
            .redisPrefix, .redisAdapter, .replicaName, .replicas:
            nil
        case .port: 0...65_535
        case .loops: 0...1024
        case .maxPayload: 1...1_073_741_824
        case .pingInterval, .pingTimeout: 10...86_400_000
        case .maxRoomName: 1...65_536
        case .maxMessage: 1...1_073_741_824
        case .maxRooms: 1...1_000_000
        case .drainTime, .shutdownTimeout: 0...3600
        case .trustProxy: 0...10
        }
    }

    /// The value that holds when nobody says anything, as the help text shows it.
    var standard: String {
        switch self {
        case .port: "3000"
        case .host: "0.0.0.0"
        case .loops: "0"
        case .corsOrigin: "empty"
        case .logLevel: "info"
        case .clientDirectory, .pageDirectory: "none"
        case .maxPayload: "1000000"
        case .pingInterval: "25000"
        case .pingTimeout: "20000"
        case .maxRoomName: "200"
        case .maxMessage: "65536"
        case .maxRooms: "100"
        case .drainTime: "0"
        case .shutdownTimeout: "10"
        case .redisURL, .replicas: "empty"
        case .redisPrefix: "socket.io"
        case .redisAdapter: "pubsub"
        case .trustProxy: "0"
        case .replicaName: "the host's name"
        }
    }
}
