import EngineIOProtocol
import HTTP1
import Loop

// What the app's middlewares decide about each request to the engine (protocol.md §2.1).
extension HTTPConnection {
    /// The middleware that has to be asked about a request; nil if it is not for the engine, is
    /// answered without it, or is for another loop, which asks.
    func middleware(for head: RequestHead, _ destination: Destination) -> Middleware? {
        guard let middleware = engine.server.hooks.middleware else { return nil }
        switch destination {
        case .otherLoop, .preflight, .bundle, .file, .route:
            return nil
        case .refusal:
            return engine.server.isEngine(head) ? middleware : nil
        case .handshake, .poll, .post, .badMethod, .error, .webSocketError, .webSocket, .answer:
            return middleware
        }
    }

    /// Shows the head of a request to a middleware.
    func ask(_ middleware: @escaping Middleware, _ head: RequestHead) {
        let request = handshakeRequest(head)
        let bound = LoopBound(self, loop: connection.loop)
        connection.loop.startTask {
            let verdict = await middleware(request)
            // Never at once: the bytes that have come with the head are being read.
            bound.post { $0.decided(verdict) }
        }
    }

    /// The fields of a response with those that middlewares add.
    func withAdded(_ fields: ResponseWriter.Fields) -> ResponseWriter.Fields {
        addedFields.isEmpty ? fields : Self.merge(fields, addedFields)
    }

    /// The engine's fields and the app's, each name once but for those that may come several times.
    ///
    /// As in Node the app has its way with those of CORS, and the engine with the others.
    static func merge(
        _ fields: ResponseWriter.Fields,
        _ added: ResponseWriter.Fields
    ) -> ResponseWriter.Fields {
        let names = Set(added.map { $0.name.lowercased() })
        var merged = fields.filter {
            let name = $0.name.lowercased()
            return !(name.hasPrefix("access-control-") && names.contains(name))
        }
        let taken = Set(merged.map { $0.name.lowercased() }).subtracting(["set-cookie", "vary"])
        merged += added.filter { !taken.contains($0.name.lowercased()) }
        return merged
    }

    /// Where a request leads after `verdict`; things may have changed since its head came.
    func destination(of head: RequestHead, _ verdict: MiddlewareVerdict) -> Destination {
        switch verdict.decision {
        case .proceed:
            return destination(of: head)
        case .answer(let response):
            return .answer(response)
        case .failure:
            let error = HandshakeError.badRequest(.middlewareFailure)
            return head.wantsUpgrade(to: "websocket") ? .webSocketError(error) : .error(error)
        }
    }
}
