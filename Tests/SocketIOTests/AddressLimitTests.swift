import Testing

@testable import SocketIO

@Suite("Rate limits of addresses", .timeLimit(.minutes(5)))
struct AddressLimitTests {
    @Test("handshakes of an address over the limit are answered 429", arguments: [1, 2])
    func handshakes(loops: Int) async throws {
        let events = Journal<String>()
        let refusals = Journal<ConnectionRefusal>()
        let lines = Journal<String>()
        let asked = Journal<Bool>()
        try await withServer(
            loops: loops,
            options: { options in
                options.trustedProxyHops = 1
                options.rateLimits = RateLimits()
                options.rateLimits?.handshakesPerAddress = RateLimit(perSecond: 0.001, burst: 2)
                options.rateLimits?.onLimit = { event in
                    events.add("\(event.limit) \(event.address) \(event.excess)")
                    return .drop
                }
                options.onConnectionError = { refusals.add($0) }
                options.allowRequest = { _ in
                    asked.add(true)
                    return .allow
                }
                options.log = { level, line in if level == .warning { lines.add(line) } }
            },
            run: { server, port in
                func open(_ address: String) throws -> TestClient {
                    try TestClient(port: port, headers: "X-Forwarded-For: \(address)\r\n")
                }
                for _ in 0..<2 { try await open("192.0.2.1").join() }
                // Each IPv6 network of 64 bits is one address, an IPv4 address in IPv6 is IPv4.
                try await open("2001:db8::1").join()
                try await open("2001:db8::2").join()
                for address in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::3"] {
                    await #expect { _ = try await open(address).text() } throws: { error in
                        let answer = "\(error)"
                        return answer.hasPrefix("HTTP/1.1 429 ") && answer.hasSuffix("requests")
                            && answer.contains("\r\nRetry-After: ")
                    }
                }
                try await open("192.0.2.2").join()
                try await open("2001:db8:0:1::1").join()
                #expect(
                    events.entries == [
                        "handshakesPerAddress 192.0.2.1 1",
                        "handshakesPerAddress ::ffff:192.0.2.1 2",
                        "handshakesPerAddress 2001:db8::3 1",
                    ]
                )
                #expect(refusals.entries.map(\.code) == [100, 100, 100])
                #expect(asked.entries.count == 6)
                #expect(server.statistics.limitedHandshakes == 3)
                // One line for each address.
                #expect(
                    lines.entries
                        == ["192.0.2.1", "2001:db8::3"].map {
                            "rate limit: \($0) is over handshakesPerAddress (0.001 a second, 2 at once)"
                        }
                )
            }
        )
    }

    @Test("packets of an address count over all its connections, on every loop")
    func packetsPerAddress() async throws {
        let seen = Journal<Int>()
        try await withServer(
            loops: 2,
            options: { options in
                options.rateLimits = RateLimits()
                options.rateLimits?.packetsPerAddress = RateLimit(perSecond: 0, burst: 12)
            },
            setUp: { server in
                server.onConnection { socket in
                    socket.on("count") { (number: Int) in
                        seen.add(number)
                        return number
                    }
                }
            },
            run: { server, port in
                var clients: [TestClient] = []
                for _ in 0..<4 {
                    clients.append(try TestClient(port: port))
                    try await clients.last?.join()
                }
                for number in 0..<8 {
                    try clients[number % 4].send("421[\"count\",\(number)]")
                    #expect(try await clients[number % 4].text() == "431[\(number)]")
                }
                for client in clients {
                    try client.send(#"421["count",100]"#, "40/other,")
                    #expect(
                        try await client.text() == #"44/other,{"message":"rate limit exceeded"}"#
                    )
                }
                #expect(seen.entries == Array(0..<8))
                #expect(server.statistics.limitedPackets == 8)
            }
        )
    }

    @Test("a flood of addresses that are over a limit does not flood the log")
    func log() async throws {
        let lines = Journal<String>()
        try await withServer(
            options: { options in
                options.trustedProxyHops = 1
                options.rateLimits = RateLimits()
                options.rateLimits?.events = RateLimit(perSecond: 0, burst: 1)
                options.log = { level, line in if level == .warning { lines.add(line) } }
            },
            setUp: { $0.onConnection { socket in socket.on("x") {} } },
            run: { server, port in
                for address in 1...60 {
                    let client = try TestClient(
                        port: port,
                        headers: "X-Forwarded-For: 192.0.2.\(address)\r\n"
                    )
                    try await client.join()
                    try client.send(#"42["x"]"#, #"421["x"]"#, #"421["x"]"#, "40/other,")
                    #expect(try await client.text().hasPrefix("44/other,"))
                }
                #expect(server.statistics.limitedPackets == 180)
                #expect((20..<50).contains(lines.entries.count))
            }
        )
    }
}
