import Foundation
import Testing

@testable import SocketIO

@Suite("protocol.md §23: a server that speaks MessagePack", .timeLimit(.minutes(5)))
struct ParserTests {
    /// A packet: a map of so many members, each name and each text written out, bytes as they are.
    private static func packet(_ parts: Any...) -> [UInt8] {
        parts.flatMap { part -> [UInt8] in
            switch part {
            case let text as String: [0xA0 | UInt8(text.utf8.count)] + text.utf8
            case let byte as Int: [UInt8(byte)]
            default: preconditionFailure("neither text nor byte")
            }
        }
    }

    private static let connect = packet(0x82, "type", 0, "nsp", "/")

    private func run(
        options change: @escaping (inout ServerOptions) -> Void = { _ in },
        setUp: (Server) throws -> Void = { _ in },
        run body: (Server, Int) async throws -> Void
    ) async throws {
        try await withServer(
            options: {
                $0.parser = .messagePack
                change(&$0)
            },
            setUp: setUp,
            run: body
        )
    }

    /// Joins `/`, whose CONNECT names a socket id of 20 characters.
    private func join(
        _ port: Int,
        query: String = "EIO=4&transport=websocket"
    ) async throws
        -> TestClient
    {
        let client = try TestClient(port: port, query: query)
        try client.send(binary: Self.connect)
        let head = Self.packet(0x83, "type", 0, "nsp", "/", "data", 0x81, "sid", 0xB4)
        guard case .binary(let answer) = try await client.next() else {
            throw TestClient.Failure(description: "no binary message")
        }
        #expect(answer.starts(with: head))
        #expect(answer.count == head.count + 20)
        return client
    }

    @Test("handlers see what they see with the default parser")
    func handlers() async throws {
        let setUp = { (server: Server) in
            server.onConnection { socket in
                socket.on("twice") { (bytes: Data, count: Int?) in
                    try socket.emit("got", bytes + bytes, count)
                    return count
                }
            }
        }
        try await run(setUp: setUp) { _, port in
            let client = try await join(port)
            // The count is the `undefined` of notepack.
            let data = Self.packet(0x93, "twice", 0xC4, 1, 7, 0xD4, 0, 0)
            try client.send(
                binary: Self.packet(0x84, "type", 2, "nsp", "/", "id", 5, "data") + data
            )
            #expect(
                try await client.next()
                    == .binary(
                        Self.packet(
                            0x83,
                            "type",
                            2,
                            "nsp",
                            "/",
                            "data",
                            0x93,
                            "got",
                            0xC4,
                            2,
                            7,
                            7,
                            0xC0
                        )
                    )
            )
            #expect(
                try await client.next()
                    == .binary(
                        Self.packet(0x84, "type", 3, "nsp", "/", "data", 0x91, 0xC0, "id", 5)
                    )
            )
        }
    }

    @Test("class A: the app is told why, and the client is gone")
    func malformed() async throws {
        let errors = Journal<MalformedPacket>()
        let reasons = Journal<DisconnectReason>()
        let setUp = { (server: Server) in
            server.onConnection { $0.onDisconnect { reasons.add($0) } }
        }
        let options = { (options: inout ServerOptions) in
            options.onError = { error in
                if let error = error.error as? MalformedPacket { errors.add(error) }
            }
        }
        let body = { (_: Server, port: Int) in
            let text = try await join(port)
            try text.send(#"42["hello"]"#)
            #expect(try await text.next() == .closed)
            let event = try await join(port)
            try event.send(binary: Self.packet(0x82, "type", 2, "nsp", "/"))
            #expect(try await event.next() == .closed)
            #expect(
                await errors.first(2).map(\.message) == [
                    "got plaintext data instead of MessagePack", "invalid payload",
                ]
            )
            #expect(await reasons.first(2) == [.forcedClose, .forcedClose])
        }
        try await run(options: options, setUp: setUp, run: body)
    }

    @Test("class A: a client with the default parser never gets in")
    func defaultClient() async throws {
        try await run { _, port in
            let client = try TestClient(port: port)
            try client.send("40")
            #expect(try await client.next() == .closed)
        }
    }

    @Test("class A: a default server closes on a packet in MessagePack")
    func defaultServer() async throws {
        try await withServer { _, port in
            let client = try TestClient(port: port)
            try client.send(binary: Self.connect)
            #expect(try await client.next() == .closed)
        }
    }

    @Test("§13: clients of v2 are in `/` without asking, and get no id")
    func version2() async throws {
        let setUp = { (server: Server) in
            server.onConnection { try $0.emit("hi") }
        }
        let body = { (_: Server, port: Int) in
            let client = try TestClient(port: port, query: "EIO=3&transport=websocket")
            #expect(try await client.next() == .binary([4] + Self.connect))
            let event = Self.packet(0x83, "type", 2, "nsp", "/", "data", 0x91, "hi")
            #expect(try await client.next() == .binary([4] + event))
        }
        try await run(options: { $0.allowEIO3 = true }, setUp: setUp, run: body)
    }
}
