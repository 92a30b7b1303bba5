import Bytes
import EngineIOProtocol
import HTTP1
import Loop

extension HTTPConnection {
    /// Where a request leads, decided at its head.
    enum Destination {
        case handshake
        case poll(EngineSession)
        case post(EngineSession)
        /// GET and POST are the only methods of polling: `500`, empty (protocol.md §2).
        case badMethod
        case error(HandshakeError)
        /// An error of a WebSocket request: always `400`, plain text (§3).
        case webSocketError(HandshakeError)
        case webSocket(EngineSession?)
        case otherLoop(LoopBound<EngineLoop>)
        case preflight
        case bundle(StaticFiles.File)
        case file(StaticFiles.File)
        case route(RouteHandler)
        case refusal(status: Int, fields: ResponseWriter.Fields)
        /// What a middleware has answered.
        case answer(RouteResponse)
    }

    /// Decides where `head` leads (protocol.md §2; §22 before the engine).
    func destination(of head: RequestHead) -> Destination {
        let server = engine.server
        if let file = server.bundle?.file(at: head.path) { return .bundle(file) }
        if server.isEngine(head) {
            return head.wantsUpgrade(to: "websocket")
                ? webSocketDestination(of: head) : engineDestination(of: head)
        }
        switch server.routes.match(head) {
        case .handler(let handler):
            return .route(handler)
        case .file(let file):
            return .file(file)
        case .otherMethod(let allowed):
            return .refusal(status: 405, fields: [("Allow", allowed)])
        case .none:
            return .refusal(status: 404, fields: [])
        }
    }

    private func engineDestination(of head: RequestHead) -> Destination {
        if head.method == .options, engine.options.cors != nil { return .preflight }
        let query = head.query
        let isPolling: Bool
        switch query.value(of: "transport") {
        case "polling" where engine.options.allowsPolling: isPolling = true
        case "websocket" where engine.options.allowsWebSocket: isPolling = false
        default: return .error(.transportUnknown)
        }
        if let error = originError(head) { return .error(error) }
        guard let sid = query.value(of: "sid"), !sid.isEmpty else {
            guard head.method == .get else { return .error(.badHandshakeMethod) }
            // WebSocket without an upgrade.
            return isPolling ? .handshake : .error(.badRequest(.transportHandshake))
        }
        switch lookUp(sid) {
        case .here(let session):
            guard isPolling, session.transport == .polling else {
                return .error(session.transportMismatch)
            }
            return pollingDestination(head, session)
        case .there(let loop):
            return .otherLoop(loop)
        case .nowhere:
            return .error(.sessionIDUnknown)
        }
    }

    private func pollingDestination(_ head: RequestHead, _ session: EngineSession) -> Destination {
        switch head.method {
        case .get:
            return .poll(session)
        case .post:
            guard head.isChunked || head.contentLength != nil else {
                return .refusal(status: 411, fields: corsFields(head))
            }
            // RFC 9110 §15.5.16; the reference takes the compressed bytes for packets.
            if let coding = head.fields["Content-Encoding"], !coding.isEmpty,
                !coding.bytes.isEqualIgnoringCase(to: "identity")
            {
                let fields = [("Accept-Encoding", "identity")] + corsFields(head)
                return .refusal(status: 415, fields: fields)
            }
            return .post(session)
        default:
            return .badMethod
        }
    }

