import Chat
import SocketIO
import SocketIORedis

/// What connects this chat server with its replicas, and how that is doing.
struct Backend {
    /// How broadcasts reach the other replicas.
    let adapter: AdapterFactory
    /// The state of Redis; nil without Redis.
    ///
    /// Called for `/healthz`, on any loop.
    let health: (@Sendable () -> Health.Backend)?

    /// The backend that `configuration` asks for.
    ///
    /// - Throws: What is wrong with the URL, without its password.
    init(_ configuration: Configuration) throws {
        guard let redis = configuration.redis else {
            adapter = .inMemory
            health = nil
            return
        }
        var options = RedisAdapterOptions()
        options.prefix = redis.prefix
        switch redis.kind {
        case .pubSub: options.mode = .classic
        case .sharded: options.mode = .sharded(.dynamic)
        }
        let broker = try RedisBroker(url: redis.url, options)
        adapter = .redis(broker)
        health = {
            let health = broker.health
            let isUp = health.state == .connected && health.problem == nil
            return Health.Backend(isUp: isUp, status: health)
        }
    }
}
