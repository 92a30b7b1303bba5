import SocketIO
import Synchronization

/// Namespaces on demand, listeners of every event, middlewares and the like, for `api.test.mjs`.
extension ConformanceApp {
    /// Registers everything that these tests drive.
    func installAPI(hasMembers: Bool) {
        server.onNewNamespace { namespace in journal.note("new \(namespace.name)") }
        installParents(hasMembers: hasMembers)
        let api = server.of("/api")
        installRoomEvents(api)
        api.onConnection { socket in
            installMiddlewares(socket)
            installListeners(socket)
            installConnection(socket)
            socket.on("join") { (room: String) in socket.join(Room(room)) }
            socket.on("leave") { (room: String) in socket.leave(Room(room)) }
            socket.on("message") { (text: String) in try socket.send("back", text) }
        }
    }

    private func installParents(hasMembers: Bool) {
        let dynamic = server.of(matching: /^\/dynamic-[0-9]+$/)
        dynamic.use { _, auth in
            if auth["token"] == "bad" { throw ConnectError("refused", data: ["code": 7]) }
        }
        install(dynamic)
        guard hasMembers else { return }
        let members = server.of { name, auth async in
            await Task.yield()
            return name.hasPrefix("/member-") && auth["token"] == "secret"
        }
        install(members)
    }

    private func install(_ parent: ParentNamespace) {
        parent.onConnection { socket in
            socket.on("where") { socket.namespace.name }
            socket.on("to-namespace") { (text: String) in
                try socket.namespace.emit("said", text)
            }
            socket.on("to-all") { (text: String) in try parent.emit("said", text) }
            socket.on("to-all-but-room") { (room: String, text: String) in
                try parent.except(Room(room)).emit("said", text)
            }
            socket.on("join") { (room: String) in socket.join(Room(room)) }
            socket.on("children") { parent.children.map(\.name).sorted() }
        }
    }

    /// Notes what happens to rooms whose names begin with `watched`.
    private func installRoomEvents(_ namespace: Namespace) {
        @Sendable func note(_ event: String, _ room: Room, _ id: String = "") {
            if room.name.hasPrefix("watched") { journal.note("\(event) \(room) \(id)") }
        }
        namespace.onRoomCreated { note("create-room", $0) }
        namespace.onRoomJoined { note("join-room", $0, $1) }
        namespace.onRoomLeft { note("leave-room", $0, $1) }
        namespace.onRoomDeleted { note("delete-room", $0) }
    }

    private func installMiddlewares(_ socket: Socket) {
        socket.use { event in
            switch event.name {
            case "refused": throw Broken()
            case "coded": throw AckError(code: "E_MIDDLEWARE")
            case "renamed": event.name = "echo"
            default: break
            }
        }
        socket.use { event async in
            // Every third event is held up, and keeps its place.
            if event.arguments.count == 3 { await Task.yield() }
        }
        socket.onError { error in try? socket.emit("failed", "\(type(of: error))") }
        socket.on("echo") { (arguments: Arguments) in arguments }
        socket.on("number") { (number: Int) in try socket.emit("number", number) }
    }

    private func installListeners(_ socket: Socket) {
        socket.on("watch") {
            let seen = Seen()
            socket.onAny { event, arguments in seen.add("in \(event) \(arguments.count)") }
            socket.prependAny { event, _ in seen.add("first \(event)") }
            socket.onAnyOutgoing { event, arguments in seen.add("out \(event) \(arguments.count)") }
            socket.on("seen") { seen.all }
            socket.on("unwatch") {
                socket.offAny()
                socket.offAnyOutgoing()
            }
        }
        socket.on("broadcast") { (text: String) in try socket.namespace.emit("said", text) }
        socket.once("only-once") { "the first" }
        let listener = socket.on("forgotten") { 1 }
        socket.off(listener)
    }

    private func installConnection(_ socket: Socket) {
        socket.conn.onUpgrade { transport in
            try? socket.emit("upgraded", transport.rawValue)
        }
        socket.on("conn") {
            Connection(
                transport: socket.conn.transport.rawValue,
                address: socket.conn.remoteAddress,
                version: socket.conn.protocolVersion,
                id: socket.conn.id,
                time: socket.handshake.time,
                isSecure: socket.handshake.isSecure
            )
        }
        socket.on("close-connection") { socket.conn.close() }
    }
}

/// What a socket's listeners of every event have seen.
private final class Seen: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

/// What the server knows of a client's connection.
private struct Connection: Encodable, Sendable {
    let transport: String
    let address: String
    let version: Int
    let id: String
    let time: String
    let isSecure: Bool
}
