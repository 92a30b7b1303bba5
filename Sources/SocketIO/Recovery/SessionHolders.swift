import Synchronization

/// One attempt of a client to come back to its session (protocol.md §20).
final class SessionClaim: Sendable {
    let request: RecoveryRequest
    /// The session is where the next attempt looks for it: with a socket, stored, or gone.
    fileprivate let end = OneShotEvent()

    init(_ request: RecoveryRequest) {
        self.request = request
    }

    /// Returns when the attempt has come to its end, whatever that is.
    func ended() async { await end.wait() }
}

/// Who has a session that is not stored.
enum SessionHolder: Sendable {
    /// Its client is connected, or passes the middlewares once more.
    case socket(SocketShared)
    /// Its client comes back, and may have taken it out of the store already.
    case claim(SessionClaim)
}

/// Who has which session of a namespace on this server, by private id (protocol.md §20).
///
/// Attempts to come back to one session stand in a line: each ends its predecessor, be it a socket
/// or an attempt, waits for that end, and only then looks for the session in the store. So one at
/// most has it; the latest gets it; and whoever ends without it has stored it before. Usable from
/// any thread.
final class SessionHolders: Sendable {
    private let holders = Mutex<[String: SessionHolder]>([:])

    /// How many sessions are held or asked for.
    var count: Int { holders.withLock { $0.count } }

    /// Notes the socket of a new session.
    func add(_ socket: SocketShared, _ privateID: String) {
        holders.withLock { $0[privateID] = .socket(socket) }
    }

    /// Gets in line for a session.
    ///
    /// - Returns: Whom to wait for; nil if nobody has the session.
    func enter(_ claim: SessionClaim) -> SessionHolder? {
        holders.withLock { $0.updateValue(.claim(claim), forKey: claim.request.privateID) }
    }

    /// Whether nobody has got in line after `claim`.
    func isLatest(_ claim: SessionClaim) -> Bool {
        holders.withLock { $0[claim.request.privateID].isClaim(claim) }
    }

    /// Passes the session on to its socket, or forgets it if there is none.
    ///
    /// - Returns: False if somebody has got in line after `claim`, who is to get it.
    func settle(_ claim: SessionClaim, with socket: SocketShared?) -> Bool {
        holders.withLock { holders in
            let id = claim.request.privateID
            guard holders[id].isClaim(claim) else { return false }
            holders[id] = socket.map { .socket($0) }
            return true
        }
    }

    /// The attempt is over: the next in line may look for the session.
    func end(_ claim: SessionClaim) {
        _ = settle(claim, with: nil)
        claim.end.signal()
    }

    /// The socket is over, and what is to be kept of it is kept.
    func forget(_ socket: SocketShared, _ privateID: String) {
        holders.withLock { holders in
            if case .socket(let holder)? = holders[privateID], holder === socket {
                holders[privateID] = nil
            }
        }
    }
}

extension SessionHolder? {
    fileprivate func isClaim(_ claim: SessionClaim) -> Bool {
        if case .claim(let holder)? = self { holder === claim } else { false }
    }
}
