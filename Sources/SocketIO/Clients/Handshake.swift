import Bytes
import EngineIO
public import Foundation
import Glibc
import HTTP1

/// The `auth` that a client sends when it connects to a namespace.
public struct Auth: Sendable {
    private let bytes: SharedBytes

    init(_ bytes: SharedBytes) {
        self.bytes = bytes
    }

    /// No auth: `{}`.
    public init() {
        bytes = SharedBytes("{}")
    }

    /// The auth of another server's client, given as the text of a JSON object.
    ///
    /// - Throws: `EmitError.invalidJSON`.
    public init(json text: String) throws {
        guard let object = try? JSONSlice(validating: SharedBytes(text)), object.kind == .object
        else { throw EmitError.invalidJSON }
        bytes = object.bytes
    }

    /// The JSON text; `{}` if the client has sent none.
    public var json: String { bytes.text }

    /// Decodes it.
    ///
    /// - Throws: `DecodingError`.
    public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }

    /// A string member of the top level, such as `auth["token"]`.
    public subscript(name: String) -> String? {
        JSONSlice(validated: bytes).member(named: name)?.string
    }

    /// Whether the top level has a member of that name, other than null.
    func has(_ name: String) -> Bool {
        JSONSlice(validated: bytes).member(named: name).map { $0.kind != .null } ?? false
    }
}

/// An HTTP request of a client, for a socket that by which it first connected.
public struct ConnectionRequest: Sendable {
    private enum Origin {
        /// Received here; read only when asked for.
        case here(HandshakeRequest, ProxyTrust)
        /// Received by another server of the cluster.
        case elsewhere(Parts)
    }

    private struct Parts {
        let headers: [String: String]
        let query: [String: String]
        let address: String
        let url: String
        let issued: Date
        let isSecure: Bool
    }

    private let origin: Origin

    init(_ request: HandshakeRequest, _ trust: ProxyTrust) {
        origin = .here(request, trust)
    }

    /// A request that another server has received, for its adapter; header names in lower case.
    public init(
        headers: [String: String],
        query: [String: String],
        address: String,
        url: String,
        issued: Date,
        isSecure: Bool = false
    ) {
        origin = .elsewhere(
            Parts(
                headers: headers,
                query: query,
                address: address,
                url: url,
                issued: issued,
                isSecure: isSecure
            )
        )
    }

    /// The header fields by lower-case name; repeated ones joined by a comma (RFC 9110 §5.3).
    public var headers: [String: String] {
        switch origin {
        case .here(let request, _):
            Dictionary(
                request.head.fields.map { ($0.name.text.lowercased(), $0.value.text) },
                uniquingKeysWith: { "\($0), \($1)" }
            )
        case .elsewhere(let parts): parts.headers
        }
    }

    /// The query: `EIO`, `transport` and the app's own; of repeated parameters the last.
    public var query: [String: String] {
        switch origin {
        case .here(let request, _):
            Dictionary(
                request.head.query.pairs.map { ($0.name, $0.value) },
                uniquingKeysWith: { $1 }
            )
        case .elsewhere(let parts): parts.query
        }
    }

    /// The client's IP address: the peer's, or with `ServerOptions.trustedProxyHops` what proxies say.
    public var address: String {
        switch origin {
        case .here(let request, let trust): trust.address(request.head, peer: request.peer)
        case .elsewhere(let parts): parts.address
        }
    }

    /// The peer's IP address, whatever proxies say.
    var peerAddress: String {
        switch origin {
        case .here(let request, _): "\(request.peer)"
        case .elsewhere(let parts): parts.address
        }
    }

    /// The method's name, `GET` for a client's first request.
    public var method: String {
        switch origin {
        case .here(let request, _): request.head.method.name
        case .elsewhere: "GET"
        }
    }

    /// Whether it asks for a new connection: it names none by `sid`.
    public var isHandshake: Bool { query["sid"]?.isEmpty ?? true }

    /// The request target.
    public var url: String {
        switch origin {
        case .here(let request, _): request.head.target.text
        case .elsewhere(let parts): parts.url
        }
    }

    /// When it arrived.
    public var issued: Date {
        switch origin {
        case .here(let request, _): Date(timeIntervalSince1970: Double(request.issued) / 1000)
        case .elsewhere(let parts): parts.issued
        }
    }

    /// Whether it named an `Origin`.
    public var isCrossDomain: Bool {
        switch origin {
        case .here(let request, _): request.head.fields["Origin"] != nil
        case .elsewhere(let parts): parts.headers["origin"] != nil
        }
    }

    /// Whether it was encrypted when it reached the outermost trusted proxy; TLS always ends there.
    public var isSecure: Bool {
        switch origin {
        case .here(let request, let trust): trust.isSecure(request.head)
        case .elsewhere(let parts): parts.isSecure
        }
    }
}

/// How a client connected: its first request, and its auth for this namespace (protocol.md §16).
public struct Handshake: Sendable {
    /// The client's first request; the same for all its namespaces.
    public let request: ConnectionRequest
    /// What the client sent for this namespace.
    public let auth: Auth

    /// A handshake by its parts.
    public init(request: ConnectionRequest, auth: Auth) {
        self.request = request
        self.auth = auth
    }

    /// The request's header fields by lower-case name.
    public var headers: [String: String] { request.headers }

    /// The request's query.
    public var query: [String: String] { request.query }

    /// The client's IP address; see `ConnectionRequest.address`.
    public var address: String { request.address }

    /// The target of the request.
    public var url: String { request.url }

    /// When the request arrived.
    public var issued: Date { request.issued }

    /// When the request arrived, as JavaScript's `Date.toString` writes it in UTC.
    public var time: String { Self.javaScriptTime(issued) }

    /// Whether the request named an `Origin`.
    public var isCrossDomain: Bool { request.isCrossDomain }

    /// Whether the client's connection is encrypted; see `ConnectionRequest.isSecure`.
    public var isSecure: Bool { request.isSecure }

    private static func javaScriptTime(_ date: Date) -> String {
        var seconds = time_t(date.timeIntervalSince1970)
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "Invalid Date" }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            let length = strftime(
                text.baseAddress!,
                64,
                "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)",
                &parts
            )
            return length > 0 ? String(cString: text.baseAddress!) : "Invalid Date"
        }
    }
}
