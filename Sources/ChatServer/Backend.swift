import Chat
import SocketIO

/// What connects this chat server with its replicas, and how that is doing.
struct Backend {
    /// How broadcasts reach the other replicas.
    let adapter: AdapterFactory
    /// The state of Redis; nil without Redis.
    ///
    /// Called for `/healthz`, on any loop.
    let health: (@Sendable () -> Health.Backend)?

    /// The backend that `configuration` asks for.
    init(_ configuration: Configuration) throws {
        adapter = .inMemory
        health = nil
    }
}
