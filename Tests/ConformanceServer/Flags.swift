import SocketIO

/// The command line of the conformance server: `--name value` pairs, times in milliseconds.
struct Flags {
    /// What the server is made with.
    var options = ServerOptions()
    /// A directory served as static files below `/files`.
    var files: String?
    /// Whether a function is asked for names that are no namespace.
    ///
    /// Not without need: every unknown name then waits for it.
    var hasMemberNamespaces = false
    /// Which adapter the server has.
    var redis = RedisFlags()
    /// Tells the servers of a cluster apart.
    var name = ""

    /// Reads the arguments after the program's name.
    ///
    /// - Throws: ``FlagError`` naming the first one that is wrong.
    init(_ arguments: some Sequence<String>) throws(FlagError) {
        options.host = "127.0.0.1"
        options.port = 0
        var rest = arguments.makeIterator()
        while let name = rest.next() {
            guard let value = rest.next() else { throw FlagError(flag: name, value: nil) }
            try apply(name, value)
        }
    }

    private mutating func apply(_ name: String, _ value: String) throws(FlagError) {
        func number() throws(FlagError) -> Int {
            guard let number = Int(value), number >= 0 else {
                throw FlagError(flag: name, value: value)
            }
            return number
        }
        func time() throws(FlagError) -> Duration { .milliseconds(try number()) }

        switch name {
        case "--port": options.port = try number()
        case "--loops": options.loops = try number()
        case "--path": options.path = value
        case "--ping-interval": options.pingInterval = try time()
        case "--ping-timeout": options.pingTimeout = try time()
        case "--upgrade-timeout": options.upgradeTimeout = try time()
        case "--connect-timeout": options.connectTimeout = try time()
        case "--empty-namespace-timeout": options.emptyNamespaceTimeout = try time()
        case "--member-namespaces": hasMemberNamespaces = value == "true"
        case "--max-dynamic-namespaces": options.maxDynamicNamespaces = try number()
        case "--recovery":
            var recovery = RecoveryOptions()
            recovery.maxDisconnectionDuration = try time()
            options.connectionStateRecovery = recovery
        case "--max-payload": options.maxHTTPBufferSize = try number()
        case "--send-queue-bytes": options.sendQueue.maxBytes = try number()
        case "--send-queue-policy":
            options.sendQueue.policy = try Self.policy(value, flag: name)
        case "--head-timeout": options.http.headTimeout = try time()
        case "--body-timeout": options.http.bodyTimeout = try time()
        case "--keep-alive-timeout": options.http.keepAliveTimeout = try time()
        case "--client-directory": options.clientDirectory = value
        case "--files": files = value
        case "--name": self.name = value
        case "--cookie":
            var cookie = CookieOptions()
            cookie.name = value
            options.cookie = cookie
        case "--cors": options.cors = Self.cors(value)
        case "--transports": options.transports = try Self.transports(value, flag: name)
        case "--parser": options.parser = try Self.parser(value, flag: name)
        case "--allow-eio3": options.allowEIO3 = value == "true"
        case "--deflate": options.perMessageDeflate = Self.deflate(value)
        case "--http-compression":
            options.httpCompression = value == "true" ? HTTPCompressionOptions() : nil
        case "--trust-proxy": options.trustedProxyHops = try number()
        case "--drain-time": options.drainTime = try time()
        case "--shutdown-timeout": options.shutdownTimeout = try time()
        case "--allow-upgrades": options.allowsUpgrades = value == "true"
        case "--refuse-without":
            // A handshake is refused unless its query has this parameter.
            options.allowRequest = { request in
                request.query[value] == nil ? .refuse() : .allow
            }
        case "--engine-guard":
            // Any request of the engine is refused unless its query has this parameter.
            options.engineMiddlewares.append { request, headers async throws in
                headers.append(("X-Guard", request.method))
                await Task.yield()
                guard request.query[value] != nil else {
                    throw HTTPResponse.text("no \(value)", status: 401)
                }
            }
        case _ where name.hasPrefix("--limit-"): try limit(name, value)
        default:
            guard try redis.take(name, value) else { throw FlagError(flag: name, value: value) }
        }
    }

    /// `--limit-… RATE:BURST`, or what is done with those that are over.
    private mutating func limit(_ name: String, _ value: String) throws(FlagError) {
        var limits = options.rateLimits ?? RateLimits()
        func rate() throws(FlagError) -> RateLimit {
            let parts = value.split(separator: ":")
            guard parts.count == 2, let rate = Double(parts[0]), let burst = Int(parts[1]) else {
                throw FlagError(flag: name, value: value)
            }
            return RateLimit(perSecond: rate, burst: burst)
        }
        switch name {
        case "--limit-events": limits.events = try rate()
        case "--limit-packets": limits.packets = try rate()
        case "--limit-bytes": limits.bytes = try rate()
        case "--limit-handshakes": limits.handshakesPerAddress = try rate()
        case "--limit-address-packets": limits.packetsPerAddress = try rate()
        case "--limit-action":
            // An event whose name ends so is allowed, whatever else is done.
            let action: RateLimitAction = value == "disconnect" ? .disconnect : .drop
            limits.onLimit = { $0.event?.hasSuffix("-unlimited") == true ? .allow : action }
        default: throw FlagError(flag: name, value: value)
        }
        options.rateLimits = limits
    }

    private static func cors(_ value: String) -> CORSOptions {
        switch value {
        case "*": return CORSOptions(origin: .any)
        case "reflect":
            var cors = CORSOptions(origin: .reflected)
            cors.allowsCredentials = true
            return cors
        default: return CORSOptions(origin: .list(value.split(separator: ",").map(String.init)))
        }
    }

    /// `true`, `takeover`, or `small`: with takeover in windows of 512 bytes.
    private static func deflate(_ value: String) -> DeflateOptions? {
        var deflate = DeflateOptions()
        switch value {
        case "true":
            break
        case "takeover", "small":
            deflate.serverNoContextTakeover = false
            deflate.clientNoContextTakeover = false
            if value == "small" {
                deflate.serverMaxWindowBits = 9
                deflate.clientMaxWindowBits = 9
            }
        default:
            return nil
        }
        return deflate
    }

    private static func parser(_ value: String, flag: String) throws(FlagError) -> Parser {
        switch value {
        case "default": .default
        case "msgpack": .messagePack
        default: throw FlagError(flag: flag, value: value)
        }
    }

    private static func policy(
        _ value: String,
        flag: String
    ) throws(FlagError) -> SendQueueOptions.Policy {
        switch value {
        case "disconnect": .disconnect
        case "volatile": .dropVolatile
        case "oldest": .dropOldest
        default: throw FlagError(flag: flag, value: value)
        }
    }

    private static func transports(
        _ value: String,
        flag: String
    ) throws(FlagError) -> [Transport] {
        switch value {
        case "polling": [.polling]
        case "websocket": [.webSocket]
        case "both": [.polling, .webSocket]
        default: throw FlagError(flag: flag, value: value)
        }
    }
}

/// A flag that is unknown, or a value that it cannot have.
struct FlagError: Error, CustomStringConvertible {
    let flag: String
    let value: String?

    var description: String { "bad argument: \(flag) \(value ?? "(no value)")" }
}
