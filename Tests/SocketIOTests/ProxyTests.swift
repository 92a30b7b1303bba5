import Testing

@testable import SocketIO

@Suite("Addresses behind trusted proxies", .timeLimit(.minutes(5)))
struct ProxyTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let hops: Int
        let headers: [String]
        let address: String

        var testDescription: String { "\(hops) of \(headers)" }
    }

    static let examples = [
        Example(hops: 0, headers: ["X-Forwarded-For: 192.0.2.1"], address: "127.0.0.1"),
        Example(hops: 1, headers: [], address: "127.0.0.1"),
        Example(hops: 1, headers: ["X-Forwarded-For: 192.0.2.1"], address: "192.0.2.1"),
        Example(hops: 1, headers: ["x-forwarded-for: 6.6.6.6, 192.0.2.1 "], address: "192.0.2.1"),
        Example(hops: 2, headers: ["X-Forwarded-For: 6.6.6.6, 192.0.2.1"], address: "6.6.6.6"),
        Example(hops: 2, headers: ["X-Forwarded-For: 192.0.2.1"], address: "192.0.2.1"),
        Example(
            hops: 1,
            headers: ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 192.0.2.1"],
            address: "192.0.2.1"
        ),
        Example(hops: 1, headers: ["X-Forwarded-For: 192.0.2.1:4711"], address: "192.0.2.1"),
        Example(hops: 1, headers: ["X-Forwarded-For: 2001:db8::1"], address: "2001:db8::1"),
        Example(hops: 1, headers: ["X-Forwarded-For: [2001:db8::1]:4711"], address: "2001:db8::1"),
        Example(hops: 1, headers: ["X-Forwarded-For: 192.0.2.1,"], address: "127.0.0.1"),
        Example(hops: 1, headers: ["X-Forwarded-For: <script>"], address: "127.0.0.1"),
        Example(hops: 1, headers: ["X-Forwarded-For: [::1"], address: "127.0.0.1"),
        Example(hops: 1, headers: ["X-Forwarded-For: unknown"], address: "127.0.0.1"),
    ]

    @Test(
        "the address is the entry that many hops from the right, if it is one",
        arguments: examples
    )
    func address(_ example: Example) async throws {
        let found = Journal<String>()
        try await withServer(
            options: { $0.trustedProxyHops = example.hops },
            setUp: { $0.onConnection { found.add($0.handshake.address) } },
            run: { _, port in
                let headers = example.headers.map { "\($0)\r\n" }.joined()
                let client = try TestClient(port: port, headers: headers)
                try await client.join()
                #expect(await found.first(1) == [example.address])
            }
        )
    }

    @Test("a connection is secure if the trusted proxy says so", arguments: [0, 1])
    func secure(hops: Int) async throws {
        let found = Journal<Bool>()
        try await withServer(
            options: { $0.trustedProxyHops = hops },
            setUp: { $0.onConnection { found.add($0.handshake.request.isSecure) } },
            run: { _, port in
                let client = try TestClient(port: port, headers: "X-Forwarded-Proto: https\r\n")
                try await client.join()
                #expect(await found.first(1) == [hops == 1])
            }
        )
    }
}
