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
        let claim = SessionClaim(request)
        let predecessor = namespace.sessions.enter(claim)
        let client = LoopBound(self, loop: session.loop)
        session.loop.startTask {
            let restored = await namespace.restore(claim, from: predecessor)
            client.run { $0.finish(attempt, claim, namespace, restored) }
        }
    }

    /// The session is found or not; the client may have gone meanwhile.
    private func finish(
        _ attempt: ConnectAttempt,
        _ claim: SessionClaim,
        _ namespace: Namespace,
        _ restored: RestoredSession?
    ) {
        defer { namespace.sessions.end(claim) }
        let index = attempts.firstIndex { $0 === attempt }
        if let index { attempts.remove(at: index) }
        guard index != nil, !forgoesRecovery else {
            if let restored, !forgoesRecovery { namespace.adapter.persist(restored.session) }
            core.namespaces.release(namespace, wasUsed: false)
            return
        }
        join(namespace, attempt.auth, restored, claim)
    }

    /// The client has come back on another connection before this one was noticed to be dead.
    func replace() {
        leaveAll(.transportClose)
        session.close()
    }
}

extension Namespace {
    /// Takes the session out that a client asks for, after the end of who had it before.
    fileprivate func restore(
        _ claim: SessionClaim,
        from predecessor: SessionHolder?
    ) async -> RestoredSession? {
        switch predecessor {
        case .socket(let live):
            await withCheckedContinuation { done in
                live.state.post { state in
                    // It may have ended meanwhile, and its client's others stay.
                    if !state.isOver { state.client.replace() }
                    done.resume()
                }
            }
        case .claim(let earlier):
            // It notices by itself that it is not the latest.
            await earlier.ended()
        case nil:
            break
        }
        guard sessions.isLatest(claim) else { return nil }
        let request = claim.request
        return await adapter.restore(privateID: request.privateID, offset: request.offset)
    }
}
