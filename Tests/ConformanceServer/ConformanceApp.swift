import Foundation
import SocketIO
import SocketIORedis

/// The application that the protocol tests drive; `Tests/Integration` names its events.
struct ConformanceApp: Sendable {
    let server: Server
    let journal: Journal
    /// Tells the servers of a cluster apart.
    let name: String
    let redis: RedisBroker?
    /// What a backend beside the servers has.
    let emitter: Emitter?
    let gate = Gate()

    /// Registers everything.
    func install() {
        installRoutes()
        installSuite(server.of("/"))
        installSuite(server.of("/custom"))
        installFeatures(server.of("/"))
        installFeatures(server.of("/quiet"))
        installCluster(server.of("/"))
        let cluster = server.of("/cluster")
        installFeatures(cluster)
        installCluster(cluster)
        installRefusals()
    }

    private func installRoutes() {
        server.route(.get, "/healthz") { _ in HTTPResponse.text("ok") }
        server.route(.post, "/echo") { request in
            HTTPResponse(headers: [("Content-Type", "text/plain")], body: request.body)
        }
        server.route(.get, "/reasons") { _ in try HTTPResponse.json(journal.reasons) }
        server.route(.get, "/rooms") { _ in try HTTPResponse.json(journal.rooms) }
        server.route(.get, "/errors") { _ in try HTTPResponse.json(journal.errors) }
        server.route(.get, "/stats") { _ in try HTTPResponse.json(journal.counts) }
        server.route(.get, "/notes") { _ in try HTTPResponse.json(journal.notes) }
        if let redis { server.route(.get, "/redis") { _ in try HTTPResponse.json(redis.health) } }
        server.route(.get, "/waiting") { _ in try HTTPResponse.json(["count": await gate.count]) }
        server.route(.get, "/release") { _ in
            await gate.open()
            return HTTPResponse.text("ok")
        }
    }

    /// The behaviour that the public Socket.IO protocol suite expects.
    private func installSuite(_ namespace: Namespace) {
        namespace.onConnection { socket in
            try socket.emit("auth", arguments: Arguments(json: "[\(socket.handshake.auth.json)]"))
            socket.on("message") { (arguments: Arguments) in
                try socket.emit("message-back", arguments: arguments)
            }
            socket.on("message-with-ack") { (arguments: Arguments) in arguments }
        }
    }

    private func installRefusals() {
        let auth = server.of("/auth")
        auth.use { _, auth in
            let login = try? auth.decode(Login.self)
            switch login?.token {
            case "secret": return
            case nil: throw ConnectError("no token")
            default: throw ConnectError("not authorized", data: ["code": "E_AUTH"])
            }
        }
        installFeatures(auth)

        // Two middlewares, of which the first waits for the test.
        let slow = server.of("/slow")
        slow.use { _, _ in await gate.wait() }
        slow.use { _, auth in
            if let login = try? auth.decode(Login.self), login.token == "refuse" {
                throw ConnectError("refused late", data: [1, 2, 3])
            }
        }
        installFeatures(slow)

        // A middleware that fails with an error which is not meant for the client.
        server.of("/broken").use { _, _ in throw Broken() }
    }

    /// Events for acks, binary, rooms, broadcasts and disconnects.
    private func installFeatures(_ namespace: Namespace) {
        namespace.onConnection { socket in
            journal.connected(to: namespace.name)
            watch(socket)
            installAcks(socket)
            installQuestions(socket, namespace)
            installBinary(socket)
            installRooms(socket, namespace)
        }
    }

    private func watch(_ socket: Socket) {
        socket.onDisconnecting { reason in
            journal.left(
                socket.id,
                phase: "disconnecting",
                reason: reason.rawValue,
                rooms: roomNames(socket)
            )
        }
        socket.onDisconnect { reason in
            journal.left(
                socket.id,
                phase: "disconnect",
                reason: reason.rawValue,
                rooms: roomNames(socket)
            )
        }
        socket.on("disconnect-me") { (close: Bool) in socket.disconnect(close: close) }
    }

    private func installAcks(_ socket: Socket) {
        socket.on("echo") { (arguments: Arguments) in arguments }
        socket.on("nothing") { 42 }
        socket.on("no-result") { (note: String) in journal.note(note) }
        socket.on("add") { (a: Int, b: Int) in a + b }
        socket.on("add-async") { (a: Int, b: Int) async in
            await Task.yield()
            return a + b
        }
        socket.on("optional") { (a: String, b: Int?) in "\(a):\(b.map(String.init) ?? "none")" }
        socket.on("four") { (a: String, b: Int, c: Bool, d: [String]) in
            "\(a) \(b) \(c) \(d.joined(separator: "+"))"
        }
        socket.on("throws") { (_: String) -> Int in throw Broken() }
        socket.on("throws-async") { (_: String) async throws -> Int in
            await Task.yield()
            throw Broken()
        }
        socket.on("throws-ack-error") { () -> Int in throw AckError(code: "E_REFUSED") }
        socket.on("held") { () async -> String in
            await gate.wait()
            return "released"
        }
    }

