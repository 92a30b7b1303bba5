/// What the recovery of connections needs of a socket (protocol.md §20).
///
/// Loop-owned, a part of the socket's state.
final class SocketRecovery {
    /// By what the client asks for its session when it comes back; known to nobody else.
    let privateID: String
    /// `Adapter.position` when it connected first.
    var since: String?
    /// The session that the client has come back to, until it is admitted.
    var restored: RestoredSession?
    /// The number of the last delivery in order that it has had, or is not to have.
    var caughtUp: UInt64 = 0
    /// A disconnect is on its way: events of the client are not for its handlers any more.
    var isDisconnecting = false

    /// A new session.
    init(privateID: String) {
        self.privateID = privateID
    }

    /// A session that was found again.
    init(_ restored: RestoredSession) {
        privateID = restored.session.privateID
        since = restored.session.since
        self.restored = restored
    }
}
