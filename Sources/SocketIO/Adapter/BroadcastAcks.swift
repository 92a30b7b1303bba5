import Synchronization

/// Gathers the acknowledgements of one broadcast (protocol.md §18), from any thread.
///
/// A *source* is whoever reports how many clients it has addressed: a loop of this server, or
/// another server. Complete when every source has reported and every client has answered or gone.
public final class BroadcastAcks: Sendable {
    private struct State {
        var sourcesLeft: Int
        /// Clients addressed less answers; negative while answers precede their source's report.
        var clientsLeft = 0
        var responses: [Arguments] = []
        var finish: (@Sendable (Result<[Arguments], Timeout>) -> Void)?
    }

    /// The time was over first.
    struct Timeout: Error {
        let responses: [Arguments]
        let missing: Int
    }

    private let state: Mutex<State>

    init(finish: @escaping @Sendable (Result<[Arguments], Timeout>) -> Void) {
        // The broadcast itself counts as a source until the adapter has handed it on.
        state = Mutex(State(sourcesLeft: 1, finish: finish))
    }

    /// More sources will report.
    public func expectSources(_ count: Int) {
        state.withLock { $0.sourcesLeft += count }
    }

    /// One source has addressed `clients` clients.
    public func sourceReported(clients: Int) {
        update { state in
            state.sourcesLeft -= 1
            state.clientsLeft += clients
        }
    }

    /// A client has answered; nil when it disconnected instead.
    public func received(_ response: Arguments?) {
        update { state in
            state.clientsLeft -= 1
            if let response { state.responses.append(response) }
        }
    }

    func timedOut() {
        let finished = state.withLock { state in
            let finish = state.finish
            state.finish = nil
            return finish.map {
                ($0, Timeout(responses: state.responses, missing: state.clientsLeft))
            }
        }
        if let (finish, timeout) = finished { finish(.failure(timeout)) }
    }

    private func update(_ change: (inout State) -> Void) {
        let finished = state.withLock { state in
            change(&state)
            guard state.sourcesLeft == 0, state.clientsLeft <= 0 else {
                return (@Sendable () -> Void)?.none
            }
            guard let finish = state.finish else { return nil }
            state.finish = nil
            let responses = state.responses
            return { finish(.success(responses)) }
        }
        finished?()
    }
}
