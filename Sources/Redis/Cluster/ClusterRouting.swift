import Loop
import Synchronization

/// Which client serves which slot, for every thread; the cluster's loop writes it.
final class ClusterRouting: Sendable {
    /// A node and the client that talks to it.
    struct Route: Sendable {
        let endpoint: Endpoint
        let client: RedisClient
    }

    private struct State {
        var map = SlotMap()
        /// In the order of the map's masters.
        var routes: [Route] = []
        /// Who is asked for slots that nobody is known to serve.
        var fallback: Route?
        /// Whether a node has told the whole map.
        var isWhole = false
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Where `slot` is served, or who may know; nil once closed.
    func route(_ slot: KeySlot) -> Route? {
        state.withLock { state in
            if state.isClosed { return nil }
            return state.map.index(of: slot).map { state.routes[$0] } ?? state.fallback
        }
    }

    /// All masters known.
    var masters: [Route] {
        state.withLock { $0.isClosed ? [] : $0.routes }
    }

    /// All masters there are, as some node has told.
    ///
    /// - Throws: `RedisError.notConnected` before, when a part may be known; `.closed`.
    func allMasters() throws(RedisError) -> [Route] {
        try state.withLock { state -> Result<[Route], RedisError> in
            if state.isClosed { return .failure(.closed) }
            return state.isWhole ? .success(state.routes) : .failure(.notConnected)
        }.get()
    }

    /// Takes over what is known now; `routes` has a route for each of the map's masters.
    func update(_ map: SlotMap, _ routes: [Route], isWhole: Bool) {
        state.withLock { state in
            state.map = map
            state.routes = routes
            if isWhole { state.isWhole = true }
        }
    }

    /// Asks another node for slots that nobody is known to serve.
    func setFallback(_ route: Route) {
        state.withLock { $0.fallback = route }
    }

    /// Routes nothing any more.
    func close() {
        state.withLock { $0.isClosed = true }
    }
}
