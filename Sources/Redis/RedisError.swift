package import Loop

/// Why there is no connection to Redis, or why one was given up.
package enum RedisFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// It could not be reached.
    case unreachable(ConnectError)
    /// It closed the connection, or the system did.
    case disconnected(ConnectionEnd)
    /// It did not finish the handshake, or answer a PING, in time.
    case silent(for: Duration)
    /// It answered one of our own commands (`AUTH`, `SELECT`, `PING`, `SUBSCRIBE`, …) with an error.
    case refused(command: String, line: String)
    /// It said to any command that it cannot serve us now: `LOADING`, `READONLY`, …
    case unusable(line: String)
    /// What it sent is not RESP2, or not an answer to what was asked.
    case protocolViolation(String)
    /// A reply is larger than the limit.
    case replyTooLong(limitInBytes: Int)
    /// We closed it ourselves.
    case closed

    /// One line for a log.
    package var description: String {
        switch self {
        case .unreachable(let error): "\(error)"
        case .disconnected(.peerClosed): "Redis closed the connection"
        case .disconnected(.failed(let error)): "the connection failed: \(error)"
        case .silent(let time): "Redis did not answer within \(time)"
        case .refused(let command, let line): "Redis refused \(command): \(line.loggable)"
        case .unusable(let line): "Redis cannot serve now: \(line.loggable)"
        case .protocolViolation(let reason):
            "this is not Redis, or it is broken: \(reason.loggable)"
        case .closed: "it was closed"
        case .replyTooLong(let limit): "a reply is longer than \(limit) bytes"
        }
    }
}

/// Why a command has no result.
package enum RedisError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Too much waits to be sent already; the command was not sent.
    case queueFull(limitInBytes: Int)
    /// There was no connection for too long and the command was not sent; or the time that its
    /// caller gave it is over, and it was sent or not.
    case expired(after: Duration)
    /// There is no connection now, and the command was not to wait for one.
    case notConnected
    /// The task that waited was cancelled; the command was sent or not.
    case cancelled
    /// The connection broke before the reply came: Redis may have executed the command or not.
    case connectionLost(RedisFault)
    /// Redis's own error line.
    case replied(String)
    /// The reply is none that the command has.
    case unexpectedReply(RedisReply)
    /// The client was closed, or its loop stopped; the command was not sent.
    case closed

    /// One line for a log.
    package var description: String {
        switch self {
        case .queueFull(let limit): "Redis: over \(limit) bytes are queued"
        case .expired(let time): "Redis: no answer within \(time)"
        case .notConnected: "Redis: there is no connection"
        case .cancelled: "Redis: nobody waits for the answer any more"
        case .connectionLost(let fault): "Redis: the connection was lost: \(fault)"
        case .replied(let line): "Redis: \(line.loggable)"
        case .unexpectedReply: "Redis: the reply is of another kind than the command's"
        case .closed: "Redis: the client is closed"
        }
    }
}

extension String {
    /// At most 200 characters, those that would break a line of a log made spaces.
    fileprivate var loggable: String {
        String(prefix(200).map { $0.isNewline || $0.asciiValue.map { $0 < 32 } == true ? " " : $0 })
    }
}
