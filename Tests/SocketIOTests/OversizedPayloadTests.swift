import Testing

@testable import SocketIO

@Suite("protocol.md §6, §7: a payload that is too large", .timeLimit(.minutes(5)))
struct OversizedPayloadTests {
    /// What a test keeps of an `OversizedPayload`.
    private struct Entry: Equatable {
        let transport: Transport
        let limit: Int
        let size: Int?
        let address: String
    }

    private func withLimit(
        _ run: (Server, Int, Journal<OversizedPayload>, Journal<String>) async throws -> Void
    ) async throws {
        let payloads = Journal<OversizedPayload>()
        let lines = Journal<String>()
        try await withServer(
            options: {
                $0.maxHTTPBufferSize = 100
                $0.onPayloadTooLarge = { payloads.add($0) }
                $0.log = { if $0 == .warning { lines.add($1) } }
            },
            setUp: { $0.onConnection { socket in socket.on("echo") { (text: String) in text } } },
            run: { try await run($0, $1, payloads, lines) }
        )
    }

    private func entry(_ payload: OversizedPayload) -> Entry {
        Entry(
            transport: payload.transport,
            limit: payload.limit,
            size: payload.size,
            address: payload.request.address
        )
    }

    @Test("over WebSocket the app hears of it before the connection ends; it is logged, counted")
    func webSocket() async throws {
        try await withLimit { server, port, payloads, lines in
            let client = try TestClient(port: port)
            try await client.join()
            try client.send("4" + String(repeating: "x", count: 100))
            #expect(try await client.next() == .closed)
            #expect(
                await payloads.first(1).map(entry) == [
                    Entry(transport: .webSocket, limit: 100, size: 101, address: "127.0.0.1")
                ]
            )
            #expect(payloads.entries[0].connectionID.count == 20)
            #expect(server.statistics.oversizedPayloads == 1)
            #expect(
                lines.entries == [
                    "payload too large: 101 bytes from 127.0.0.1 by websocket, the limit is 100"
                ]
            )
        }
    }

    @Test("over polling the connection goes on; each is told and counted, few are logged")
    func polling() async throws {
        try await withLimit { server, port, payloads, lines in
            let client = try PollingClient(port: port)
            try client.post("40")
            #expect(try client.poll().hasPrefix("40{"))
            for size in 101...103 {
                // 413, without a body.
                #expect(throws: TestClient.Failure.self) {
                    try client.post(String(repeating: "4", count: size))
                }
            }
            try client.post(#"420["echo","still here"]"#)
            #expect(try client.poll() == #"430["still here"]"#)
            #expect(
                payloads.entries.map(entry)
                    == (101...103).map {
                        Entry(transport: .polling, limit: 100, size: $0, address: "127.0.0.1")
                    }
            )
            #expect(payloads.entries.map(\.connectionID) == [client.sid, client.sid, client.sid])
            #expect(server.statistics.oversizedPayloads == 3)
            #expect(lines.entries.count == 1)
        }
    }

    @Test("one line is logged every ten seconds, and tells how many were left out")
    func throttle() {
        let throttle = LogThrottle()
        let start = ContinuousClock.now
        var lines: [String] = []
        for second in [0, 0, 9, 10, 11, 19, 20, 45, 46] {
            throttle.admit(at: start + .seconds(second)) { lines.append("\(second)\($0)") }
        }
        #expect(
            lines == [
                "0", "10 (and 2 more since the last such line)",
                "20 (and 2 more since the last such line)", "45",
            ]
        )
    }
}
