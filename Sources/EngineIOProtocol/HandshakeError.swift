package import Bytes

/// Why a request does not reach a session, and what answers it (protocol.md §3).
package enum HandshakeError: Error, Equatable, Sendable {
    /// The transport is missing or not enabled.
    case transportUnknown
    /// No session has that id, or no longer.
    case sessionIDUnknown
    /// A handshake by another method than GET.
    case badHandshakeMethod
    /// A bad origin, a transport that is not the session's, WebSocket without an upgrade.
    case badRequest
    /// The application refused, with a message of its own or without.
    case forbidden(String?)
    /// A protocol version that is not enabled.
    case unsupportedProtocolVersion

    /// The number in the body.
    package var code: UInt8 {
        switch self {
        case .transportUnknown: 0
        case .sessionIDUnknown: 1
        case .badHandshakeMethod: 2
        case .badRequest: 3
        case .forbidden: 4
        case .unsupportedProtocolVersion: 5
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
        }
    }

    /// The HTTP status for a plain request; a refused WebSocket upgrade is always answered 400.
    package var status: Int {
        switch self {
        case .forbidden: 403
        case .transportUnknown, .sessionIDUnknown, .badHandshakeMethod, .badRequest,
            .unsupportedProtocolVersion:
            400
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