    /// Acks in the other direction: the client is asked, and told what the server understood.
    private func installQuestions(_ socket: Socket, _ namespace: Namespace) {
        socket.on("ask-me") { (value: Int) async throws in
            let answer = try await socket.timeout(.seconds(5))
                .emitWithAck("question", value, as: Int.self)
            try socket.emit("answer", answer)
        }
        socket.on("ask-me-binary") { (value: Data) async throws in
            let answer = try await socket.timeout(.seconds(5))
                .emitWithAck("question", value, as: Data.self)
            try socket.emit("answer", answer)
        }
        socket.on("ask-me-briefly") { () async throws in
            do {
                let answer = try await socket.timeout(.milliseconds(100))
                    .emitWithAck("question", 1, as: Int.self)
                try socket.emit("answer", answer)
            } catch {
                try socket.emit("no-answer", String(describing: error))
            }
        }
        socket.on("ask-me-then-note") { () async in
            do {
                let answer = try await socket.timeout(.seconds(60))
                    .emitWithAck("question", 1, as: Int.self)
                journal.note("\(socket.id) answered \(answer)")
            } catch {
                journal.note("\(socket.id) never answered")
            }
        }
        socket.on("ask-room") { (room: String, milliseconds: Int) async -> RoomAnswers in
            do {
                let answers = try await namespace.in(Room(room))
                    .timeout(.milliseconds(milliseconds))
                    .emitWithAck("room-question", room, as: String.self)
                return RoomAnswers(answers: answers.sorted(), isComplete: true)
            } catch {
                return RoomAnswers(answers: [], isComplete: false)
            }
        }
    }

    private func installBinary(_ socket: Socket) {
        socket.on("reverse") { (bytes: Data) in Data(bytes.reversed()) }
        socket.on("upload") { (upload: Upload) in
            UploadReceipt(
                name: upload.name,
                sizes: [upload.file.count] + upload.parts.map(\.content.count),
                file: Data(upload.file.reversed()),
                parts: upload.parts.reversed()
            )
        }
        socket.on("send-binary") { (count: Int) in
            try socket.emit(
                "binary",
                Data((0..<count).map { UInt8(truncatingIfNeeded: $0) }),
                Part(title: "nested", content: Data([1, 2, 3]))
            )
        }
    }

    private func installRooms(_ socket: Socket, _ namespace: Namespace) {
        socket.on("join") { (room: String) in
            socket.join(Room(room))
            return roomNames(socket)
        }
        socket.on("leave") { (room: String) in
            socket.leave(Room(room))
            return roomNames(socket)
        }
        socket.on("rooms") { roomNames(socket) }
        socket.on("recovered") { socket.recovered }
        socket.on("to-room") { (room: String, text: String) in
            try socket.to(Room(room)).emit("said", text)
        }
        socket.on("to-rooms") { (first: String, second: String, text: String) in
            try socket.to(Room(first)).to(Room(second)).emit("said", text)
        }
        socket.on("in-room") { (room: String, text: String) in
            try namespace.in(Room(room)).emit("said", text)
        }
        socket.on("in-room-except") { (room: String, except: String, text: String) in
            try namespace.in(Room(room)).except(Room(except)).emit("said", text)
        }
        socket.on("binary-to-room") { (room: String, bytes: Data) in
            try socket.to(Room(room)).emit("said", bytes)
        }
        socket.on("broadcast") { (text: String) in try socket.broadcast.emit("said", text) }
        socket.on("everyone") { (text: String) in try namespace.emit("said", text) }
        socket.on("everyone-plain") { (text: String) in
            try namespace.compress(false).emit("said", text)
        }
        socket.on("plain") { (text: String) in try socket.compress(false).emit("said", text) }
        socket.on("local") { (text: String) in try namespace.local.emit("said", text) }
        socket.on("volatile") { (text: String) in try socket.volatile.emit("said", text) }
        socket.on("volatile-flood") { (count: Int, size: Int) in
            let text = String(repeating: "x", count: size)
            for _ in 0..<count { try socket.volatile.emit("flood", text) }
            try socket.emit("flood-end")
        }
        socket.on("burst") { (count: Int) in
            for number in 0..<count { try socket.emit("number", number) }
        }
    }

    private func roomNames(_ socket: Socket) -> [String] {
        socket.rooms.map(\.name).filter { $0 != socket.id }.sorted()
    }
}

/// The auth that `/auth` and `/slow` look at.
struct Login: Decodable {
    let token: String?
}

/// An error that no client is to see.
struct Broken: Error {}

/// Binary nested in objects and arrays.
struct Upload: Codable, Sendable {
    let name: String
    let file: Data
    let parts: [Part]
}

/// A part of an ``Upload``.
struct Part: Codable, Sendable {
    let title: String
    let content: Data
}

/// What an ``Upload`` is answered with.
struct UploadReceipt: Encodable, Sendable {
    let name: String
    let sizes: [Int]
    let file: Data
    let parts: [Part]
}

/// What the members of a room answered.
struct RoomAnswers: Encodable, Sendable {
    let answers: [String]
    let isComplete: Bool
}
