import Bytes
import EngineIO
public import Foundation
import HTTP1

/// A plain HTTP request beside Socket.IO, complete with its body.
public struct HTTPRequest: Sendable {
    /// The methods a route can answer.
    public enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"

        var engineMethod: HTTPMethod {
            switch self {
            case .get: .get
            case .post: .post
            case .put: .put
            case .patch: .patch
            case .delete: .delete
            }
        }
    }

    private let request: RouteRequest
    private let trust: ProxyTrust

    init(_ request: RouteRequest, _ trust: ProxyTrust) {
        self.request = request
        self.trust = trust
    }

    /// The method's name.
    public var method: String { request.head.method.name }
    /// The path as it was sent, percent-encoded, without the query.
    public var path: String { request.head.path.text }
    /// The query, decoded; of repeated parameters the last.
    public var query: [String: String] {
        Dictionary(
            request.head.query.pairs.map { ($0.name, $0.value) },
            uniquingKeysWith: { $1 }
        )
    }
    /// The client's IP address; see `ConnectionRequest.address`.
    public var address: String { trust.address(request.head, peer: request.peer) }
    /// The body.
    public var body: Data { Data(request.body) }

    /// A header field; nil if it was not sent.
    public func header(_ name: String) -> String? {
        request.head.fields.first { $0.name.text.lowercased() == name.lowercased() }?.value.text
    }
}

/// The answer to a plain HTTP request; an engine middleware throws it to answer one itself.
public struct HTTPResponse: Error {
    /// The status code.
    public var status: Int
    /// Header fields; lengths, dates and connection control are added.
    public var headers: [(name: String, value: String)]
    /// The body.
    public var body: Data

    /// A response by its parts.
    public init(
        status: Int = 200,
        headers: [(name: String, value: String)] = [],
        body: Data = Data()
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Plain text.
    public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [("Content-Type", "text/plain; charset=utf-8")],
            body: Data(text.utf8)
        )
    }

    /// A value as JSON.
    ///
    /// - Throws: What encoding throws.
    public static func json(_ value: some Encodable, status: Int = 200) throws -> HTTPResponse {
        let encoder = JSONEncoder()
        // The same every time, for people and for caches.
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return HTTPResponse(
            status: status,
            headers: [("Content-Type", "application/json")],
            body: try encoder.encode(value)
        )
    }

    var routeResponse: RouteResponse {
        RouteResponse(
            status: status,
            fields: headers.map { ($0.name, $0.value) },
            body: SharedBytes([UInt8](body))
        )
    }
}
