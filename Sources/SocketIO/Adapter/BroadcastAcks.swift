import Synchronization

/// Gathers the acknowledgements of one broadcast (protocol.md §18), from any thread.
///
/// A *source* is whoever reports how many clients it has addressed: a loop of this server, or
/// another server. Complete when nobody holds it, every source has reported, and every client has
/// answered or gone. What comes after the end is ignored.
///
/// An adapter that reaches other servers gives each of them as source by a name of its own, so that
/// a report that arrives twice counts once and a server that is lost is not waited for.
public final class BroadcastAcks: Sendable {
    private struct Source {
        var hasReported = false
        var isLost = false
        /// Clients addressed less answers; negative while answers precede the report.
        var clientsLeft = 0
    }

    private struct State {
        var holds = 0
        /// Clients addressed by all sources so far.
        var clients = 0
        /// Of a relay: how far it is with telling the number of clients.
        var announcement = Announcement.pending
        /// Of a relay: responses that came before the number of clients was told.
        var early: [Arguments?] = []
        /// Sources expected less reports; negative while reports precede the expectation.
        var sourcesLeft = 0
        /// Clients addressed less answers.
        var clientsLeft = 0
        var named: [String: Source] = [:]
        var responses: [Arguments] = []
        var outcome = Outcome.open(nil)
    }

    private enum Announcement {
        case pending, underWay, made
    }

    private enum Outcome {
        case open((@Sendable (Result<[Arguments], any Error>) -> Void)?)
        /// Over before anybody asked.
        case early(Result<[Arguments], any Error>)
        case over
    }

    /// The time was over first.
    struct Timeout: Error {
        let responses: [Arguments]
        let missing: Int
        /// Nil while it is held: then it is not known who will report.
        let missingServers: Int?
    }

    /// What another server's broadcast wants to hear.
    private struct Relay: Sendable {
        let onClientCount: @Sendable (Int) -> Void
        let onResponse: @Sendable (Arguments?) -> Void
    }

    private let state = Mutex(State())
    private let relay: Relay?

    init() {
        relay = nil
    }

    /// For a broadcast that came from another server, which gathers the answers itself.
    ///
    /// To be passed to `AdapterHost.deliver(_:_:acks:)`. Both closures are called from any thread.
    /// - Parameters:
    ///   - onClientCount: Called once with how many clients of this server were addressed.
    ///   - onResponse: Called after that for each of them; nil when it disconnected instead of
    ///     answering.
    public init(
        onClientCount: @escaping @Sendable (Int) -> Void,
        onResponse: @escaping @Sendable (Arguments?) -> Void
    ) {
        relay = Relay(onClientCount: onClientCount, onResponse: onResponse)
    }

    // MARK: For adapters

    /// Keeps it from being complete until `release`, while it is not known who will report.
    ///
    /// During `Adapter.broadcast` it is held anyway.
    public func hold() {
        state.withLock { $0.holds += 1 }
    }

    /// Ends one `hold`.
    public func release() {
        update { $0.holds -= 1 }
        announce()
    }

    /// More sources will report.
    public func expectSources(_ count: Int) {
        state.withLock { $0.sourcesLeft += count }
    }

    /// One source, `source` if it has a name, has addressed `clients` clients.
    public func sourceReported(clients: Int, source: String? = nil) {
        update { state in
            if let source {
                var entry = state.named[source] ?? Source()
                guard !entry.hasReported, !entry.isLost else { return }
                entry.hasReported = true
                entry.clientsLeft += clients
                state.named[source] = entry
            }
            state.sourcesLeft -= 1
            state.clientsLeft += clients
            state.clients += clients
        }
        announce()
    }

    /// Tells a relay how many clients were addressed, once that is known, and what came before.
    private func announce() {
        guard let relay else { return }
        let clients: Int? = state.withLock { state in
            guard state.sourcesLeft <= 0, state.holds == 0, case .pending = state.announcement
            else { return nil }
            state.announcement = .underWay
            return state.clients
        }
        guard let clients else { return }
        relay.onClientCount(clients)
        while true {
            let early = state.withLock { state in
                defer { state.early = [] }
                if state.early.isEmpty { state.announcement = .made }
                return state.early
            }
            if early.isEmpty { return }
            for response in early { relay.onResponse(response) }
        }
    }

    /// Tells a relay a response, or keeps it until the number of clients is told.
    private func pass(_ response: Arguments?) {
        guard let relay else { return }
        let isEarly = state.withLock { state in
            if case .made = state.announcement { return false }
            state.early.append(response)
            return true
        }
        if !isEarly { relay.onResponse(response) }
    }

    /// A client, one of `source` if that has a name, has answered; nil when it disconnected instead.
    public func received(_ response: Arguments?, source: String? = nil) {
        pass(response)
        update { state in
            if let source {
                var entry = state.named[source] ?? Source()
                guard !entry.isLost else { return }
                entry.clientsLeft -= 1
                state.named[source] = entry
            }
            state.clientsLeft -= 1
            if let response { state.responses.append(response) }
        }
    }

    /// The source `source` will not report, or its clients not answer, any more.
    public func sourceLost(_ source: String) {
        update { state in
            var entry = state.named[source] ?? Source()
            guard !entry.isLost else { return }
            if !entry.hasReported { state.sourcesLeft -= 1 }
            state.clientsLeft -= entry.clientsLeft
            entry.clientsLeft = 0
            entry.isLost = true
            state.named[source] = entry
        }
    }

    // MARK: For the broadcast

    /// Calls `finish` once, at the end.
    func whenDone(_ finish: @escaping @Sendable (Result<[Arguments], any Error>) -> Void) {
        let early: Result<[Arguments], any Error>? = state.withLock { state in
            guard case .early(let result) = state.outcome else {
                state.outcome = .open(finish)
                return nil
            }
            state.outcome = .over
            return result
        }
        if let early { finish(early) }
    }

    func timedOut() {
        end { state in
            .failure(
                Timeout(
                    responses: state.responses,
                    missing: max(state.clientsLeft, 0),
                    missingServers: state.holds > 0 ? nil : max(state.sourcesLeft, 0)
                )
            )
        }
    }

    func cancel() {
        end { _ in .failure(CancellationError()) }
    }

    private func update(_ change: (inout State) -> Void) {
        end { state in
            change(&state)
            guard state.holds == 0, state.sourcesLeft <= 0, state.clientsLeft <= 0 else {
                return nil
            }
            return .success(state.responses)
        }
    }

    /// Ends it with the result that `result` gives, if it gives one and it has not ended before.
    private func end(_ result: (inout State) -> Result<[Arguments], any Error>?) {
        let finished: (@Sendable () -> Void)? = state.withLock { state in
            guard case .open(let finish) = state.outcome, let result = result(&state) else {
                return nil
            }
            state.responses = []
            state.named = [:]
            guard let finish else {
                state.outcome = .early(result)
                return nil
            }
            state.outcome = .over
            return { finish(result) }
        }
        finished?()
    }
}
