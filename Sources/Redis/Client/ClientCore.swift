import Bytes
import Loop

/// The part of a client that lives on its loop.
final class ClientCore: LinkOwner, TimerTarget {
    private struct Waiting {
        let item: Outgoing
        /// When it is too old to be sent, in nanoseconds.
        let expiry: UInt64
    }

    private enum Life {
        case running
        /// What is queued and under way may still end; then these are told.
        case closing([@Sendable () -> Void])
        case closed
    }

    private static let expiryTag: UInt8 = 0
    private static let closeTag: UInt8 = 1

    private let options: RedisOptions
    private let loop: EventLoop
    private let board: StatusBoard
    private let outbox: Outbox
    private let link: Link
    private var pending = PendingReplies()
    private var waiting = Ring<Waiting>()
    private var waitingCost = 0
    private var batch: [Outgoing] = []
    private var life = Life.running
    private var expiryTimer = TimerToken.none
    private var closeTimer = TimerToken.none
    /// Whether messages wait although there is a connection.
    private var holdsMessages = false
    /// A message that fewer connections hear has been missed by some.
    private var expectedReceivers = 0

    init(_ options: RedisOptions, loop: EventLoop, board: StatusBoard, outbox: Outbox) {
        self.options = options
        self.loop = loop
        self.board = board
        self.outbox = outbox
        link = Link(
            options,
            loop: loop,
            board: board,
            reusesStrings: false
        )
    }

    func start() {
        guard case .running = life else { return }
        if loop.hasEnded { finish() } else { link.start(self) }
    }

    /// Takes what the outbox has: on to Redis, or to wait for a connection.
    func drain() {
        drainUrgent()
        outbox.take(into: &batch)
        if case .closed = life {
            failBatch()
        } else if loop.hasEnded {
            failBatch()
            finish()
        } else {
            for item in batch {
                if link.isOpen, !(holdsMessages && item.isMessage) {
                    write(item)
                } else if waitingCost + item.cost <= options.maxQueuedBytes {
                    wait(item)
                } else {
                    // It was taken while there was a connection.
                    item.fail(.queueFull(limitInBytes: options.maxQueuedBytes), board)
                }
            }
            armExpiry()
        }
        batch.removeAll(keepingCapacity: batch.count <= 4096)
        tellHeld()
    }

    /// Sends what does not wait, or has it fail.
    private func drainUrgent() {
        for item in outbox.takeUrgent() {
            if case .closed = life {
                item.fail(.closed, board)
            } else if link.isOpen {
                write(item)
            } else {
                item.fail(loop.hasEnded ? .closed : .notConnected, board)
            }
        }
    }

    /// Counts messages that fewer connections hear.
    func expectReceivers(_ count: Int) {
        expectedReceivers = count
    }

    /// Has messages wait from now on, as after an outage.
    func holdMessages() {
        guard case .running = life else { return }
        holdsMessages = true
        tellHeld()
    }

    /// Sends the messages that wait, and those to come.
    func releaseMessages() {
        holdsMessages = false
        if link.isOpen { writeWaiting() }
        tellHeld()
        finishIfIdle()
    }

    /// Refuses new commands; calls `completion` when those under way have ended, or after a time.
    func close(_ completion: @escaping @Sendable () -> Void) {
        switch life {
        case .closed:
            completion()
        case .closing(let others):
            life = .closing(others + [completion])
        case .running:
            life = .closing([completion])
            outbox.close()
            holdsMessages = false
            if link.isOpen { writeWaiting() }
            drain()
            if loop.hasEnded {
                finish()
            } else {
                closeTimer = loop.schedule(self, tag: Self.closeTag, after: options.closeTimeout)
                finishIfIdle()
            }
        }
    }

    /// Closes when what is under way has ended; what is not sent yet fails at once.
    func retire(_ completion: @escaping @Sendable () -> Void) {
        if !link.isOpen { abandon() }
        close(completion)
    }

    /// Closes without waiting for anything.
    func abandon() {
        if case .closed = life { return }
        outbox.close()
        drain()
        finish()
    }

    // MARK: The link

    func linkOpened() {
        board.show(.ready)
        drainUrgent()
        writeWaiting()
        tellHeld()
        finishIfIdle()
    }

    func linkTook(_ reply: consuming RedisReply) {
        guard let receiver = pending.next() else {
            link.renew(.unasked(reply))
            return
        }
        var unusable: RedisFault?
        if case .error(let line) = reply { unusable = RedisFault(unusable: line) }
        switch receiver {
        case .message:
            if case .error(let line) = reply {
                board.countRefused(line)
            } else {
                board.countPublished()
                if case .integer(let receivers) = reply, receivers < expectedReceivers {
                    board.countMissed()
                }
            }
        case .command(let completion):
            if case .error(let line) = reply {
                completion(.failure(.replied(line)))
            } else {
                completion(.success(reply))
            }
        case .pipeline(let pipeline):
            pipeline.replies.append(reply)
            if pipeline.left == 0 { pipeline.completion(.success(pipeline.replies)) }
        case .ping:
            if !reply.isStatus("PONG"), unusable == nil {
                unusable = .unexpected(reply, to: "PING")
            }
        }
        if let unusable { link.renew(unusable) }
        finishIfIdle()
    }

