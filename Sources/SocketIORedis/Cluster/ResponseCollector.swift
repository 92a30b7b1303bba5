import SocketIO
import Synchronization

/// Gathers what the other servers answer to one request; from any thread.
final class ResponseCollector<Response: Sendable>: Sendable {
    private struct State {
        var responses: [Response]
        var answered: Int
        /// Nil until the servers have been counted.
        var expected: Int?
        /// Who has answered, as far as the wire tells.
        var senders: Set<String> = []
        var waiter: CheckedContinuation<[Response], any Error>?
        /// Set once it is over, until somebody has asked.
        var result: Result<[Response], any Error>?
    }

    private let state: Mutex<State>

    /// Expects `expected` answers, of which `answered` are in `responses` already; nil if it is not
    /// known yet how many.
    init(expected: Int? = nil, answered: Int = 0, responses: [Response] = []) {
        state = Mutex(State(responses: responses, answered: answered, expected: expected))
    }

    /// So many answers are to come, those that are there already included.
    func expect(_ count: Int) {
        end { state in
            state.expected = count
            return state.answered >= count ? .success(state.responses) : nil
        }
    }

    /// One server's answer; a second one of the same `sender` is ignored.
    func add(_ responses: [Response], from sender: String? = nil) {
        end { state in
            if let sender, !state.senders.insert(sender).inserted { return nil }
            state.responses += responses
            state.answered += 1
            guard let expected = state.expected, state.answered >= expected else { return nil }
            return .success(state.responses)
        }
    }

    /// The time is over.
    func expire() {
        end { state in
            .failure(
                ClusterTimeout(
                    responses: state.responses,
                    answered: state.answered,
                    // Not even counted: one more than have answered, at least.
                    expected: state.expected ?? state.answered + 1
                )
            )
        }
    }

    func fail(_ error: any Error) {
        end { _ in .failure(error) }
    }

    /// All answers, once they are there.
    ///
    /// - Throws: `ClusterTimeout<Response>`, or `CancellationError`. To be called once.
    func value() async throws -> [Response] {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let result: Result<[Response], any Error>? = state.withLock { state in
                    if state.result == nil { state.waiter = waiter }
                    return state.result
                }
                if let result { waiter.resume(with: result) }
            }
        } onCancel: {
            fail(CancellationError())
        }
    }

    private func end(_ change: (inout State) -> Result<[Response], any Error>?) {
        let ended: (CheckedContinuation<[Response], any Error>, Result<[Response], any Error>)? =
            state.withLock { state in
                guard state.result == nil, let result = change(&state) else { return nil }
                state.result = result
                return state.waiter.map { ($0, result) }
            }
        if let (waiter, result) = ended { waiter.resume(with: result) }
    }
}
