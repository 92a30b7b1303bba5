/// A refusal of a connection, thrown by a middleware; the client sees it as `connect_error`.
public struct ConnectError: Error, Sendable {
    /// What the client reads as the error's `message`.
    public let message: String
    /// What the client reads as the error's `data`.
    public let data: (any Encodable & Sendable)?

    /// A refusal with a message and, if wanted, data for the client.
    public init(_ message: String, data: (any Encodable & Sendable)? = nil) {
        self.message = message
        self.data = data
    }
}

/// An error that a handler throws for the client to see: it becomes the ack `{"error": …}`.
///
/// ```swift
/// socket.on("order") { (id: Int) -> String in
///     guard id > 0 else { throw AckError(code: "bad_id", message: "ids begin at 1") }
///     return "ordered \(id)"
/// }
/// ```
public struct AckError: Error, Codable, Equatable, Sendable {
    /// A word for programs.
    public let code: String
    /// A sentence for people; left out of the ack when nil.
    public let message: String?

    /// An error with a code and, if wanted, a sentence.
    public init(code: String, message: String? = nil) {
        self.code = code
        self.message = message
    }
}

/// Why the argument of an event does not fit its handler.
///
/// The client sees it as the ack `{"error": {"code": "invalid_argument", "message": …}}`.
public struct ArgumentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Which argument, from 0.
    public let index: Int
    /// What is wrong with it.
    public let problem: String

    /// One line for a log.
    public var description: String { "argument \(index): \(problem)" }
}

/// Why an acknowledgement did not come.
public enum AckFailure: Error, Equatable, Sendable {
    /// The time given by `timeout` is over.
    case timedOut
    /// The socket disconnected first.
    case disconnected
}

/// A broadcast whose acknowledgements did not all come in time, with those that did.
public struct BroadcastTimeout<Response: Sendable>: Error, Sendable {
    /// The answers so far, in the order of arrival.
    public let responses: [Response]
    /// How many clients have not answered, of those that servers have told of.
    public let missing: Int
    /// How many other servers have told of no clients; nil if nobody knows how many there are.
    public let missingServers: Int?
}

/// Servers of the cluster that did not answer in time, with what the others have answered.
public struct ClusterTimeout<Response: Sendable>: Error, Sendable, CustomStringConvertible {
    /// The answers so far; this server's own included where it takes part.
    public let responses: [Response]
    /// How many servers have answered, this one included where it takes part.
    public let answered: Int
    /// How many were expected to.
    public let expected: Int

    /// A timeout by its parts, for adapters.
    public init(responses: [Response], answered: Int, expected: Int) {
        self.responses = responses
        self.answered = answered
        self.expected = expected
    }

    /// One line for a log.
    public var description: String {
        "timeout reached: only \(answered) responses received out of \(expected)"
    }
}

/// The other servers of the cluster cannot be reached at all.
public struct ClusterUnavailable: Error, Sendable, CustomStringConvertible {
    /// One line for a log.
    public let description: String

    /// An error with what is wrong in one line, for adapters.
    public init(_ description: String) {
        self.description = description
    }
}

/// Why `emit` refuses an event.
public enum EmitError: Error, Equatable, Sendable {
    /// The name has a meaning of its own in Socket.IO.
    case reservedEvent(String)
    /// The argument is not JSON (`Arguments(json:)`).
    case invalidJSON
}

/// Why `Server` cannot start or be used.
public enum ServerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another program listens on this port.
    case portInUse(host: String, port: Int)
    /// The operating system refuses something else.
    case system(String)
    /// `start` was called twice, or after `shutdown`.
    case alreadyStarted

    /// One line for a log.
    public var description: String {
        switch self {
        case .portInUse(let host, let port):
            "port \(port) of \(host) is in use; stop the other program or choose another port"
        case .system(let text): text
        case .alreadyStarted: "the server was started before"
        }
    }
}

/// An error of a handler or a client's packet, as `ServerOptions.onError` receives it.
public struct HandlerError: Error, Sendable {
    /// The socket concerned.
    public let socket: Socket
    /// The event whose handler failed; nil for a malformed packet.
    public let event: String?
    /// What the handler has thrown, or what is wrong with the packet.
    public let error: any Error
}

/// A malformed packet of a client (protocol.md §15); its connection is closed.
public struct MalformedPacket: Error, Equatable, Sendable {
    /// The reference's words for what is wrong.
    public let message: String
}
