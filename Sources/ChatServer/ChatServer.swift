import Chat
import Glibc
import SocketIO

/// The chat server: flags and environment in, a running server out.
@main
struct ChatServer {
    static func main() async {
        do {
            let request = try Configuration.request(
                arguments: CommandLine.arguments.dropFirst(),
                environment: environment
            )
            switch request {
            case .help:
                print(Configuration.help)
            case .run(let configuration):
                try await run(configuration)
            }
        } catch {
            // One line that says what is wrong; nothing has been started.
            writeLine("ChatServer: \(error)", to: STDERR_FILENO)
            exit(1)
        }
    }

    private static func run(_ configuration: Configuration) async throws {
        let log = ChatLog(level: configuration.logLevel)
        let backend = try Backend(configuration)
        var options = options(configuration, log)
        options.adapter = backend.adapter
        let server = try Server(options)
        let chat = ChatService(
            server: server,
            limits: configuration.limits,
            log: log,
            cluster: cluster(configuration)
        )
        chat.install()
        server.route(.get, "/healthz") { _ in
            let health = Health(
                isDraining: server.isShuttingDown,
                replica: configuration.replicaName,
                clients: server.clientsCount,
                presence: chat.presenceStatus,
                redis: backend.health?()
            )
            return try .json(health, status: health.httpStatus)
        }
        if let page = configuration.pageDirectory { server.serveFiles(from: page) }
        let host = configuration.host == "0.0.0.0" ? "127.0.0.1" : configuration.host
        try await server.run { port in
            chat.start()
            writeLine(
                "listening on http://\(host.contains(":") ? "[\(host)]" : host):\(port)",
                to: STDOUT_FILENO
            )
        }
        log.info("stopped")
    }

    private static func cluster(_ configuration: Configuration) -> ChatCluster {
        var cluster = ChatCluster()
        cluster.replica = configuration.replicaName
        cluster.replicas = configuration.replicas
        cluster.isClustered = configuration.redis != nil
        return cluster
    }

    private static func options(_ configuration: Configuration, _ log: ChatLog) -> ServerOptions {
        var options = ServerOptions(port: configuration.port)
        options.host = configuration.host
        options.loops = configuration.loops
        options.maxHTTPBufferSize = configuration.maxPayloadBytes
        options.pingInterval = configuration.pingInterval
        options.pingTimeout = configuration.pingTimeout
        options.drainTime = configuration.drainTime
        options.shutdownTimeout = configuration.shutdownTimeout
        options.clientDirectory = configuration.clientDirectory
        options.trustedProxyHops = configuration.trustedProxyHops
        options.cors =
            switch configuration.allowedOrigins {
            case .none: nil
            case .any: CORSOptions(origin: .any)
            case .list(let origins): CORSOptions(origin: .list(origins))
            }
        options.log = { level, line in
            switch level {
            case .error: log.error("server", ["text": .text(line)])
            case .warning: log.warning("server", ["text": .text(line)])
            case .info: log.info("server", ["text": .text(line)])
            case .debug: log.debug("server", ["text": .text(line)])
            }
        }
        options.onError = { error in
            log.warning(
                "error",
                [
                    "socket": .text(error.socket.id), "event": .text(error.event ?? "packet"),
                    "text": .text("\(error.error)"),
                ]
            )
        }
        return options
    }

    /// Writes at once, past the buffer of `print`: whoever waits for the line gets it.
    private static func writeLine(_ text: String, to descriptor: CInt) {
        var line = text + "\n"
        line.withUTF8 { _ = write(descriptor, $0.baseAddress, $0.count) }
    }

    private static var environment: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return variables
    }
}
