import Bytes
import EngineIOProtocol
import HTTP1
import Loop

/// One HTTP/1.1 connection: requests in, one after the other, and their responses out.
///
/// Owned by its loop. What a request leads to is decided at its head (`HTTPConnection+routing`);
/// while it is answered, pipelined bytes wait here.
final class HTTPConnection: ConnectionHandler, TimerTarget {
    /// What happens with the request at hand.
    enum Exchange {
        /// No head yet.
        case none
        /// The app's middlewares have the head.
        case deciding(RequestHead)
        /// The body is being read; then `perform` does the rest.
        case receiving(RequestHead, Destination)
        /// Somebody will respond.
        case responding(RequestHead)
        /// What is pipelined waits for the next turn, or for earlier responses to leave.
        case waiting
        /// The descriptor goes to another loop as soon as earlier responses are out.
        case moving(LoopBound<EngineLoop>, unread: SharedBytes)
        /// The connection is closed, or belongs to a WebSocket.
        case finished
    }

    private enum Timer {
        static let head: UInt8 = 0
        static let body: UInt8 = 1
        static let keepAlive: UInt8 = 2
    }

    let connection: Connection
    let engine: EngineLoop
    private(set) var exchange = Exchange.none
    private var parser: RequestParser
    private var body = ByteBuffer()
    private var unread = ByteBuffer()
    /// What middlewares add to the response to the request at hand.
    private(set) var addedFields: ResponseWriter.Fields = []
    private var isProcessing = false
    /// Whether the connection cannot be read on after the request at hand.
    private var isLastRequest = false
    private var timer = TimerToken.none
    private var timerTag: UInt8?
    /// How much the kernel had taken at the last look; nil while it takes all.
    private var takenBytes: Int?

    init(_ connection: Connection, engine: EngineLoop) {
        self.connection = connection
        self.engine = engine
        parser = RequestParser(limits: engine.options.httpLimits)
    }

    /// Starts to wait for a request; `bytes` have been read on another loop.
    func begin(_ bytes: SharedBytes) {
        setTimer(Timer.head, engine.options.headTimeout)
        if !bytes.isEmpty { process(bytes.bytes) }
    }

    // MARK: Called by the connection

    func received(_ bytes: inout MutableRawSpan) {
        switch exchange {
        case .none, .receiving:
            process(bytes.bytes)
        case .deciding, .responding, .waiting, .moving:
            keep(bytes.bytes)
        case .finished:
            break
        }
    }

    /// Keeps pipelined bytes for later; while they are many, no more are read.
    private func keep(_ bytes: RawSpan) {
        unread.append(bytes)
        if unread.count > engine.options.maxPipelinedBytes { connection.setReading(false) }
    }

    func blocked() {
        if takenBytes == nil { takenBytes = connection.takenBytes }
    }

    func drained() {
        if takenBytes != nil {
            takenBytes = nil
            // Only now the client has all it asked for, and time to ask for more.
            if timerTag == Timer.keepAlive {
                cancelTimer()
                setTimer(Timer.keepAlive, engine.options.keepAliveTimeout)
            }
        }
        switch exchange {
        case .moving(let target, let unread): move(to: target, unread)
        case .waiting: resume()
        case .none, .deciding, .receiving, .responding, .finished: break
        }
    }

    func ended(_ end: ConnectionEnd) {
        let exchange = exchange
        finish()
        engine.forget(connection)
        sessionLosesRequest(exchange)
    }

    func timerFired(_ tag: UInt8) {
        // Cancelled by another timer of the same turn.
        guard timerTag == tag else { return }
        timer = .none
        timerTag = nil
        switch tag {
        case Timer.keepAlive:
            let taken = connection.takenBytes
            if let last = takenBytes, taken > last {
                // It takes long, but it is read.
                takenBytes = taken
                setTimer(Timer.keepAlive, engine.options.keepAliveTimeout)
            } else {
                close()
            }
        default:
            // RFC 9110 §15.5.9; a peer that has sent nothing at all is not worth an answer.
            if tag == Timer.head, parser.isBetweenRequests { close() } else { refuse(status: 408) }
        }
    }

    // MARK: Requests

