/// What the recovery of connections needs of a socket (protocol.md §20).
///
/// Loop-owned, a part of the socket's state.
final class SocketRecovery {
    /// By what the client asks for its session when it comes back; known to nobody else.
    let privateID: String
    /// The rooms, each with `Adapter.position` when it was joined.
    var joined: [Room: String] = [:]
    /// The session that the client has come back to, until it is admitted.
    var restored: RestoredSession?
    /// The last offset that was sent to it; what its client names if it has received all.
    var lastOffset: String?
    /// The number of the last delivery in order that it has had, or is not to have.
    var caughtUp: UInt64 = 0

    /// A new session.
    init(privateID: String) {
        self.privateID = privateID
    }

    /// A session that was found again, by a client that has `offset`.
    init(_ restored: RestoredSession, offset: String?) {
        // Who was never sent one has none, whatever it names.
        lastOffset = restored.session.lastOffset.flatMap { _ in offset }
        privateID = restored.session.privateID
        joined = restored.session.rooms
        self.restored = restored
    }
}
