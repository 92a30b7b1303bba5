import Bytes

/// A request method (RFC 9110 §9); case matters.
package enum HTTPMethod: Equatable, Sendable {
    case get
    case head
    case post
    case put
    case delete
    case options
    case patch
    case connect
    case trace
    /// Any other token.
    case other(String)

    /// The method as it stands in a request line.
    package var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other(let name): name
        }
    }

    /// The method of that name.
    package init(name: RawSpan) {
        if name.isEqual(to: "GET") {
            self = .get
        } else if name.isEqual(to: "POST") {
            self = .post
        } else if name.isEqual(to: "OPTIONS") {
            self = .options
        } else if name.isEqual(to: "HEAD") {
            self = .head
        } else if name.isEqual(to: "PUT") {
            self = .put
        } else if name.isEqual(to: "DELETE") {
            self = .delete
        } else if name.isEqual(to: "PATCH") {
            self = .patch
        } else if name.isEqual(to: "CONNECT") {
            self = .connect
        } else if name.isEqual(to: "TRACE") {
            self = .trace
        } else {
            self = .other(name.text)
        }
    }
}
