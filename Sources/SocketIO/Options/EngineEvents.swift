import EngineIO
import EngineIOProtocol
import HTTP1

/// The header fields of a response, in their order.
///
/// Lengths, dates and connection control are added after them.
public typealias ResponseHeaders = [(name: String, value: String)]

/// A check of a request for Socket.IO, which may add header fields to its response; see
/// `ServerOptions.engineMiddlewares`.
public typealias EngineMiddleware =
    @Sendable (ConnectionRequest, inout ResponseHeaders) async throws -> Void

/// A request that was refused before it reached Socket.IO (protocol.md §3).
public struct ConnectionRefusal: Sendable {
    /// The request.
    public let request: ConnectionRequest
    /// Which fault it is: 0 unknown transport, 1 unknown session, 2 bad method, 3 bad request,
    /// 4 forbidden, 5 unsupported protocol version; of our own, 100 too many requests
    /// (`RateLimits.handshakesPerAddress`), 101 shutting down (`ServerOptions.drainTime`).
    public let code: Int
    /// What the client is told.
    public let message: String
    /// What is known beside it, by Node's names, such as `sid` or `transport`; for code 3 `name`
    /// says more.
    public let context: [String: String]
}

extension ServerOptions {
    /// Registers what the app wants to know of the engine.
    func addEvents(to hooks: inout EngineHooks) {
        let trust = proxyTrust
        if !engineMiddlewares.isEmpty { hooks.middleware = middleware }
        if let makeSessionID {
            hooks.makeSessionID = { try await makeSessionID(ConnectionRequest($0, trust)) }
        }
        if let onConnectionError {
            hooks.connectionFailed = { failure in
                onConnectionError(
                    ConnectionRefusal(
                        request: ConnectionRequest(failure.request, trust),
                        code: Int(failure.error.code),
                        message: failure.error.message,
                        context: failure.context
                    )
                )
            }
        }
        if let onInitialHeaders {
            hooks.initialHeaders = { onInitialHeaders(&$0, ConnectionRequest($1, trust)) }
        }
        if let onHeaders {
            hooks.headers = { onHeaders(&$0, ConnectionRequest($1, trust)) }
        }
    }

    /// The middlewares as one.
    private var middleware: Middleware {
        let (middlewares, trust, log) = (engineMiddlewares, proxyTrust, log)
        return { request in
            let shown = ConnectionRequest(request, trust)
            var headers: ResponseHeaders = []
            do {
                for middleware in middlewares { try await middleware(shown, &headers) }
                return MiddlewareVerdict(.proceed, fields: headers)
            } catch let response as HTTPResponse {
                return MiddlewareVerdict(.answer(response.routeResponse), fields: headers)
            } catch {
                log(.debug, "an engine middleware has failed: \(error)")
                return MiddlewareVerdict(.failure, fields: headers)
            }
        }
    }
}
