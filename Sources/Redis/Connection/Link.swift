import Bytes
import Loop

/// What a link calls, on its loop.
protocol LinkOwner: AnyObject {
    /// The handshake is over: commands may be written.
    func linkOpened()
    /// A reply, or a message, after the handshake.
    func linkTook(_ reply: consuming RedisReply)
    /// A PING has been written.
    func linkPinged()
    /// The system has taken everything written.
    func linkDrained()
    /// The connection has gone, if there was one; another will be tried.
    func linkLost(_ fault: RedisFault)
    /// The loop has stopped: nothing will come any more.
    func linkEnded()
}

/// A connection to Redis that is made anew whenever it breaks.
///
/// On its loop. Connects, shakes hands, parses, and watches with PINGs whether Redis is still
/// there. From `start` to `close` (or the loop's end) it keeps its owner and itself alive.
final class Link: ConnectionHandler, TimerTarget, LoopEndTarget {
    private enum Phase {
        case idle
        case connecting(Connector)
        /// Redis is to answer the handshake before the timer fires.
        case greeting(Connection, Handshake)
        /// The timer looks after the liveness.
        case open(Connection)
        /// The timer ends a pause.
        case pausing
        case closed
    }

    private let options: RedisOptions
    private let loop: EventLoop
    private let board: StatusBoard
    private let reusesStrings: Bool
    private var owner: (any LinkOwner)?
    private var phase = Phase.idle
    private var parser: ReplyParser?
    private var liveness: Liveness
    private var backoff: Backoff
    private var openedAt: UInt64 = 0
    private var timer = TimerToken.none

    /// A link that does nothing yet.
    ///
    /// - Parameters:
    ///   - options: Where to, how long, how often.
    ///   - loop: Where everything happens.
    ///   - board: Shows the states; `ready` is the owner's to show.
    ///   - reusesStrings: See `ReplyParser`.
    init(
        _ options: RedisOptions,
        loop: EventLoop,
        board: StatusBoard,
        reusesStrings: Bool
    ) {
        self.options = options
        self.loop = loop
        self.board = board
        self.reusesStrings = reusesStrings
        backoff = Backoff(from: options.minBackoff, to: options.maxBackoff)
        liveness = Liveness(interval: options.pingInterval, timeout: options.pingTimeout, now: 0)
    }

    /// Whether commands may be written.
    var isOpen: Bool {
        if case .open = phase { true } else { false }
    }

    /// Bytes written that the system has not taken yet.
    var bufferedBytes: Int {
        if case .open(let connection) = phase { connection.bufferedBytes } else { 0 }
    }

    /// Begins to connect on behalf of `owner`; once.
    func start(_ owner: any LinkOwner) {
        guard case .idle = phase else { return }
        self.owner = owner
        loop.tellEnd(to: self)
        connect()
    }

    /// Queues bytes that leave with this turn; only while open.
    func write(_ bytes: SharedBytes) {
        if case .open(let connection) = phase { connection.write(bytes) }
    }

    /// Takes the memory of a message back.
    func recycle(_ reply: consuming RedisReply) {
        parser?.recycle(reply)
    }

    /// Ends everything; the owner hears nothing more.
    func close() {
        release()
        phase = .closed
        owner = nil
        loop.forget(self)
    }

    /// Gives the connection up and tries for another.
    func renew(_ fault: RedisFault) {
        switch phase {
        case .idle, .closed, .pausing: return
        case .connecting, .greeting, .open: break
        }
        if case .open = phase, monotonicNanoseconds() - openedAt > backoffMemory { backoff.reset() }
        release()
        phase = .pausing
        board.show(.reconnecting(fault))
        var random = SystemRandomNumberGenerator()
        let pause = backoff.next(using: &random)
        timer = loop.schedule(self, after: fault.isRefusal ? options.maxBackoff : pause)
        owner?.linkLost(fault)
    }

    /// For how long a connection must hold until the pauses begin with the shortest again.
    ///
    /// Otherwise a Redis that takes everybody and throws them out would be asked without pause.
    private var backoffMemory: UInt64 { options.maxBackoff.clampedNanoseconds }

    private func connect() {
        let connector = loop.connect(
            to: options.address.endpoint,
            timeout: options.connectTimeout
        ) { [self] result in
            switch result {
            case .success(let connection): greet(connection)
            case .failure(let error): renew(.unreachable(error))
            }
        }
        phase = .connecting(connector)
    }

    private func greet(_ connection: Connection) {
        let handshake = Handshake(options)
        phase = .greeting(connection, handshake)
        parser = ReplyParser(limitInBytes: options.maxReplyBytes, reusesStrings: reusesStrings)
        do {
            try connection.start(self)
        } catch {
            renew(.disconnected(.failed(error)))
            return
        }
        timer = loop.schedule(self, after: options.connectTimeout)
        connection.write(handshake.request)
    }

    // MARK: The connection

    func received(_ bytes: inout MutableRawSpan) {
        guard let parser else { return }
        liveness.heard(now: monotonicNanoseconds())
        do throws(RedisFault) {
            try parser.feed(bytes.bytes) { reply in
                take(reply)
                return self.parser === parser
            }
        } catch {
            if self.parser === parser { renew(error) }
        }
    }

    private func take(_ reply: consuming RedisReply) {
        guard case .greeting(let connection, var handshake) = phase else {
            owner?.linkTook(reply)
            return
        }
        do throws(RedisFault) {
            let isLast = try handshake.take(reply)
            phase = isLast ? .open(connection) : .greeting(connection, handshake)
            if isLast { opened() }
        } catch {
            renew(error)
        }
    }

    private func opened() {
        loop.cancel(&timer)
        openedAt = monotonicNanoseconds()
        liveness = Liveness(
            interval: options.pingInterval,
            timeout: options.pingTimeout,
            now: openedAt
        )
        board.countConnection()
        checkLiveness()
        owner?.linkOpened()
    }

    func drained() {
        if case .open = phase { owner?.linkDrained() }
    }

    func ended(_ end: ConnectionEnd) {
        renew(.disconnected(end))
    }

    func loopEnded() {
        let owner = owner
        close()
        owner?.linkEnded()
    }

    // MARK: Time

    func timerFired(_ tag: UInt8) {
        timer = .none
        switch phase {
        case .greeting: renew(.silent(for: options.connectTimeout))
        case .open: checkLiveness()
        case .pausing: connect()
        case .idle, .connecting, .closed: break
        }
    }

    private func checkLiveness() {
        switch liveness.check(now: monotonicNanoseconds(), stuck: bufferedBytes) {
        case .wait(let time):
            timer = loop.schedule(self, after: .nanoseconds(Int64(clamping: time)))
        case .ping(let time):
            write(RedisCommand.ping)
            owner?.linkPinged()
            timer = loop.schedule(self, after: .nanoseconds(Int64(clamping: time)))
        case .dead:
            renew(.silent(for: options.pingTimeout))
        }
    }

    private func release() {
        loop.cancel(&timer)
        parser = nil
        switch phase {
        case .connecting(let connector): connector.cancel()
        case .greeting(let connection, _), .open(let connection): connection.close()
        case .idle, .pausing, .closed: break
        }
    }
}
