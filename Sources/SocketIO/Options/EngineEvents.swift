import EngineIO
import EngineIOProtocol
import HTTP1

/// The header fields of a response, in their order.
///
/// Lengths, dates and connection control are added after them.
public typealias ResponseHeaders = [(name: String, value: String)]

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
}
