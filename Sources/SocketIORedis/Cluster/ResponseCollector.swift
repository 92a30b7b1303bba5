import SocketIO
import Synchronization

/// Gathers what the other servers answer to one request; from any thread.
final class ResponseCollector<Response: Sendable>: Sendable {
    private struct State {
        var responses: [Response]
        var answered: Int
        var waiter: CheckedContinuation<[Response], any Error>?
        /// Set once it is over, until somebody has asked.
        var result: Result<[Response], any Error>?
    }

    private let expected: Int
    private let state: Mutex<State>

    /// Expects `expected` answers, of which `answered` are in `responses` already.
    init(expected: Int, answered: Int = 0, responses: [Response] = []) {
        self.expected = expected
        state = Mutex(State(responses: responses, answered: answered))
    }

    /// What has been gathered so far.
    var responses: [Response] { state.withLock { $0.responses } }

    /// One server's answer.
    func add(_ responses: [Response]) {
        end { state in
            state.responses += responses
            state.answered += 1
            return state.answered >= expected ? .success(state.responses) : nil
        }
    }

    /// The time is over.
    func expire() {
        end { state in
            .failure(
                ClusterTimeout(
                    responses: state.responses,
                    answered: state.answered,
                    expected: expected
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
