import Bytes
import EngineIOProtocol
import HTTP1
import Loop

// Handshakes, what the app decides about them, and what it is told (protocol.md §§2–4, §11, §12).
extension HTTPConnection {
    /// Opens a polling session, if the app and the version allow it.
    func handshake(_ head: RequestHead) {
        admit(handshakeRequest(head)) { connection, request, admission in
            switch admission {
            case .success(let id): connection.openPollingSession(request, id)
            case .failure(let error): connection.respond(error)
            }
        }
    }

    private func openPollingSession(_ request: HandshakeRequest, _ id: SessionID) {
        guard case .responding(let head) = exchange else { return }
        guard let session = engine.makeSession(request, .polling, id) else {
            respond(.idTaken)
            return
        }
        let cookie = engine.options.cookie.map { ("Set-Cookie", $0.fieldValue(for: session.id)) }
        let body = session.polling.encode(engine.firstPackets(of: session))
        respond(
            status: 200,
            fields: pollFields(
                head,
                mediaType: body.mediaType,
                isInitial: true,
                extra: cookie.map { [$0] } ?? []
            ),
            body: body.bytes
        )
        session.open(engine.server.hooks.makeHandler)
    }

    /// What the app is shown of a handshake.
    func handshakeRequest(_ head: RequestHead) -> HandshakeRequest {
        HandshakeRequest(head: head, peer: connection.peer, issued: engine.unixMilliseconds)
    }

    /// Asks the app, if it wants to be asked, and draws an id (§2.5, §2.6).
    ///
    /// The connection may have ended when `then` is called.
    func admit(
        _ request: HandshakeRequest,
        then:
            @escaping @Sendable (
                HTTPConnection, HandshakeRequest, Result<SessionID, HandshakeError>
            ) -> Void
    ) {
        let server = engine.server
        if engine.isDraining {
            then(self, request, .failure(.shuttingDown))
            return
        }
        if let error = server.hooks.refuseHandshake?(request, engine.loop) {
            then(self, request, .failure(error))
            return
        }
        guard server.asksApp else {
            then(self, request, Result { () throws(HandshakeError) in try server.admit(request) })
            return
        }
        let bound = LoopBound(self, loop: connection.loop)
        connection.loop.startTask {
            let admission: Result<SessionID, HandshakeError>
            do throws(HandshakeError) {
                admission = .success(try await server.admitAsking(request))
            } catch {
                admission = .failure(error)
            }
            bound.run { connection in
                let isLate = connection.engine.isDraining
                then(connection, request, isLate ? .failure(.shuttingDown) : admission)
            }
        }
    }

    /// Lets the app change the fields of a 200 of polling, or of a 101 (§11).
    func addHeaders(
        to fields: inout ResponseWriter.Fields,
        _ head: RequestHead,
        isInitial: Bool
    ) {
        let server = engine.server
        guard server.hooks.headers != nil || isInitial && server.hooks.initialHeaders != nil else {
            return
        }
        let request = handshakeRequest(head)
        if isInitial { server.hooks.initialHeaders?(&fields, request) }
        server.hooks.headers?(&fields, request)
    }

    /// Tells the app of a refusal (§3).
    func report(_ error: HandshakeError, _ head: RequestHead) {
        guard let connectionFailed = engine.server.hooks.connectionFailed else { return }
        connectionFailed(
            ConnectionFailure(
                request: handshakeRequest(head),
                error: error,
                context: error.context(of: head)
            )
        )
    }
}

extension EngineServer {
    /// Whether a handshake has to wait for the app.
    var asksApp: Bool { hooks.allowRequest != nil || hooks.makeSessionID != nil }

    /// The id of a session that no app has a say in.
    func admit(_ request: HandshakeRequest) throws(HandshakeError) -> SessionID {
        try checkVersion(of: request)
        return makeSessionID()
    }

    /// The id of a session that the app allows.
    func admitAsking(_ request: HandshakeRequest) async throws(HandshakeError) -> SessionID {
        if let allowRequest = hooks.allowRequest {
            switch await allowRequest(request) {
            case .allow: break
            case .refuse(let message): throw .forbidden(message)
            }
        }
        try checkVersion(of: request)
        guard let makeID = hooks.makeSessionID else { return makeSessionID() }
        let text: String
        do {
            text = try await makeID(request)
        } catch {
            throw .badRequest(.idGeneration("\(error)"))
        }
        guard let id = SessionID(text) else { throw .badRequest(.idGeneration("not an id")) }
        return id
    }

    private func checkVersion(of request: HandshakeRequest) throws(HandshakeError) {
        switch EngineVersion(parameter: request.head.query.value(of: "EIO")) {
        case .v4: return
        case .v3: if !options.allowsEIO3 { throw .unsupportedProtocolVersion }
        }
    }
}

extension HandshakeError {
    /// The app has given the id of a session that is open.
    static let idTaken = HandshakeError.badRequest(.idGeneration("taken"))

    /// What the app is told beside code and message (§3).
    fileprivate func context(of head: RequestHead) -> [String: String] {
        let query = head.query
        switch self {
        case .transportUnknown:
            return ["transport": query.value(of: "transport") ?? ""]
        case .sessionIDUnknown:
            return ["sid": query.value(of: "sid") ?? ""]
        case .badHandshakeMethod:
            return ["method": head.method.name]
        case .forbidden:
            return ["message": message]
        case .unsupportedProtocolVersion:
            return ["protocol": "\(EngineVersion.v3.rawValue)"]
        case .tooManyRequests, .shuttingDown:
            return [:]
        case .badRequest(let reason):
            var context = ["name": reason.name]
            switch reason {
            case .invalidOrigin:
                context["origin"] = head.fields["Origin"]?.text
            case .transportMismatch(let previous):
                context["transport"] = query.value(of: "transport")
                context["previousTransport"] = previous.rawValue
            case .idGeneration(let error):
                context["error"] = error
            case .transportHandshake, .middlewareFailure:
                break
            }
            return context
        }
    }
}

extension EngineSession {
    /// What answers a request for another transport than the session's.
    var transportMismatch: HandshakeError {
        .badRequest(.transportMismatch(previous: transport == .polling ? .polling : .websocket))
    }
}
