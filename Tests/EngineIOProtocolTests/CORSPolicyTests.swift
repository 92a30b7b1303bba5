import Testing

@testable import EngineIOProtocol

@Suite("protocol.md §11: CORS and cookies")
struct CORSPolicyTests {
    static let origin = "https://a.example"
    static let methods = "Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE"

    private func lines(_ fields: [(String, String)]) -> [String] {
        fields.map { "\($0): \($1)" }
    }

    @Test(
        "the allowed origin, and what the answer varies by",
        arguments: [
            (.any, origin, ["Access-Control-Allow-Origin: *"]),
            (.any, nil, ["Access-Control-Allow-Origin: *"]),
            (
                .fixed("https://b.example"), origin,
                ["Access-Control-Allow-Origin: https://b.example", "Vary: Origin"]
            ),
            (
                .list([origin, "https://b.example"]), origin,
                ["Access-Control-Allow-Origin: https://a.example", "Vary: Origin"]
            ),
            (.list(["https://b.example"]), origin, ["Vary: Origin"]),
            (.list([]), nil, ["Vary: Origin"]),
            (
                .reflectAll, origin,
                ["Access-Control-Allow-Origin: https://a.example", "Vary: Origin"]
            ),
            (.reflectAll, nil, ["Vary: Origin"]),
            (
                .matching { $0.hasSuffix(".example") }, origin,
                ["Access-Control-Allow-Origin: https://a.example", "Vary: Origin"]
            ),
            (.matching { $0.hasSuffix(".test") }, origin, ["Vary: Origin"]),
            (.matching { _ in true }, nil, ["Vary: Origin"]),
        ] as [(CORSPolicy.Origin, String?, [String])]
    )
    func origins(allowed: CORSPolicy.Origin, request: String?, expected: [String]) {
        let policy = CORSPolicy(origin: allowed)
        #expect(lines(policy.fields(origin: request)) == expected)
    }

    @Test("credentials and exposed headers")
    func options() {
        let policy = CORSPolicy(credentials: true, exposedHeaders: ["X-A", "X-B"])
        let fields = lines(policy.fields(origin: Self.origin))
        #expect(
            fields == [
                "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true",
                "Access-Control-Expose-Headers: X-A,X-B",
            ]
        )
    }

    @Test("a preflight echoes the headers that are asked for")
    func preflight() {
        let fields = CORSPolicy().preflightFields(origin: Self.origin, requestedHeaders: "x-a, x-b")
        #expect(
            lines(fields) == [
                "Access-Control-Allow-Origin: *", Self.methods,
                "Access-Control-Allow-Headers: x-a, x-b", "Vary: Access-Control-Request-Headers",
            ]
        )
        let none = CORSPolicy(origin: .reflectAll).preflightFields(
            origin: Self.origin,
            requestedHeaders: nil
        )
        #expect(
            lines(none) == [
                "Access-Control-Allow-Origin: https://a.example", Self.methods,
                "Vary: Origin, Access-Control-Request-Headers",
            ]
        )
    }

    @Test("a preflight names what is configured")
    func configuredPreflight() {
        let policy = CORSPolicy(
            origin: .fixed("https://b.example"),
            credentials: true,
            methods: ["GET", "POST"],
            allowedHeaders: ["x-c", "x-d"],
            exposedHeaders: ["x-e"],
            maxAge: .seconds(600)
        )
        let fields = policy.preflightFields(origin: Self.origin, requestedHeaders: "x-a")
        #expect(
            lines(fields) == [
                "Access-Control-Allow-Origin: https://b.example",
                "Access-Control-Allow-Credentials: true", "Access-Control-Allow-Methods: GET,POST",
                "Access-Control-Allow-Headers: x-c,x-d", "Access-Control-Max-Age: 600",
                "Access-Control-Expose-Headers: x-e", "Vary: Origin",
            ]
        )
    }

    @Test("the cookie by default and with every attribute")
    func cookie() {
        let sid = SessionID(random: (0, 0), counter: 1)
        let plain = SessionCookie().fieldValue(for: sid)
        #expect(plain == "io=AAAAAAAAAAAAAAAAAAAB; Path=/; HttpOnly; SameSite=Lax")
        let full = SessionCookie(
            name: "s",
            path: "/x",
            domain: "a.example",
            maxAge: .seconds(60),
            isHTTPOnly: false,
            isSecure: true,
            sameSite: SessionCookie.SameSite.none
        ).fieldValue(for: sid)
        #expect(
            full == "s=AAAAAAAAAAAAAAAAAAAB; Max-Age=60; Domain=a.example; Path=/x; Secure"
                + "; SameSite=None"
        )
        let bare = SessionCookie(path: nil, isHTTPOnly: false, sameSite: nil)
        #expect(bare.fieldValue(for: sid) == "io=AAAAAAAAAAAAAAAAAAAB")
    }
}
