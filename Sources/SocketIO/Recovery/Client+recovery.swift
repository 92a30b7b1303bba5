import EngineIO
import Loop
import Synchronization

/// What a client that comes back says of its session (protocol.md §20).
struct RecoveryRequest: Sendable {
    let privateID: String
    /// What it takes for the last offset that it has received; nil if it has received none.
    let offset: String?

    /// Longer ids are none of ours.
    private static let maxBytes = 128

    /// Nil if the client asks for no session, or by what is no offset.
    init?(_ auth: Auth) {
        guard let privateID = auth["pid"], (1...Self.maxBytes).contains(privateID.utf8.count)
        else { return nil }
        offset = auth["offset"]
        if offset == nil, auth.has("offset") { return nil }
        self.privateID = privateID
    }
}

// How a client comes back to its session (protocol.md §20).
extension Client {
    /// Looks for the session that the client asks for, and joins with it or without.
    func recover(_ request: RecoveryRequest, in namespace: Namespace, _ auth: Auth) {
        let attempt = ConnectAttempt(name: namespace.name, auth: auth)
        attempts.append(attempt)
        let client = LoopBound(self, loop: session.loop)
        session.loop.startTask {
            let restored = await namespace.restore(request)
            client.run { $0.finish(attempt, namespace, restored) }
        }
    }

    /// The session is found or not; the client may have gone meanwhile.
    private func finish(
        _ attempt: ConnectAttempt,
        _ namespace: Namespace,
        _ restored: RestoredSession?
    ) {
        guard let index = attempts.firstIndex(where: { $0 === attempt }) else {
            if let restored { namespace.adapter.persist(restored.session) }
            core.namespaces.release(namespace, wasUsed: false)
            return
        }
        attempts.remove(at: index)
        join(namespace, attempt.auth, restored)
    }

    /// The client has come back on another connection before this one was noticed to be dead.
    func replace() {
        leaveAll(.transportClose)
        session.close()
    }
}

extension Namespace {
    /// Takes the session out that a client asks for, from its old connection if that still stands.
    fileprivate func restore(_ request: RecoveryRequest) async -> RestoredSession? {
        if let live = sessions.withLock({ $0[request.privateID] }) {
            await withCheckedContinuation { done in
                live.state.post { state in
                    // It may have ended meanwhile, and its client's others stay.
                    if !state.isOver { state.client.replace() }
                    done.resume()
                }
            }
        }
        return await adapter.restore(privateID: request.privateID, offset: request.offset)
    }
}
