/// The answer that a client waits for, given once though an event may have several handlers.
final class Reply {
    let id: UInt64
    private var handlersLeft: Int
    private var isSent = false

    init(id: UInt64, handlers: Int) {
        self.id = id
        handlersLeft = handlers
    }

    /// What to send now: the first value, or nothing's acknowledgement when all are done without.
    func answer(to outcome: HandlerOutcome) -> Arguments? {
        handlersLeft -= 1
        guard !isSent else { return nil }
        switch outcome {
        case .ack(let arguments):
            isSent = true
            return arguments
        case .none:
            guard handlersLeft == 0 else { return nil }
            isSent = true
            return Arguments()
        }
    }
}

extension Arguments {
    /// What a client learns of an error: an `AckError` or `ArgumentError` in full, of others that
    /// they happened.
    static func describing(_ error: any Error) -> Arguments {
        let visible: AckError =
            switch error {
            case let error as AckError: error
            case let error as ArgumentError:
                AckError(code: "invalid_argument", message: error.description)
            default: AckError(code: "internal")
            }
        // Two strings always encode.
        return (try? Arguments(["error": visible])) ?? Arguments()
    }
}
