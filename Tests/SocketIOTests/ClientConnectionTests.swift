import Foundation
import Testing

@testable import SocketIO

@Suite("protocol.md §16: handshake and connection", .timeLimit(.minutes(5)))
struct ClientConnectionTests {
    @Test("the handshake is complete")
    func handshake() async throws {
        let journal = Journal<Handshake>()
        try await withServer(
            setUp: { $0.onConnection { journal.add($0.handshake) } },
            run: { _, port in
                let client = try TestClient(
                    port: port,
                    query: "EIO=4&transport=websocket&a=b%20c",
                    headers: "Origin: http://x\r\nX-Key: v\r\n"
                )
                try await client.join(auth: #"{"t":1}"#)
                let handshake = await journal.first(1)[0]
                #expect(handshake.headers["x-key"] == "v")
                #expect(handshake.query["a"] == "b c")
                #expect(handshake.auth.json == #"{"t":1}"#)
                #expect(handshake.address == "127.0.0.1")
                #expect(handshake.url == "/socket.io/?EIO=4&transport=websocket&a=b%20c")
                #expect(handshake.isCrossDomain)
                #expect(!handshake.isSecure)
                #expect(abs(handshake.issued.timeIntervalSinceNow) < 600)
                let time =
                    /^[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d GMT\+0000 \(.+\)$/
                #expect(handshake.time.firstMatch(of: time) != nil)
            }
        )
    }

    @Test("time is written as JavaScript writes it")
    func time() {
        let request = ConnectionRequest(
            headers: [:],
            query: [:],
            address: "",
            url: "",
            issued: Date(timeIntervalSince1970: 1_795_262_765)
        )
        #expect(
            Handshake(request: request, auth: Auth()).time
                == "Sat Nov 21 2026 12:06:05 GMT+0000 (Coordinated Universal Time)"
        )
    }

    @Test("conn tells transport, address and version, and its end")
    func connection() async throws {
        let journal = Journal<String>()
        let gone = Journal<String>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    let conn = socket.conn
                    journal.add(
                        "\(conn.transport) \(conn.remoteAddress) \(conn.protocolVersion)"
                            + " \(conn.id.count) \(conn.id != socket.id)"
                    )
                    conn.onUpgrade { _ in gone.add("never") }
                    conn.onClose { reason, _ in gone.add("close \(reason.rawValue)") }
                    socket.onDisconnect { gone.add("disconnect \($0.rawValue)") }
                    socket.on("end") { conn.close() }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                #expect(await journal.first(1) == ["webSocket 127.0.0.1 4 20 true"])
                try client.send(#"42["end"]"#)
                #expect(try await client.next() == .closed)
                #expect(
                    await gone.first(2) == ["disconnect forced close", "close forced close"]
                )
            }
        )
    }

    @Test("an upgrade is told of")
    func upgrade() async throws {
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    journal.add("\(socket.conn.transport)")
                    socket.conn.onUpgrade { journal.add("\($0) \(socket.conn.transport)") }
                }
            },
            run: { _, port in
                let polling = try PollingClient(port: port)
                try polling.post("40")
                #expect(await journal.first(1) == ["polling"])
                let client = try TestClient(
                    port: port,
                    query: "EIO=4&transport=websocket&sid=\(polling.sid)"
                )
                try client.send("2probe")
                #expect(try await client.text() == "3probe")
                try client.send("5")
                #expect(await journal.first(2).last == "webSocket webSocket")
            }
        )
    }
}
