/// A chat's place among its replicas.
package struct ChatCluster: Sendable {
    /// What this replica is called.
    package var replica = ReplicaAddress.hostName
    /// Where browsers reach each replica directly.
    package var replicas: [ReplicaAddress] = []
    /// Whether the server's adapter reaches other replicas.
    package var isClustered = false
    /// Times and bounds of the presence; the room's longest name comes from the chat's limits.
    package var presence = PresenceOptions()

    /// A replica that stands alone.
    package init() {}
}
