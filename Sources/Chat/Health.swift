/// The answer of `/healthz`: `{status, replica, clients, presence?, redis?}`.
///
/// A degraded chat serves its own clients as well as ever, so it is not to be restarted.
package struct Health: Encodable, Sendable {
    /// How what lies behind the chat is doing.
    package struct Backend: Sendable {
        /// Whether all is well.
        package let isUp: Bool
        /// What is known, as the answer shows it.
        package let status: any Encodable & Sendable

        /// A backend's health by its parts.
        package init(isUp: Bool, status: any Encodable & Sendable) {
            self.isUp = isUp
            self.status = status
        }
    }

    private let replica: String
    private let clients: Int
    private let presence: PresenceStatus?
    private let redis: Backend?

    /// The health of `replica`; what is nil is left out.
    package init(replica: String, clients: Int, presence: PresenceStatus?, redis: Backend?) {
        self.replica = replica
        self.clients = clients
        self.presence = presence
        self.redis = redis
    }

    private enum Key: String, CodingKey {
        case status
        case replica
        case clients
        case presence
        case redis
    }

    /// Writes the answer.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(redis?.isUp == false ? "degraded" : "ok", forKey: .status)
        try object.encode(replica, forKey: .replica)
        try object.encode(clients, forKey: .clients)
        try object.encodeIfPresent(presence, forKey: .presence)
        if let redis { try object.encode(redis.status, forKey: .redis) }
    }
}
