import Foundation
import SocketIO

/// A server for the integration tests, on a free port that it prints.
@main
struct ConformanceServer {
    static func main() async throws {
        let flags: Flags
        do {
            flags = try Flags(CommandLine.arguments.dropFirst())
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(2)
        }
        let server = try Server(flags.options)
        ConformanceApp(server: server).install()
        if let files = flags.files { server.serveFiles(from: files, at: "/files") }
        try await server.run()
    }
}
