import Foundation
import SocketIO
import Testing

/// Every example of the documentation comments of SocketIO, so that it compiles.
///
/// A new example is copied here; the test below finds one that is missing.
enum DocumentationExamples {
    static func arguments(_ socket: Socket) {
        socket.on("echo") { (arguments: Arguments) in arguments }
        socket.on("sum") { (arguments: Arguments) -> Arguments in
            let first = try arguments.decode(Int.self, at: 0)
            return try Arguments(first + arguments.count)
        }
    }

    static func broadcastOperator(_ server: Server) async throws {
        let others = server.to("news").except("muted")
        try others.emit("headline", "hello")
        let answers = try await others.timeout(.seconds(2)).emitWithAck("seen?", as: Bool.self)
        _ = answers
    }

    static func errors(_ socket: Socket) {
        socket.on("order") { (id: Int) -> String in
            guard id > 0 else { throw AckError(code: "bad_id", message: "ids begin at 1") }
            return "ordered \(id)"
        }
    }

    static func rateLimits(_ options: inout ServerOptions) {
        var limits = RateLimits()
        limits.events = RateLimit(perSecond: 20, burst: 60)
        limits.handshakesPerAddress = RateLimit(perSecond: 2, burst: 50)
        limits.onLimit = { $0.excess > 500 ? .disconnect : .drop }
        options.rateLimits = limits
    }

    static func engineMiddlewares(_ options: inout ServerOptions) {
        options.engineMiddlewares.append { request, headers in
            headers.append(("X-Content-Type-Options", "nosniff"))
            guard request.headers["authorization"] == "Bearer secret" else {
                throw HTTPResponse.text("sign in first", status: 401)
            }
        }
    }

    static func namespace(_ server: Server) {
        let chat = server.of("/chat")
        chat.use { socket, auth in
            guard auth["token"] == "secret" else { throw ConnectError("not authorized") }
        }
        chat.onConnection { socket in
            socket.join("lobby")
        }
    }

    static func eventMiddleware(_ socket: Socket) {
        socket.use { event in
            guard event.name != "admin" else { throw AckError(code: "forbidden") }
        }
    }

    static func parentNamespace(_ server: Server) throws {
        let tenants = server.of(matching: /^\/tenant-[0-9]+$/)
        tenants.use { socket, auth in
            guard auth["token"] != nil else { throw ConnectError("not authorized") }
        }
        tenants.onConnection { socket in
            try socket.namespace.emit("joined", socket.id)
        }
        try tenants.emit("news", "to all tenants")
    }

    static func pattern(_ server: Server) {
        let rooms = server.of(matching: /^\/room-[0-9]+$/)
        rooms.onConnection { socket in print(socket.namespace.name) }
    }

    static func function(_ server: Server) {
        let tenants = server.of { name, auth in
            name.hasPrefix("/tenant-") && auth["token"] != nil
        }
        _ = tenants
    }

    static func room(_ server: Server, _ socket: Socket) throws {
        socket.join("news")
        try server.to("news").emit("headline", "Swift speaks Socket.IO")
    }

    static func server() async throws {
        let server = try Server(ServerOptions(port: 3000))
        server.onConnection { socket in
            socket.on("joinRoom") { (room: String) in socket.join(Room(room)) }
            socket.on("message") { (room: String, text: String) in
                try server.to(Room(room)).emit("message", text)
            }
        }
        try await server.run()
    }

    static func socket(_ server: Server) {
        server.onConnection { socket in
            socket.on("join") { (room: String) in socket.join(Room(room)) }
            socket.on("say") { (room: String, text: String) in
                try socket.to(Room(room)).emit("said", text)
            }
            socket.onDisconnect { reason in print(socket.id, reason.rawValue) }
        }
    }
}

@Suite("documentation comments")
struct DocumentationTests {
    @Test("every example of SocketIO stands in this file and so compiles")
    func examples() throws {
        let here = URL(filePath: #filePath)
        let compiled = Self.squeezed(try String(contentsOf: here, encoding: .utf8))
        let sources = here.deletingLastPathComponent().appending(path: "../../Sources/SocketIO")
        let names = try FileManager.default.subpathsOfDirectory(atPath: sources.path)
        var count = 0
        for name in names where name.hasSuffix(".swift") {
            let text = try String(contentsOf: sources.appending(path: name), encoding: .utf8)
            for example in Self.examples(in: text) {
                count += 1
                #expect(compiled.contains(Self.squeezed(example)), "\(name): \(example)")
            }
        }
        #expect(count >= 7)
    }

    /// The texts of the fenced examples in documentation comments.
    private static func examples(in source: String) -> [String] {
        var examples: [String] = []
        var current: String?
        for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
            let line = line.drop { $0 == " " }
            if line == "/// ```swift" {
                current = ""
            } else if line == "/// ```", let example = current {
                examples.append(example)
                current = nil
            } else {
                current?.append(line.dropFirst(3) + "\n")
            }
        }
        return examples
    }

    /// The text without its indentation.
    private static func squeezed(_ text: String) -> String {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            .joined(separator: "\n")
    }
}
