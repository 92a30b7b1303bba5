/// Which pages of other origins may use the server (protocol.md §11; Fetch §3.2).
///
/// An origin that does not match is not refused: it is answered without the allowing field, and
/// the browser keeps the answer from the page.
package struct CORSPolicy: Sendable {
    /// Which origins are allowed.
    package enum Origin: Sendable {
        /// All, by `*`; with credentials, browsers want `reflectAll` instead.
        case any
        /// One, which is named in every answer.
        case fixed(String)
        /// Those in the list, named back to them.
        case list([String])
        /// All, named back to them.
        case reflectAll
        /// Those the function allows, named back to them.
        case matching(@Sendable (String) -> Bool)
    }

    package var origin: Origin
    /// Whether cookies may be sent along.
    package var credentials: Bool
    package var methods: [String]
    /// The request fields that are allowed; nil allows those that a preflight asks for.
    package var allowedHeaders: [String]?
    /// The response fields that a page may read.
    package var exposedHeaders: [String]
    /// How long a browser may keep the answer to a preflight, in whole seconds.
    package var maxAge: Duration?

    /// A policy, by default that of the reference for `cors: {}`.
    package init(
        origin: Origin = .any,
        credentials: Bool = false,
        methods: [String] = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"],
        allowedHeaders: [String]? = nil,
        exposedHeaders: [String] = [],
        maxAge: Duration? = nil
    ) {
        self.origin = origin
        self.credentials = credentials
        self.methods = methods
        self.allowedHeaders = allowedHeaders
        self.exposedHeaders = exposedHeaders
        self.maxAge = maxAge
    }

    /// The fields of every response but a preflight's: also of errors, and of a 101.
    package func fields(origin requestOrigin: String?) -> [(String, String)] {
        var fields = originFields(requestOrigin)
        if !exposedHeaders.isEmpty {
            fields.append(
                ("Access-Control-Expose-Headers", exposedHeaders.joined(separator: ","))
            )
        }
        if variesByOrigin { fields.append(("Vary", "Origin")) }
        return fields
    }

    /// The fields of the response to an `OPTIONS` request, which is 204 with no content.
    ///
    /// - Parameters:
    ///   - requestOrigin: The value of `Origin`.
    ///   - requestedHeaders: The value of `Access-Control-Request-Headers`.
    /// - Returns: Names and values.
    package func preflightFields(
        origin requestOrigin: String?,
        requestedHeaders: String?
    ) -> [(String, String)] {
        var fields = originFields(requestOrigin)
        fields.append(("Access-Control-Allow-Methods", methods.joined(separator: ",")))
        let allowed = allowedHeaders?.joined(separator: ",") ?? requestedHeaders ?? ""
        if !allowed.isEmpty { fields.append(("Access-Control-Allow-Headers", allowed)) }
        if let maxAge {
            fields.append(
                ("Access-Control-Max-Age", String(max(maxAge.components.seconds, 0)))
            )
        }
        if !exposedHeaders.isEmpty {
            fields.append(
                ("Access-Control-Expose-Headers", exposedHeaders.joined(separator: ","))
            )
        }
        var varying = variesByOrigin ? ["Origin"] : []
        if allowedHeaders == nil { varying.append("Access-Control-Request-Headers") }
        if !varying.isEmpty { fields.append(("Vary", varying.joined(separator: ", "))) }
        return fields
    }

    private var variesByOrigin: Bool {
        switch origin {
        case .any: false
        case .fixed, .list, .reflectAll, .matching: true
        }
    }

    private func originFields(_ requestOrigin: String?) -> [(String, String)] {
        var fields: [(String, String)] = []
        if let allowed = allowedOrigin(for: requestOrigin) {
            fields.append(("Access-Control-Allow-Origin", allowed))
        }
        if credentials { fields.append(("Access-Control-Allow-Credentials", "true")) }
        return fields
    }

    private func allowedOrigin(for requestOrigin: String?) -> String? {
        switch origin {
        case .any: return "*"
        case .fixed(let origin): return origin
        case .list(let origins):
            guard let requestOrigin, origins.contains(requestOrigin) else { return nil }
            return requestOrigin
        case .reflectAll: return requestOrigin
        case .matching(let isAllowed):
            guard let requestOrigin, isAllowed(requestOrigin) else { return nil }
            return requestOrigin
        }
    }
}
