import Foundation
import SocketIO
import SocketIORedis

/// A server for the integration tests, on a free port that it prints.
@main
struct ConformanceServer {
    static func main() async throws {
        var flags: Flags
        do {
            flags = try Flags(CommandLine.arguments.dropFirst())
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(2)
        }
        let journal = Journal()
        flags.options.onError = { failure in
            journal.failed(
                event: failure.event ?? "packet",
                error: String(describing: failure.error)
            )
        }
        let broker = try flags.redis.makeBroker()
        if let broker { flags.options.adapter = .redis(broker) }
        flags.options.log = { level, line in
            if level != .debug {
                FileHandle.standardError.write(Data("\(level.rawValue) \(line)\n".utf8))
            }
        }
        let server = try Server(flags.options)
        let app = ConformanceApp(
            server: server,
            journal: journal,
            name: flags.name,
            redis: broker,
            emitter: try flags.redis.makeEmitter()
        )
        app.install()
        app.installAPI(hasMembers: flags.hasMemberNamespaces)
        app.installFlow()
        if let files = flags.files { server.serveFiles(from: files, at: "/files") }
        try await server.run { port in
            // Past the buffer of `print`: whoever waits for the line gets it.
            FileHandle.standardOutput.write(Data("listening on http://127.0.0.1:\(port)\n".utf8))
        }
    }
}
