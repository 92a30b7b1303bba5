import Bytes
package import EngineIO
public import Foundation
import HTTP1

/// The `auth` that a client sends when it connects to a namespace.
public struct Auth: Sendable {
    private let bytes: SharedBytes

    init(_ bytes: SharedBytes) {
        self.bytes = bytes
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
}

/// The HTTP request by which a client first connected.
public struct ConnectionRequest: Sendable {
    package let request: HandshakeRequest

    package init(_ request: HandshakeRequest) {
        self.request = request
    }

    /// The header fields by lower-case name; repeated ones joined by a comma (RFC 9110 §5.3).
    public var headers: [String: String] {
        Dictionary(
            request.head.fields.map { ($0.name.text.lowercased(), $0.value.text) },
            uniquingKeysWith: { "\($0), \($1)" }
        )
    }

    /// The query: `EIO`, `transport` and the app's own; of repeated parameters the last.
    public var query: [String: String] {
        Dictionary(
            request.head.query.pairs.map { ($0.name, $0.value) },
            uniquingKeysWith: { $1 }
        )
    }

    /// The peer's IP address; headers of proxies are not looked at.
    public var address: String { "\(request.peer)" }

    /// The request target.
    public var url: String { request.head.target.text }

    /// When it arrived.
    public var issued: Date { Date(timeIntervalSince1970: Double(request.issued) / 1000) }

    /// Whether it named an `Origin`.
    public var isCrossDomain: Bool { request.head.fields["Origin"] != nil }

    /// Whether it reached this server encrypted; it did not, TLS ends before it.
    public var isSecure: Bool { false }
}

/// How a client connected: its first request, and its auth for this namespace (protocol.md §16).
public struct Handshake: Sendable {
    /// The client's first request; the same for all its namespaces.
    public let request: ConnectionRequest
    /// What the client sent for this namespace.
    public let auth: Auth

    /// The request's header fields by lower-case name.
    public var headers: [String: String] { request.headers }

    /// The request's query.
    public var query: [String: String] { request.query }

    /// The peer's IP address.
    public var address: String { request.address }

    /// The target of the request.
    public var url: String { request.url }

    /// When the request arrived.
    public var issued: Date { request.issued }
}
