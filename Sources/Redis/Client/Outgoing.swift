import Bytes
import Loop

/// What becomes of one command.
typealias CommandCompletion = @Sendable (Result<RedisReply, RedisError>) -> Void
/// What becomes of several commands that left together.
typealias PipelineCompletion = @Sendable (Result<[RedisReply], RedisError>) -> Void

/// Commands on their way: their bytes, and who hears of the replies.
struct Outgoing: Sendable {
    enum Kind: Sendable {
        /// A message; nobody hears of it.
        case message
        /// A message whose sender hears of it, as a cluster's node may not be the right one.
        case reportedMessage(CommandCompletion)
        case command(CommandCompletion)
        /// A command that is not sent when its caller has gone on.
        case timedCommand(LoopBound<Deadline>)
        case pipeline(count: Int, PipelineCompletion)
    }

    /// What each costs beside its bytes, as `RedisOptions.maxQueuedBytes` has it.
    static let overhead = 64

    let bytes: SharedBytes
    let kind: Kind

    /// What it counts for in a queue.
    var cost: Int { bytes.count + Self.overhead }

    /// Whether it waits for `RedisClient.releaseMessages` after an outage.
    var isMessage: Bool {
        switch kind {
        case .message, .reportedMessage: true
        case .command, .timedCommand, .pipeline: false
        }
    }

    /// Whether nobody waits for it any more; on the loop.
    var isObsolete: Bool {
        if case .timedCommand(let deadline) = kind { deadline.value.isSettled } else { false }
    }

    /// Tells who waits that there is no result; a message is counted as dropped.
    ///
    /// On the loop, but for a message.
    func fail(_ error: RedisError, _ board: StatusBoard) {
        switch kind {
        case .message: board.countDropped(bytes: bytes.count, error)
        case .reportedMessage(let completion), .command(let completion):
            completion(.failure(error))
        case .timedCommand(let deadline): deadline.value.settle(.failure(error))
        case .pipeline(_, let completion): completion(.failure(error))
        }
    }
}