    /// Parses as far as the request at hand allows; the rest waits in `unread`.
    ///
    /// A request whose head has been `decided` begins before that.
    private func process(
        _ bytes: RawSpan,
        decided: (head: RequestHead, destination: Destination)? = nil
    ) {
        isProcessing = true
        defer { isProcessing = false }
        var offset = 0
        if let decided { begin(decided.head, decided.destination, in: bytes, at: &offset) }
        do {
            while true {
                switch exchange {
                case .none, .receiving:
                    break
                case .deciding, .responding, .waiting:
                    keep(bytes.extracting(offset..<bytes.byteCount))
                    return
                case .moving, .finished:
                    return
                }
                switch try parser.next(in: bytes, at: &offset) {
                case .needsMore:
                    watchProgress()
                    return
                case .head(let head):
                    let destination = destination(of: head)
                    if let decide = middleware(for: head, destination) {
                        exchange = .deciding(head)
                        cancelTimer()
                        ask(decide, head)
                    } else {
                        begin(head, destination, in: bytes, at: &offset)
                    }
                case .body(let range):
                    body.append(bytes.extracting(range))
                case .end:
                    endRequest()
                }
            }
        } catch {
            refuse(status: error.status)
        }
    }

    /// The app's middlewares have come to an end.
    func decided(_ verdict: MiddlewareVerdict) {
        guard case .deciding(let head) = exchange else { return }
        addedFields = verdict.fields
        let destination = destination(of: head, verdict)
        let bytes = unread.takeShared()
        process(bytes.bytes, decided: (head, destination))
        readOn()
    }

    /// Reads more, unless too much waits, or another handler has the connection, which may not
    /// want to read now.
    private func readOn() {
        if case .finished = exchange { return }
        if unread.count <= engine.options.maxPipelinedBytes { connection.setReading(true) }
    }

    private func begin(
        _ head: RequestHead,
        _ destination: Destination,
        in bytes: RawSpan,
        at offset: inout Int
    ) {
        let rest = bytes.extracting(offset..<bytes.byteCount)
        switch destination {
        case .otherLoop(let target):
            var unused = ByteBuffer(capacity: head.bytes.count + rest.byteCount)
            unused.append(head.bytes)
            unused.append(rest)
            cancelTimer()
            exchange = .moving(target, unread: unused.takeShared())
            if connection.bufferedBytes == 0 {
                drained()
            } else {
                setTimer(Timer.keepAlive, engine.options.keepAliveTimeout)
            }
            return
        case .webSocket(let session):
            exchange = .responding(head)
            cancelTimer()
            // Frames already, which wait with those that come while the upgrade is decided.
            unread.append(rest)
            offset = bytes.byteCount
            upgrade(head, session)
            return
        case .error, .webSocketError, .badMethod, .refusal, .answer:
            guard head.expectsContinue, head.hasBody else { break }
            // The body is not wanted, so it may come or not: no next request can be told from it.
            isLastRequest = true
            exchange = .receiving(head, destination)
            endRequest()
            return
        case .post, .handshake, .poll, .preflight, .bundle, .file, .route:
            break
        }
        exchange = .receiving(head, destination)
        var limit = engine.options.httpLimits.maxBodyBytes
        if case .post(let session) = destination {
            guard session.beginPost(self) else { return }
            limit = engine.options.maxHTTPBufferSize
        }
        parser.setBodyLimit(limit)
        // One that is too long is refused at once instead (RFC 9110 §10.1.1).
        if head.expectsContinue, head.hasBody, head.contentLength ?? 0 <= limit {
            connection.write(ResponseWriter.continueResponse)
        }
    }

    private func endRequest() {
        guard case .receiving(let head, let destination) = exchange else { return }
        cancelTimer()
        exchange = .responding(head)
        perform(destination, head, body.takeShared())
    }

    private func watchProgress() {
        switch exchange {
        case .none:
            if parser.isReadingHead {
                setTimer(Timer.head, engine.options.headTimeout)
            } else if timerTag == nil {
                setTimer(Timer.keepAlive, engine.options.keepAliveTimeout)
            }
        case .receiving:
            setTimer(Timer.body, engine.options.bodyTimeout)
        case .deciding, .responding, .waiting, .moving, .finished:
            break
        }
    }

    /// Arms `tag` unless it runs already: a peer that sends byte by byte gains no time.
    private func setTimer(_ tag: UInt8, _ delay: Duration) {
        guard timerTag != tag else { return }
        cancelTimer()
        timer = connection.loop.schedule(self, tag: tag, after: delay)
        timerTag = tag
    }

