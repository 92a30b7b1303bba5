import Bytes

/// What becomes of one command.
typealias CommandCompletion = @Sendable (Result<RedisReply, RedisError>) -> Void
/// What becomes of several commands that left together.
typealias PipelineCompletion = @Sendable (Result<[RedisReply], RedisError>) -> Void

/// Commands on their way: their bytes, and who hears of the replies.
struct Outgoing: Sendable {
    enum Kind: Sendable {
        /// A message; nobody hears of it.
        case message
        case command(CommandCompletion)
        case pipeline(count: Int, PipelineCompletion)
    }

    /// What each costs beside its bytes, as `RedisOptions.maxQueuedBytes` has it.
    static let overhead = 64

    let bytes: SharedBytes
    let kind: Kind

    /// What it counts for in a queue.
    var cost: Int { bytes.count + Self.overhead }

    var isMessage: Bool {
        if case .message = kind { true } else { false }
    }

    /// Tells who waits that there is no result; a message is counted as dropped.
    func fail(_ error: RedisError, _ board: StatusBoard) {
        switch kind {
        case .message: board.countDropped(bytes: bytes.count)
        case .command(let completion): completion(.failure(error))
        case .pipeline(_, let completion): completion(.failure(error))
        }
    }
}
