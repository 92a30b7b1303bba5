package import Bytes
package import Loop

/// Sends commands to Redis over one connection, from any thread.
///
/// Commands are pipelined and their replies come in order. While there is no connection they wait,
/// bounded in bytes and time; when one breaks, those under way fail and are never repeated. The
/// client works until `close` or until nobody holds it.
package final class RedisClient: Sendable {
    /// Where completions and `onChange` are called.
    package let loop: EventLoop

    private let core: LoopBound<ClientCore>
    private let outbox: Outbox
    private let board: StatusBoard

    /// A client that queues until `start`.
    ///
    /// - Parameters:
    ///   - options: Where to, and the bounds.
    ///   - loop: Where the connection lives.
    ///   - onChange: Called on the loop with each new state.
    package init(
        options: RedisOptions,
        loop: EventLoop,
        onChange: @escaping @Sendable (RedisState) -> Void = { _ in }
    ) {
        self.loop = loop
        board = StatusBoard(onChange: onChange)
        outbox = Outbox(options)
        core = LoopBound(ClientCore(options, loop: loop, board: board, outbox: outbox), loop: loop)
    }

    deinit {
        // Later: whoever lets go of it may be in the middle of something.
        core.post { $0.abandon() }
    }

    /// Begins to connect; from any thread, once.
    package func start() {
        core.run { $0.start() }
    }

    /// The state and the counters, for now; from any thread.
    package var status: RedisStatus { board.status }

    /// Messages dropped and refused so far; cheap enough to be asked often.
    package var lossCount: Int { board.lossCount }

    /// Sends a command; from any thread.
    ///
    /// - Parameters:
    ///   - command: What to send.
    ///   - completion: Called once on the loop with the reply; an error line of Redis is
    ///     `.replied`.
    package func send(
        _ command: RedisCommand,
        _ completion: @escaping @Sendable (Result<RedisReply, RedisError>) -> Void
    ) {
        send(encoded: command.encoded(), completion)
    }

    /// Sends a command that is for now or for never, past all that waits; from any thread.
    ///
    /// It has no bound but its sender: one such command under way at a time, and small. Without a
    /// connection it fails at once.
    /// - Parameters:
    ///   - command: What to send.
    ///   - completion: Called once on the loop with the reply, or with `.notConnected`.
    package func sendUrgent(
        _ command: RedisCommand,
        _ completion: @escaping @Sendable (Result<RedisReply, RedisError>) -> Void
    ) {
        put(Outgoing(bytes: command.encoded(), kind: .command(completion)), isUrgent: true)
    }

    /// Sends a command whose result matters for so long only; from any thread.
    ///
    /// - Parameters:
    ///   - command: What to send.
    ///   - timeout: Then the result is `.expired`; a command that still waits is not sent any more.
    ///   - isUrgent: See `sendUrgent`.
    ///   - completion: Called once on the loop, at the timeout at the latest.
    package func send(
        _ command: RedisCommand,
        timeout: Duration,
        isUrgent: Bool = false,
        _ completion: @escaping @Sendable (Result<RedisReply, RedisError>) -> Void
    ) {
        let deadline = LoopBound(Deadline(loop: loop), loop: loop)
        send(command, deadline, timeout, isUrgent, completion)
    }

    /// As above, and waits; a cancelled task waits no longer.
    ///
    /// - Throws: `RedisError`, `.expired` and `.cancelled` among them.
    package func send(
        _ command: RedisCommand,
        timeout: Duration,
        isUrgent: Bool = false
    ) async throws(RedisError) -> RedisReply {
        let deadline = LoopBound(Deadline(loop: loop), loop: loop)
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                send(command, deadline, timeout, isUrgent) { waiter.resume(returning: $0) }
            }
        } onCancel: {
            deadline.post { $0.settle(.failure(.cancelled)) }
        }.get()
    }

    private func send(
        _ command: RedisCommand,
        _ deadline: LoopBound<Deadline>,
        _ timeout: Duration,
        _ isUrgent: Bool,
        _ completion: @escaping CommandCompletion
    ) {
        deadline.run { $0.begin(timeout, completion) }
        let item = Outgoing(bytes: command.encoded(), kind: .timedCommand(deadline))
        put(item, isUrgent: isUrgent)
    }

    /// Publishes a message that is written already; who sent it hears what becomes of it.
    func publish(encoded message: SharedBytes, _ completion: @escaping CommandCompletion) {
        put(Outgoing(bytes: message, kind: .reportedMessage(completion)))
    }

    /// As above, for a command that is written already.
    func send(encoded command: SharedBytes, _ completion: @escaping CommandCompletion) {
        put(Outgoing(bytes: command, kind: .command(completion)))
    }

    /// Sends `count` commands that are written already and leave together.
    func send(
        encoded commands: SharedBytes,
        count: Int,
        _ completion: @escaping PipelineCompletion
    ) {
        put(Outgoing(bytes: commands, kind: .pipeline(count: count, completion)))
    }

    /// Closes when what is under way has ended; what is not sent yet fails at once.
    ///
    /// From any thread; for a node that has left a cluster.
    func retire(_ completion: @escaping @Sendable () -> Void = {}) {
        // Kept until then, as letting go of it would end it at once.
        core.run { core in core.retire { withExtendedLifetime(self) { completion() } } }
    }

    /// Sends a command and waits for its reply.
    ///
    /// - Throws: `RedisError`; an error line of Redis is `.replied`.
    package func send(_ command: RedisCommand) async throws(RedisError) -> RedisReply {
        try await withCheckedContinuation { waiter in
            send(command) { waiter.resume(returning: $0) }
        }.get()
    }

    /// Sends commands that leave together, with nobody's between them; from any thread.
    ///
    /// - Parameters:
    ///   - commands: Such as `MULTI` … `EXEC`.
    ///   - completion: Called once on the loop with the reply of each; error lines of Redis stand
    ///     among them as `.error`.
    package func send(
        _ commands: [RedisCommand],
        _ completion: @escaping @Sendable (Result<[RedisReply], RedisError>) -> Void
    ) {
        guard !commands.isEmpty else {
            loop.post { completion(.success([])) }
            return
        }
        var buffer = ByteBuffer()
        for command in commands { command.encode(into: &buffer) }
        send(encoded: buffer.takeShared(), count: commands.count, completion)
    }

    /// Sends commands that leave together and waits for the reply of each.
    ///
    /// - Throws: `RedisError`; error lines of Redis are not thrown but stand among the replies.
    package func send(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisReply] {
        try await withCheckedContinuation { waiter in
            send(commands) { waiter.resume(returning: $0) }
        }.get()
    }

    /// Publishes a message, at most once, and forgets it; from any thread.
    ///
    /// One that cannot be sent is dropped and counted, see `RedisStatus`.
    /// - Parameters:
    ///   - channel: Its name.
    ///   - payload: The message.
    ///   - sharded: Whether to use `SPUBLISH` (Redis 7).
    package func publish(
        _ channel: SharedBytes,
        _ payload: SharedBytes,
        sharded: Bool = false
    ) {
        let bytes = RedisCommand.publish(channel, payload, sharded: sharded)
        put(Outgoing(bytes: bytes, kind: .message))
    }

    /// Counts messages that fewer than `count` connections hear, see `RedisStatus.missedMessages`.
    package func expectReceivers(_ count: Int) {
        core.run { $0.expectReceivers(count) }
    }

    /// Has messages wait from now on, as after an outage.
    func holdMessages() {
        core.run { $0.holdMessages() }
    }

    /// Sends the messages that are held, see `RedisOptions.holdsMessagesAfterLoss`.
    package func releaseMessages() {
        core.run { $0.releaseMessages() }
    }

    /// Closes for good, when what is queued has been answered or `RedisOptions.closeTimeout` is
    /// over.
    ///
    /// From any thread; what is sent from now on fails with `.closed`.
    package func close() async {
        outbox.close()
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            core.run { $0.close { waiter.resume() } }
        }
    }

    private func put(_ item: Outgoing, isUrgent: Bool = false) {
        let outcome = outbox.put(item, isUrgent: isUrgent)
        if outcome.mustWake { core.post { $0.drain() } }
        guard let refusal = outcome.refusal else { return }
        switch item.kind {
        case .message: item.fail(refusal, board)
        case .reportedMessage, .command, .timedCommand, .pipeline:
            loop.post { [board] in item.fail(refusal, board) }
        }
    }
}