    private func cancelTimer() {
        connection.loop.cancel(&timer)
        timerTag = nil
    }

    // MARK: Responses

    /// Sends the response to the request at hand and goes on to the next.
    func respond(
        status: Int,
        fields: ResponseWriter.Fields = [],
        body: SharedBytes = SharedBytes()
    ) {
        guard case .responding(let head) = exchange else { return }
        let keepsAlive = head.keepsAlive && !isLastRequest && !engine.isShuttingDown
        connection.write(
            ResponseWriter.response(
                status,
                fields: withAdded(fields),
                body: body,
                isHead: head.method == .head,
                keepsAlive: keepsAlive,
                date: engine.date
            )
        )
        addedFields = []
        guard keepsAlive else {
            closeWhenDrained()
            return
        }
        if connection.bufferedBytes > engine.options.maxUnsentBytes {
            exchange = .waiting
            setTimer(Timer.keepAlive, engine.options.keepAliveTimeout)
        } else if isProcessing {
            exchange = .none
        } else if unread.isEmpty {
            exchange = .none
            watchProgress()
        } else {
            // In a later turn: a request that answers one of another connection, which has more
            // pipelined, and so on, would be a recursion as deep as clients like.
            exchange = .waiting
            LoopBound(self, loop: connection.loop).post { $0.resume() }
        }
    }

    /// Has the response to the request at hand be the last one.
    func endAfterResponse() { isLastRequest = true }

    /// Goes on with what has been pipelined meanwhile.
    private func resume() {
        guard case .waiting = exchange,
            connection.bufferedBytes <= engine.options.maxUnsentBytes
        else { return }
        exchange = .none
        let bytes = unread.takeShared()
        process(bytes.bytes)
        readOn()
    }

    /// Answers a request that cannot be read on, or that is not complete, and closes.
    func refuse(status: Int) {
        let exchange = exchange
        switch exchange {
        case .finished:
            return
        case .none, .deciding, .receiving, .responding, .waiting, .moving:
            break
        }
        var fields: ResponseWriter.Fields = []
        if case .receiving(let head, .post) = exchange { fields = corsFields(head) }
        connection.write(
            ResponseWriter.response(
                status,
                fields: withAdded(fields),
                keepsAlive: false,
                date: engine.date
            )
        )
        closeWhenDrained()
        if status == 413, case .receiving(let head, .post(let session)) = exchange {
            session.refused(size: head.contentLength, by: .polling)
            session.abandonPost(self)
        } else {
            sessionLosesRequest(exchange)
        }
    }

    private func sessionLosesRequest(_ exchange: Exchange) {
        switch exchange {
        case .receiving(_, .post(let session)):
            session.requestAborted(self)
        case .responding(let head):
            pollSession(of: head)?.requestAborted(self)
        case .none, .deciding, .receiving, .waiting, .moving, .finished:
            break
        }
    }

    /// The server closes: a request that is being decided gets 503, all else has had its answer.
    func shutDown() {
        switch exchange {
        case .deciding(let head):
            exchange = .responding(head)
            respond(status: 503)
        case .responding: respond(status: 503)
        case .none, .receiving, .waiting, .moving: closeWhenDrained()
        case .finished: break
        }
    }

    /// Closes at once, without an answer.
    func abort() {
        close()
    }

    private func close() {
        finish()
        connection.close()
        engine.forget(connection)
    }

    func closeWhenDrained() {
        finish()
        connection.closeWhenDrained()
        engine.forget(connection)
    }

    private func finish() {
        cancelTimer()
        exchange = .finished
        body.removeAll()
        unread.removeAll()
        addedFields = []
    }

    /// Lets go of the connection, which a WebSocket takes over; gives what has come meanwhile.
    func yieldToWebSocket() -> SharedBytes {
        let bytes = unread.takeShared()
        finish()
        engine.forget(connection)
        return bytes
    }

    private func move(to target: LoopBound<EngineLoop>, _ bytes: SharedBytes) {
        var all = ByteBuffer(capacity: bytes.count + unread.count)
        all.append(bytes)
        all.append(unread.bytes)
        let peer = connection.peer
        let unread = all.takeShared()
        finish()
        engine.forget(connection)
        guard let descriptor = connection.detach() else { return }
        let box = DescriptorInTransit(descriptor)
        target.post { engine in
            if let descriptor = box.take() { engine.adopt(descriptor, peer, unread: unread) }
        }
    }
}
