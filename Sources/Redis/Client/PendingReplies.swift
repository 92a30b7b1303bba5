import Bytes

/// Who gets the next replies, in the order in which the commands left.
///
/// Messages are only counted between the others: each costs no memory while it is under way.
struct PendingReplies: ~Copyable {
    enum Receiver {
        case message
        case command(CommandCompletion)
        case pipeline(Pipeline)
        /// Our own PING.
        case ping
    }

    /// The replies of commands that left together, on the loop.
    final class Pipeline {
        let completion: PipelineCompletion
        var left: Int
        var replies: [RedisReply] = []

        init(count: Int, _ completion: @escaping PipelineCompletion) {
            self.completion = completion
            left = count
            replies.reserveCapacity(count)
        }
    }

    private struct Entry {
        /// Messages that left before.
        var messages: Int
        let receiver: Receiver
    }

    private var entries = Ring<Entry>()
    /// Messages that left after the last entry.
    private var messagesAtEnd = 0

    var isEmpty: Bool { messagesAtEnd == 0 && entries.isEmpty }

    /// A message has left.
    mutating func appendMessage() {
        messagesAtEnd += 1
    }

    /// Something else has left.
    mutating func append(_ receiver: Receiver) {
        entries.append(Entry(messages: messagesAtEnd, receiver: receiver))
        messagesAtEnd = 0
    }

    /// Who gets the next reply; nil if nobody waits.
    ///
    /// A pipeline stays first until its last reply.
    mutating func next() -> Receiver? {
        guard let first = entries.first else {
            guard messagesAtEnd > 0 else { return nil }
            messagesAtEnd -= 1
            return .message
        }
        if first.messages > 0 {
            entries.changeFirst { $0.messages -= 1 }
            return .message
        }
        if case .pipeline(let pipeline) = first.receiver {
            pipeline.left -= 1
            if pipeline.left > 0 { return first.receiver }
        }
        return entries.popFirst()?.receiver
    }

    /// Forgets everybody; the first of each is given to `body`, messages with their number.
    mutating func removeAll(_ body: (Receiver, _ count: Int) -> Void) {
        while let entry = entries.popFirst() {
            if entry.messages > 0 { body(.message, entry.messages) }
            body(entry.receiver, 1)
        }
        if messagesAtEnd > 0 { body(.message, messagesAtEnd) }
        messagesAtEnd = 0
    }
}
