import Bytes
import Loop

/// The part of a subscriber that lives on its loop.
final class SubscriberCore: LinkOwner, TimerTarget {
    typealias Handler = SubscriptionTable.Handler
    typealias MovedHook = @Sendable (SubscriptionKind, SharedBytes, _ line: String?) -> Void

    /// How many bytes of subscriptions are written at once.
    private static let portion = 64 * 1024

    private let options: RedisOptions
    private let loop: EventLoop
    private let board: StatusBoard
    private let link: Link
    private let onMoved: MovedHook?
    private var table = SubscriptionTable()
    /// To be asked for when there is room; some may have been left meanwhile.
    private var queue = Ring<SubscriptionKey>()
    private var isClosed = false
    private var retryTimer = TimerToken.none

    init(_ options: RedisOptions, loop: EventLoop, board: StatusBoard, onMoved: MovedHook?) {
        self.options = options
        self.loop = loop
        self.board = board
        self.onMoved = onMoved
        link = Link(
            options,
            loop: loop,
            board: board,
            reusesStrings: true
        )
    }

    func start() {
        if loop.hasEnded { close() } else { link.start(self) }
    }

    func subscribe(
        _ key: SubscriptionKey,
        _ handler: @escaping Handler,
        confirmed: (@Sendable () -> Void)?
    ) {
        var waiter = confirmed
        guard !isClosed else {
            waiter?()
            return
        }
        if table.add(key, handler, waiter: &waiter), link.isOpen {
            ask([key])
        }
        waiter?()
    }

    func unsubscribe(_ key: SubscriptionKey) {
        if table.remove(key), link.isOpen {
            table.askedToEnd(key)
            link.write(RedisCommand(key.kind.unsubscribe, key.name).encoded())
        }
        showReadyIfSettled()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.cancel(&retryTimer)
        link.close()
        let waiters = table.removeAll()
        board.show(.closed)
        for waiter in waiters { waiter() }
    }

    // MARK: The link

    func linkOpened() {
        ask(table.keys)
        showReadyIfSettled()
    }

    func linkTook(_ reply: consuming RedisReply) {
        guard let push = Push(reply) else {
            link.renew(.unasked(reply))
            return
        }
        switch table.take(push) {
        case .nothing:
            break
        case .deliver(let handler):
            guard case .message(_, let channel, let payload) = push else { break }
            board.countReceived()
            handler(channel, payload)
            link.recycle(reply)
        case .confirmed(let waiters):
            showReadyIfSettled()
            for waiter in waiters { waiter() }
        case .refused(let key, let line):
            refused(key, line)
        case .kicked(let key):
            moved(key, nil)
        case .violation:
            if case .error(let line) = push, let fault = RedisFault(unusable: line) {
                link.renew(fault)
            } else {
                link.renew(.unasked(reply))
            }
        }
    }

    func linkPinged() {
        table.pinged()
    }

    func linkDrained() {
        askQueued()
    }

    func linkLost(_ fault: RedisFault) {
        table.disconnected()
        while queue.popFirst() != nil {}
        loop.cancel(&retryTimer)
    }

    func linkEnded() {
        close()
    }

    // MARK: What Redis does not take

    /// Asks again for what was refused.
    func timerFired(_ tag: UInt8) {
        retryTimer = .none
        if link.isOpen { ask(table.refusedKeys) }
    }

    private func refused(_ key: SubscriptionKey, _ line: String) {
        if key.kind == .shard, line.hasPrefix("MOVED ") {
            moved(key, line)
        } else if let fault = RedisFault(unusable: line) {
            link.renew(fault)
        } else {
            retryLater(.refused(command: key.kind.subscribe, line: line))
        }
    }

    private func moved(_ key: SubscriptionKey, _ line: String?) {
        if let onMoved {
            _ = table.remove(key)
            showReadyIfSettled()
            onMoved(key.kind, key.name, line)
        } else {
            let reason = line ?? "MOVED the channel's slot belongs to another node now"
            retryLater(.refused(command: key.kind.subscribe, line: reason))
        }
    }

    private func retryLater(_ fault: RedisFault) {
        board.show(.reconnecting(fault))
        guard retryTimer == .none else { return }
        retryTimer = loop.schedule(self, after: options.maxBackoff)
    }

    /// Sends the subscriptions, each as a command of its own so that each has its own answer.
    private func ask(_ keys: [SubscriptionKey]) {
        for key in keys { queue.append(key) }
        askQueued()
    }

    /// Sends a portion; the next one when the system has taken it all.
    ///
    /// Hundreds of thousands of rooms at once would keep the loop busy, and be lost together.
    private func askQueued() {
        guard !queue.isEmpty, link.isOpen else { return }
        let room = Self.portion - link.bufferedBytes
        var buffer = ByteBuffer()
        while buffer.count < room, let key = queue.popFirst() {
            guard table.mayAsk(key) else { continue }
            table.asked(key)
            RedisCommand(key.kind.subscribe, key.name).encode(into: &buffer)
        }
        if !buffer.isEmpty { link.write(buffer.takeShared()) }
    }

    private func showReadyIfSettled() {
        if link.isOpen, table.isSettled { board.show(.ready) }
    }
}
