/// The answer of `/healthz`: `{status, replica, clients, presence?, redis?}`.
///
/// A degraded chat serves its own clients as well as ever, so it is not to be restarted. One that
/// is draining takes no new clients any more, which the answer's status, 503, tells as well.
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

    /// The HTTP status of the answer.
    package var httpStatus: Int { isDraining ? 503 : 200 }

    private let isDraining: Bool
    private let replica: String
    private let clients: Int
    private let presence: PresenceStatus?
    private let redis: Backend?

    /// The health of `replica`; what is nil is left out.
    package init(
        isDraining: Bool = false,
        replica: String,
        clients: Int,
        presence: PresenceStatus?,
        redis: Backend?
    ) {
        self.isDraining = isDraining
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
        let status = isDraining ? "draining" : redis?.isUp == false ? "degraded" : "ok"
        try object.encode(status, forKey: .status)
        try object.encode(replica, forKey: .replica)
        try object.encode(clients, forKey: .clients)
        try object.encodeIfPresent(presence, forKey: .presence)
        if let redis { try object.encode(redis.status, forKey: .redis) }
    }
}