    func linkPinged() {
        pending.append(.ping)
    }

    func linkDrained() {
        tellHeld()
    }

    func linkLost(_ fault: RedisFault) {
        // Nobody releases them once it closes.
        if case .running = life, options.holdsMessagesAfterLoss { holdsMessages = true }
        failPending(.connectionLost(fault))
        tellHeld()
        finishIfIdle()
    }

    func linkEnded() {
        outbox.close()
        drain()
        finish()
    }

    // MARK: The rest

    func timerFired(_ tag: UInt8) {
        if tag == Self.closeTag {
            closeTimer = .none
            finish()
        } else {
            expiryTimer = .none
            expire()
        }
    }

    private func write(_ item: Outgoing) {
        if item.isObsolete { return }
        switch item.kind {
        case .message: pending.appendMessage()
        case .reportedMessage(let completion), .command(let completion):
            pending.append(.command(completion))
        case .timedCommand(let deadline):
            pending.append(.command { deadline.value.settle($0) })
        case .pipeline(let count, let completion):
            pending.append(.pipeline(PendingReplies.Pipeline(count: count, completion)))
        }
        link.write(item.bytes)
    }

    private func wait(_ item: Outgoing) {
        let expiry = monotonicNanoseconds() &+ options.maxQueuedTime.clampedNanoseconds
        waiting.append(Waiting(item: item, expiry: expiry))
        waitingCost += item.cost
    }

    /// Writes what waits, but for the messages if these are held.
    private func writeWaiting() {
        var held = Ring<Waiting>()
        while let first = waiting.popFirst() {
            if holdsMessages, first.item.isMessage {
                held.append(first)
            } else {
                waitingCost -= first.item.cost
                write(first.item)
            }
        }
        waiting = held
        if waiting.isEmpty { loop.cancel(&expiryTimer) }
    }

    private func tellHeld() {
        outbox.setHeld(
            Outbox.Held(
                waiting: waitingCost,
                unsent: link.bufferedBytes,
                isConnected: link.isOpen,
                holdsMessages: holdsMessages
            )
        )
    }

    private func armExpiry() {
        guard expiryTimer == .none, let first = waiting.first else { return }
        let now = monotonicNanoseconds()
        let left = first.expiry > now ? first.expiry - now : 0
        expiryTimer = loop.schedule(
            self,
            tag: Self.expiryTag,
            after: .nanoseconds(Int64(clamping: left))
        )
    }

    private func expire() {
        let now = monotonicNanoseconds()
        while let first = waiting.first, first.expiry <= now {
            drop(.expired(after: options.maxQueuedTime))
        }
        armExpiry()
        tellHeld()
        finishIfIdle()
    }

    /// Lets go of the command that waits longest.
    private func drop(_ error: RedisError) {
        guard let first = waiting.popFirst() else { return }
        waitingCost -= first.item.cost
        first.item.fail(error, board)
    }

    private func failBatch() {
        for item in batch { item.fail(.closed, board) }
    }

    private func failPending(_ error: RedisError) {
        var failed: [PendingReplies.Receiver] = []
        pending.removeAll { receiver, count in
            switch receiver {
            case .message:
                board.countUncertain(count)
            case .command:
                board.countUncertain(1)
                failed.append(receiver)
            case .pipeline(let pipeline):
                board.countUncertain(pipeline.left)
                failed.append(receiver)
            case .ping:
                break
            }
        }
        for receiver in failed {
            switch receiver {
            case .command(let completion): completion(.failure(error))
            case .pipeline(let pipeline): pipeline.completion(.failure(error))
            case .message, .ping: break
            }
        }
    }

    private func finishIfIdle() {
        if case .closing = life, pending.isEmpty, waiting.isEmpty { finish() }
    }

    /// Ends for good, and tells everybody who waits.
    private func finish() {
        let waiters: [@Sendable () -> Void]
        switch life {
        case .closed: return
        case .closing(let closers): waiters = closers
        case .running: waiters = []
        }
        life = .closed
        outbox.close()
        loop.cancel(&expiryTimer)
        loop.cancel(&closeTimer)
        link.close()
        drainUrgent()
        failPending(.connectionLost(.closed))
        while !waiting.isEmpty { drop(.closed) }
        board.show(.closed)
        for waiter in waiters { waiter() }
    }
}
