import SocketIO
import SocketIORedis

/// Which adapter the server has, and over which Redis: `--adapter`, `--redis-url` and the like.
struct RedisFlags {
    private var url = ""
    private var options = RedisAdapterOptions()
    private var isWanted = false

    private var nodes: [String] { url.split(separator: ",").map(String.init) }

    /// Takes a flag, if it is one of these.
    ///
    /// - Returns: Whether it is.
    /// - Throws: ``FlagError``.
    mutating func take(_ name: String, _ value: String) throws(FlagError) -> Bool {
        switch name {
        case "--adapter":
            isWanted = value != "memory"
            switch value {
            case "memory", "redis": options.mode = .classic
            case "sharded-static": options.mode = .sharded(.static)
            case "sharded-dynamic": options.mode = .sharded(.dynamic)
            case "sharded-dynamic-private": options.mode = .sharded(.dynamicPrivate)
            default: throw FlagError(flag: name, value: value)
            }
        // Several with commas between are nodes of a cluster.
        case "--redis-url": url = value
        case "--redis-prefix": options.prefix = value
        case "--requests-timeout":
            guard let milliseconds = Int(value), milliseconds >= 0 else {
                throw FlagError(flag: name, value: value)
            }
            options.requestsTimeout = .milliseconds(milliseconds)
        case "--redis-queue":
            guard let bytes = Int(value), bytes > 0 else {
                throw FlagError(flag: name, value: value)
            }
            options.maxQueuedBytes = bytes
        case "--specific-responses":
            options.publishesOnSpecificResponseChannel = value == "true"
        case "--redis-ping":
            // Both the interval and how long an answer may take.
            guard let milliseconds = Int(value), milliseconds > 0 else {
                throw FlagError(flag: name, value: value)
            }
            options.pingInterval = .milliseconds(milliseconds)
            options.pingTimeout = .milliseconds(milliseconds)
        default: return false
        }
        return true
    }

    /// The Redis that was asked for; nil for a server that stands alone.
    ///
    /// - Throws: What is wrong with its URL.
    func makeBroker() throws -> RedisBroker? {
        guard isWanted else { return nil }
        return nodes.count > 1
            ? try RedisBroker(cluster: nodes, options) : try RedisBroker(url: url, options)
    }

    /// An emitter to the same Redis.
    ///
    /// - Throws: What is wrong with its URL.
    func makeEmitter() throws -> Emitter? {
        guard isWanted else { return nil }
        return nodes.count > 1
            ? try Emitter(cluster: nodes, options) : try Emitter(url: url, options)
    }
}
