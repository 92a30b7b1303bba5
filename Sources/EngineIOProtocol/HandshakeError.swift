package import Bytes

/// What is wrong with a request that is answered `Bad request` (protocol.md §3, `context`).
package enum BadRequestReason: Equatable, Sendable {
    /// A control character in `Origin`.
    case invalidOrigin
    /// A transport that is not the session's; its own is `previous`.
    case transportMismatch(previous: TransportName)
    /// WebSocket without an upgrade, an upgrade without WebSocket, or with a body.
    case transportHandshake
    /// A middleware of the app has failed.
    case middlewareFailure
    /// The app's function for ids has failed, or has given one that cannot be used.
    case idGeneration(String)

    /// The reference's name for it.
    package var name: String {
        switch self {
        case .invalidOrigin: "INVALID_ORIGIN"
        case .transportMismatch: "TRANSPORT_MISMATCH"
        case .transportHandshake: "TRANSPORT_HANDSHAKE_ERROR"
        case .middlewareFailure: "MIDDLEWARE_FAILURE"
        case .idGeneration: "ID_GENERATION_ERROR"
        }
    }
}

/// Why a request does not reach a session, and what answers it (protocol.md §3).
package enum HandshakeError: Error, Equatable, Sendable {
    /// The transport is missing or not enabled.
    case transportUnknown
    /// No session has that id, or no longer.
    case sessionIDUnknown
    /// A handshake by another method than GET.
    case badHandshakeMethod
    /// Another fault of the request.
    case badRequest(BadRequestReason)
    /// The application refused, with a message of its own or without.
    case forbidden(String?)
    /// A protocol version that is not enabled.
    case unsupportedProtocolVersion
    /// The client connects too often; it may come again after so many seconds, never if nil.
    case tooManyRequests(retryAfter: Int?)
    /// The server takes no new sessions any more.
    case shuttingDown

    /// The number in the body; those from 100 are ours, the reference counts from 0.
    package var code: UInt8 {
        switch self {
        case .transportUnknown: 0
        case .sessionIDUnknown: 1
        case .badHandshakeMethod: 2
        case .badRequest: 3
        case .forbidden: 4
        case .unsupportedProtocolVersion: 5
        case .tooManyRequests: 100
        case .shuttingDown: 101
        }
    }

    /// The text in the body; on its own the body of a refused WebSocket upgrade.
    package var message: String {
        switch self {
        case .transportUnknown: "Transport unknown"
        case .sessionIDUnknown: "Session ID unknown"
        case .badHandshakeMethod: "Bad handshake method"
        case .badRequest: "Bad request"
        case .forbidden(let message): message ?? "Forbidden"
        case .unsupportedProtocolVersion: "Unsupported protocol version"
        case .tooManyRequests: "Too many requests"
        case .shuttingDown: "Server shutting down"
        }
    }

    /// The HTTP status for a plain request.
    package var status: Int {
        switch self {
        case .forbidden: 403
        case .tooManyRequests: 429
        case .shuttingDown: 503
        case .transportUnknown, .sessionIDUnknown, .badHandshakeMethod, .badRequest,
            .unsupportedProtocolVersion:
            400
        }
    }

    /// The HTTP status for a WebSocket upgrade: 400, as in the reference, but for our own errors.
    package var upgradeStatus: Int {
        switch self {
        case .tooManyRequests, .shuttingDown: status
        case .forbidden, .transportUnknown, .sessionIDUnknown, .badHandshakeMethod, .badRequest,
            .unsupportedProtocolVersion:
            400
        }
    }

    /// Header fields of the answer.
    package var fields: [(String, String)] {
        switch self {
        case .tooManyRequests(let seconds): seconds.map { [("Retry-After", "\($0)")] } ?? []
        // Another server is ready now, this one's successor soon.
        case .shuttingDown: [("Retry-After", "1")]
        case .forbidden, .transportUnknown, .sessionIDUnknown, .badHandshakeMethod, .badRequest,
            .unsupportedProtocolVersion:
            []
        }
    }

    /// The JSON body for a plain request.
    package var body: SharedBytes {
        var body = ByteBuffer()
        body.append("{\"code\":")
        body.append(decimal: code)
        body.append(",\"message\":")
        body.append(jsonString: message)
        body.append("}")
        return body.takeShared()
    }
}
