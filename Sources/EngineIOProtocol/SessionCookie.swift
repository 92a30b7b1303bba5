/// The cookie that lets a load balancer recognise a session (protocol.md §11).
///
/// It is set by the polling handshake alone and never read by the server. Names and attributes
/// come from the application's configuration.
package struct SessionCookie: Equatable, Sendable {
    /// When a browser sends it along with requests that come from other sites (RFC 6265bis §5.6.7).
    package enum SameSite: String, Sendable {
        case strict = "Strict"
        case lax = "Lax"
        case none = "None"
    }

    package var name: String
    package var path: String?
    package var domain: String?
    /// How long it lives, in whole seconds; nil is until the browser closes.
    package var maxAge: Duration?
    package var isHTTPOnly: Bool
    package var isSecure: Bool
    package var sameSite: SameSite?

    /// A cookie, by default that of the reference for `cookie: true`.
    package init(
        name: String = "io",
        path: String? = "/",
        domain: String? = nil,
        maxAge: Duration? = nil,
        isHTTPOnly: Bool = true,
        isSecure: Bool = false,
        sameSite: SameSite? = .lax
    ) {
        self.name = name
        self.path = path
        self.domain = domain
        self.maxAge = maxAge
        self.isHTTPOnly = isHTTPOnly
        self.isSecure = isSecure
        self.sameSite = sameSite
    }

    /// The value of the `Set-Cookie` field for a session.
    package func fieldValue(for sid: SessionID) -> String {
        var value = "\(name)=\(sid)"
        if let maxAge { value += "; Max-Age=\(max(maxAge.components.seconds, 0))" }
        if let domain { value += "; Domain=\(domain)" }
        if let path { value += "; Path=\(path)" }
        if isHTTPOnly { value += "; HttpOnly" }
        if isSecure { value += "; Secure" }
        if let sameSite { value += "; SameSite=\(sameSite.rawValue)" }
        return value
    }
}
