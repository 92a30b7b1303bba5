package import Bytes
package import HTTP1
package import Loop

/// A plain HTTP request for the app, complete with its body.
package struct RouteRequest: Sendable {
    package let head: RequestHead
    package let body: SharedBytes
    package let peer: PeerAddress
}

/// The app's answer to a plain HTTP request.
package struct RouteResponse: Sendable {
    package var status: Int
    package var fields: [(String, String)]
    package var body: SharedBytes

    package init(status: Int, fields: [(String, String)] = [], body: SharedBytes = SharedBytes()) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}

/// What answers a plain request; on the connection's loop.
package typealias RouteHandler = @Sendable (RouteRequest) async -> RouteResponse

/// The app's plain routes and static files beside Engine.IO; fixed before the server starts.
package struct RouteTable: Sendable {
    private struct Route: Sendable {
        let method: HTTPMethod
        let path: SharedBytes
        let handler: RouteHandler
    }

    /// What a request leads to.
    enum Match {
        case handler(RouteHandler)
        case file(StaticFiles.File)
        /// The path exists, for these methods.
        case otherMethod(allowed: String)
        case none
    }

    private var routes: [Route] = []
    private var files: [StaticFiles] = []

    package init() {}

    /// Answers `method` on exactly `path`; HEAD is answered from GET.
    package mutating func add(
        _ method: HTTPMethod,
        _ path: String,
        _ handler: @escaping RouteHandler
    ) {
        routes.append(Route(method: method, path: SharedBytes(path), handler: handler))
    }

    /// Serves a folder of files.
    package mutating func add(_ files: StaticFiles) {
        self.files.append(files)
    }

    func match(_ head: RequestHead) -> Match {
        let method = head.method == .head ? HTTPMethod.get : head.method
        let path = head.path
        var allowed: [String] = []
        for route in routes where route.path == path {
            if route.method == method { return .handler(route.handler) }
            allowed.append(route.method.name)
        }
        for folder in files {
            guard let file = folder.file(at: path) else { continue }
            if method == .get { return .file(file) }
            allowed.append("GET")
        }
        return allowed.isEmpty ? .none : .otherMethod(allowed: allowed.joined(separator: ", "))
    }
}
