package import Bytes

/// A request line and its fields (RFC 9112 §3, §5): ranges in one copy of the head.
package struct RequestHead: Sendable {
    /// What the fields say about framing and connection.
    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        static let isChunked = Flags(rawValue: 1)
        static let keepsAlive = Flags(rawValue: 2)
        static let expectsContinue = Flags(rawValue: 4)
        static let isHTTP10 = Flags(rawValue: 8)
    }

    /// The request method.
    package let method: HTTPMethod

    /// The field lines.
    package let fields: HeaderList

    /// The length of the body when `Content-Length` gives it (RFC 9112 §6.2).
    package let contentLength: Int?

    private let line: RequestLine
    private let flags: Flags

    init(line: RequestLine, fields: HeaderList, contentLength: Int?, flags: Flags) {
        method = HTTPMethod(name: fields.bytes.bytes.extracting(line.method))
        self.fields = fields
        self.contentLength = contentLength
        self.line = line
        self.flags = flags
    }

    /// The head as it was received, from the request line to the empty line: to replay it.
    package var bytes: SharedBytes { fields.bytes }

    /// The minor version: 0 or 1.
    package var minorVersion: Int { flags.contains(.isHTTP10) ? 0 : 1 }

    /// The request target as it was sent (RFC 9112 §3.2).
    package var target: SharedBytes { bytes[line.target] }

    /// The path of the target, still percent-encoded and without the query.
    ///
    /// Begins with `/`, except that it is `*` for `OPTIONS *` and empty for `CONNECT`.
    package var path: SharedBytes { bytes[line.path] }

    /// The query of the target, without its question mark.
    package var query: Query { Query(bytes[line.query]) }

    /// The authority of an absolute target, else `Host` (RFC 9112 §3.2.2); nil without either.
    package var authority: SharedBytes? {
        line.authority.isEmpty ? fields["host"] : bytes[line.authority]
    }

    /// Whether the body comes in chunks (RFC 9112 §7.1).
    package var isChunked: Bool { flags.contains(.isChunked) }

    /// Whether a body follows; not so for one of length 0.
    package var hasBody: Bool { isChunked || contentLength ?? 0 > 0 }

    /// Whether the connection persists after the response (RFC 9112 §9.3).
    package var keepsAlive: Bool { flags.contains(.keepsAlive) }

    /// Whether the peer waits for `100 Continue` before its body (RFC 9110 §10.1.1).
    package var expectsContinue: Bool { flags.contains(.expectsContinue) }

    /// Whether the peer asks to speak `token` on this connection (RFC 9110 §7.8).
    ///
    /// `Connection` must list `upgrade` and `Upgrade` must list `token`; HTTP/1.0 cannot ask.
    package func wantsUpgrade(to token: StaticString) -> Bool {
        minorVersion == 1 && fieldListContains("connection", "upgrade")
            && fieldListContains("upgrade", token)
    }

    /// Whether the comma-separated field `name` holds `token`; both without case.
    package func fieldListContains(_ name: StaticString, _ token: StaticString) -> Bool {
        fields.list(name, contains: token)
    }
}