    private func webSocketDestination(of head: RequestHead) -> Destination {
        let query = head.query
        guard query.value(of: "transport") == "websocket", engine.options.allowsWebSocket else {
            let isPolling =
                query.value(of: "transport") == "polling" && engine.options.allowsPolling
            return .webSocketError(
                isPolling ? .badRequest(.transportHandshake) : .transportUnknown
            )
        }
        if let error = originError(head) { return .webSocketError(error) }
        // What follows the head must be frames.
        if head.hasBody { return .webSocketError(.badRequest(.transportHandshake)) }
        if let sid = query.value(of: "sid"), !sid.isEmpty {
            switch lookUp(sid) {
            case .here(let session):
                // RFC 6455 §4.1: the method is GET.
                return head.method == .get
                    ? .webSocket(session) : .webSocketError(.badRequest(.transportHandshake))
            case .there(let loop): return .otherLoop(loop)
            case .nowhere: return .webSocketError(.sessionIDUnknown)
            }
        }
        guard head.method == .get else { return .webSocketError(.badHandshakeMethod) }
        return .webSocket(nil)
    }

    /// §2.3: control characters in `Origin`.
    private func originError(_ head: RequestHead) -> HandshakeError? {
        guard let origin = head.fields["Origin"] else { return nil }
        let bytes = origin.bytes
        for offset in 0..<bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if byte < ASCII.space && byte != ASCII.tab || byte == ASCII.delete {
                return .badRequest(.invalidOrigin)
            }
        }
        return nil
    }

    private enum Owner {
        case here(EngineSession)
        case there(LoopBound<EngineLoop>)
        case nowhere
    }

    private func lookUp(_ sid: String) -> Owner {
        guard let id = SessionID(sid) else { return .nowhere }
        if let session = engine.session(id) { return .here(session) }
        guard let owner = engine.server.owner(of: id), owner.loop !== engine.loop else {
            return .nowhere
        }
        return .there(owner)
    }

    /// The session whose poll a request may be.
    func pollSession(of head: RequestHead) -> EngineSession? {
        guard let sid = head.query.value(of: "sid"), let id = SessionID(sid) else { return nil }
        return engine.session(id)
    }

    // MARK: Performing

    /// Answers a complete request.
    func perform(_ destination: Destination, _ head: RequestHead, _ body: SharedBytes) {
        switch destination {
        case .handshake:
            handshake(head)
        case .poll(let session):
            // Things may have changed since the head, if the GET has a body.
            if session.isClosed {
                respond(.sessionIDUnknown)
            } else if session.transport == .polling {
                session.poll(self)
            } else {
                respond(session.transportMismatch)
            }
        case .post(let session):
            post(head, session, body)
        case .badMethod:
            respond(status: 500, fields: corsFields(head))
        case .error(let error):
            respond(error)
        case .webSocketError(let error):
            refuseWebSocket(error)
        case .preflight:
            preflight(head)
        case .bundle(let file):
            respond(file, head, extra: corsFields(head))
        case .file(let file):
            respond(file, head, extra: [])
        case .route(let handler):
            run(handler, RouteRequest(head: head, body: body, peer: connection.peer))
        case .refusal(let status, let fields):
            respond(status: status, fields: fields)
        case .answer(let answer):
            // What comes after a WebSocket's request may be frames.
            if head.wantsUpgrade(to: "websocket") { endAfterResponse() }
            let fields = Self.merge(corsFields(head), answer.fields)
            respond(status: answer.status, fields: fields, body: answer.body)
        case .webSocket, .otherLoop:
            preconditionFailure("handled at the head")
        }
    }

    private func post(_ head: RequestHead, _ session: EngineSession, _ body: SharedBytes) {
        if session.isClosed {
            respond(.sessionIDUnknown)
            return
        }
        if head.fields["Content-Type"].map({ $0.text == "application/octet-stream" }) ?? false {
            guard session.finishBinaryPost(self, body: body.bytes) else { return }
        } else {
            session.finishPost(self, body: body.bytes)
        }
        // §6: `ok` even if a packet has just closed the session.
        respond(
            status: 200,
            fields: pollFields(head, mediaType: "text/html"),
            body: SharedBytes("ok")
        )
    }

    /// Answers the pending GET with packets (§6).
    func respondToPoll(_ body: PollBody) {
        guard case .responding(let head) = exchange else { return }
        var fields = pollFields(head, mediaType: body.mediaType)
        guard body.isCompressible, let short = engine.compressed(body.bytes, for: head) else {
            respond(status: 200, fields: fields, body: body.bytes)
            return
        }
        fields.append(("Content-Encoding", short.coding.rawValue))
        respond(status: 200, fields: fields, body: short.body)
    }

    /// `400` without a body: overlapping requests and wrong content types (§3).
    func respondBadRequest() {
        switch exchange {
        case .responding(let head):
            respond(status: 400, fields: corsFields(head))
        case .receiving:
            refuse(status: 400)
        case .none, .deciding, .waiting, .moving, .finished:
            break
        }
    }

    /// Refuses with the JSON of §3.
    func respond(_ error: HandshakeError) {
        guard case .responding(let head) = exchange else { return }
        report(error, head)
        // Whoever comes again, perhaps a proxy, is to come to another server.
        if error == .shuttingDown { endAfterResponse() }
        respond(
            status: error.status,
            fields: [("Content-Type", "application/json")] + error.fields + corsFields(head),
            body: error.body
        )
    }

    private func preflight(_ head: RequestHead) {
        let fields =
            engine.options.cors?.preflightFields(
                origin: head.fields["Origin"]?.text,
                requestedHeaders: head.fields["Access-Control-Request-Headers"]?.text
            ) ?? []
        respond(status: 204, fields: fields)
    }

    private func respond(
        _ file: StaticFiles.File,
        _ head: RequestHead,
        extra: ResponseWriter.Fields
    ) {
        let response = file.response(to: head)
        respond(status: response.status, fields: response.fields + extra, body: response.body)
    }

    /// The fields of a polling session's 200s.
    func pollFields(
        _ head: RequestHead,
        mediaType: String,
        isInitial: Bool = false,
        extra: ResponseWriter.Fields = []
    ) -> ResponseWriter.Fields {
        var fields: ResponseWriter.Fields = [
            ("Content-Type", mediaType), ("cache-control", "no-store"),
        ]
        // §11: Internet Explorer would take some payloads for an attack and change them.
        if let userAgent = head.fields["User-Agent"],
            userAgent.bytes.contains(";MSIE") || userAgent.bytes.contains("Trident/")
        {
            fields.append(("X-XSS-Protection", "0"))
        }
        fields += corsFields(head) + extra
        addHeaders(to: &fields, head, isInitial: isInitial)
        return fields
    }

    /// What the CORS policy adds to every answer of the engine (§11).
    func corsFields(_ head: RequestHead) -> ResponseWriter.Fields {
        engine.options.cors?.fields(origin: head.fields["Origin"]?.text) ?? []
    }

    private func run(_ handler: @escaping RouteHandler, _ request: RouteRequest) {
        let bound = LoopBound(self, loop: connection.loop)
        connection.loop.startTask {
            let response = await handler(request)
            bound.run { connection in
                connection.respond(
                    status: response.status,
                    fields: response.fields,
                    body: response.body
                )
            }
        }
    }
}

extension EngineServer {
    /// Whether a request is for the engine, by its path.
    func isEngine(_ head: RequestHead) -> Bool {
        // The path rather than the target, for targets in absolute form (RFC 9112 §3.2.2).
        let path = head.path
        return path.count >= pathPrefix.count && path[0..<pathPrefix.count] == pathPrefix
    }
}

extension RawSpan {
    /// Whether `text`, which is not empty, stands somewhere in the bytes.
    fileprivate func contains(_ text: StaticString) -> Bool {
        guard byteCount >= text.utf8CodeUnitCount else { return false }
        for start in 0...byteCount - text.utf8CodeUnitCount
        where extracting(start..<byteCount).hasPrefix(text) {
            return true
        }
        return false
    }
}

extension SessionID {
    /// The id written as `text`, or nil if that is none.
    init?(_ text: String) {
        let bytes = SharedBytes(text)
        self.init(parsing: bytes.bytes)
    }
}
