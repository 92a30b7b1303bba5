import Glibc

/// How the chat server runs.
package struct Configuration: Equatable, Sendable {
    /// The TCP port; 0 takes a free one.
    package var port = 3000
    /// The address to listen on.
    package var host = "0.0.0.0"
    /// How many event loops; 0 makes one per core.
    package var loops = 0
    /// Which web origins may connect beside our own.
    package var allowedOrigins = AllowedOrigins.none
    /// How much is logged.
    package var logLevel = LogLevel.info
    /// Where the official client's bundle lies, if it is to be served.
    package var clientDirectory: String?
    /// Where the page lies, if it is to be served.
    package var pageDirectory: String?
    /// The longest payload that a client may send.
    package var maxPayloadBytes = 1_000_000
    /// The time between two heartbeats.
    package var pingInterval = Duration.milliseconds(25_000)
    /// How late the answer to a heartbeat may be.
    package var pingTimeout = Duration.milliseconds(20_000)
    /// What one client may ask for.
    package var limits = ChatLimits()
    /// Over how long a shutdown spreads the ends of its clients.
    package var drainTime = Duration.zero
    /// How long a shutdown then waits for connections to end.
    package var shutdownTimeout = Duration.seconds(10)
    /// The Redis that connects the replicas; nil stands alone.
    package var redis: RedisChoice?
    /// How many proxies stand in front that tell the clients' addresses.
    package var trustedProxyHops = 0
    /// What this replica is called.
    package var replicaName = ReplicaAddress.hostName
    /// Where browsers reach each replica directly, if somebody said so.
    package var replicas: [ReplicaAddress] = []

    /// The defaults.
    package init() {}
}

extension Configuration {
    /// What a command line asks for.
    package enum Request: Equatable, Sendable {
        /// To run like this.
        case run(Configuration)
        /// To print ``Configuration/help``.
        case help
    }

    /// Reads flags and environment variables; a flag beats the variable of the same name.
    ///
    /// A variable that is set to nothing counts as not set. Of two equal flags the later one holds.
    /// - Parameters:
    ///   - arguments: the command line without the name of the program.
    ///   - environment: all variables; those of other programs do no harm.
    ///   - isDirectory: whether a path leads to a directory; a test may say so itself.
    /// - Returns: what to do.
    /// - Throws: the first thing that is wrong.
    package static func request(
        arguments: some Sequence<String>,
        environment: [String: String],
        isDirectory: (String) -> Bool = Configuration.isDirectory
    ) throws(ConfigurationError) -> Request {
        var given = try Given(arguments: arguments)
        if given.asksForHelp { return .help }
        given.fill(from: environment)
        return .run(try Configuration(given, isDirectory: isDirectory))
    }

    /// Whether `path` leads to a directory.
    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The text of `--help`.
    package static var help: String {
        let intro = """
            ChatServer: a Socket.IO chat server.

            Usage: ChatServer [flags]

            Every flag has an environment variable of the same name; the flag wins.

            """
        return Setting.allCases.reduce(into: intro) { text, setting in
            let range = setting.range.map { "\($0.lowerBound) to \($0.upperBound), " } ?? ""
            text += """

                  \(setting.flag) \(setting.placeholder)  (\(setting.variable))
                      \(setting.help) [\(range)default \(setting.standard)]
                """
        } + "\n\n  --help\n      this text\n"
    }

    private init(_ given: Given, isDirectory: (String) -> Bool) throws(ConfigurationError) {
        if let value = try given.number(.port) { port = value }
        if let value = try given.checked(.host, as: "a host name or an address", by: Self.host) {
            host = value
        }
        if let value = try given.number(.loops) { loops = value }
        if let value = try given.checked(
            .corsOrigin,
            as: "*, or origins like https://chat.example:8443 with commas between, or empty",
            by: AllowedOrigins.init
        ) {
            allowedOrigins = value
        }
        if let value = try given.checked(
            .logLevel,
            as: "error, warning, info or debug",
            by: { LogLevel(rawValue: $0) }
        ) {
            logLevel = value
        }
        let directory = { (path: String) in isDirectory(path) ? path : nil }
        clientDirectory = try given.checked(.clientDirectory, as: "a directory", by: directory)
        pageDirectory = try given.checked(.pageDirectory, as: "a directory", by: directory)
        if let value = try given.number(.maxPayload) { maxPayloadBytes = value }
        if let value = try given.number(.pingInterval) { pingInterval = .milliseconds(value) }
        if let value = try given.number(.pingTimeout) { pingTimeout = .milliseconds(value) }
        if let value = try given.number(.maxRoomName) { limits.maxRoomNameBytes = value }
        if let value = try given.number(.maxMessage) { limits.maxMessageBytes = value }
        if let value = try given.number(.maxRooms) { limits.maxRoomsPerSocket = value }
        if let value = try given.number(.drainTime) { drainTime = .seconds(value) }
        if let value = try given.number(.shutdownTimeout) { shutdownTimeout = .seconds(value) }
        if let value = try given.number(.trustProxy, words: ["false": 0, "true": 1]) {
            trustedProxyHops = value
        }
        if let value = try given.checked(
            .replicaName,
            as: "1 to 64 letters, digits, dots, dashes or underscores",
            by: ReplicaAddress.name
        ) {
            replicaName = value
        }
        if let value = try given.checked(
            .replicas,
            as: "a list like app-1:3000,app-2:3001, up to 32, each name once, or empty",
            by: ReplicaAddress.list
        ) {
            replicas = value
        }
        redis = try Self.redis(given)
    }

    /// The Redis that is asked for; what else is said about it is checked in any case.
    private static func redis(_ given: Given) throws(ConfigurationError) -> RedisChoice? {
        // What is wrong with a URL is for Redis to say, without its password.
        let url = given.text(.redisURL) ?? ""
        var choice = RedisChoice(url: url)
        if let value = try given.checked(
            .redisPrefix,
            as: "1 to 200 visible ASCII characters",
            by: { text in
                let isVisible = text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
                return isVisible && (1...200).contains(text.utf8.count) ? text : nil
            }
        ) {
            choice.prefix = value
        }
        if let value = try given.checked(
            .redisAdapter,
            as: "pubsub or sharded",
            by: { RedisChoice.Kind(rawValue: $0) }
        ) {
            choice.kind = value
        }
        return url.isEmpty ? nil : choice
    }

    /// `text`, if it may be a host name, an IPv4 or an IPv6 address.
    private static func host(_ text: String) -> String? {
        let mayBeHost = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "%"):
                true
            default: false
            }
        }
        return mayBeHost && (1...253).contains(text.utf8.count) ? text : nil
    }
}

/// The settings that somebody gave, as text, and where.
private struct Given {
    private struct Value {
        let source: String
        let text: String
    }

    private var values: [Setting: Value] = [:]
    private(set) var asksForHelp = false

    /// Takes flags: `--port 80` or `--port=80`.
    init(arguments: some Sequence<String>) throws(ConfigurationError) {
        var rest = arguments.makeIterator()
        while let argument = rest.next() {
            if argument == "--help" || argument == "-h" {
                asksForHelp = true
                continue
            }
            guard argument.hasPrefix("-") else { throw .unexpectedArgument(argument) }
            let parts = argument.split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            let flag = String(parts[0])
            guard flag.hasPrefix("--"), let setting = Setting(rawValue: String(flag.dropFirst(2)))
            else { throw .unknownFlag(flag) }
            let inline = parts.count == 2 ? String(parts[1]) : nil
            guard let text = inline ?? rest.next(), inline != nil || !text.hasPrefix("--") else {
                throw .missingValue(flag: flag)
            }
            values[setting] = Value(source: flag, text: text)
        }
    }

    /// Takes from the environment what no flag gave.
    mutating func fill(from environment: [String: String]) {
        for setting in Setting.allCases where values[setting] == nil {
            guard let text = environment[setting.variable], !text.isEmpty else { continue }
            values[setting] = Value(source: setting.variable, text: text)
        }
    }

    /// The text given for `setting`, or nil if nobody gave one.
    func text(_ setting: Setting) -> String? {
        values[setting]?.text
    }

    /// The number given for `setting`, or nil if nobody gave one; some `words` may stand for one.
    func number(
        _ setting: Setting,
        words: [String: Int] = [:]
    ) throws(ConfigurationError) -> Int? {
        guard let value = values[setting] else { return nil }
        if let number = words[value.text] { return number }
        guard let range = setting.range else {
            preconditionFailure("\(setting) is not a number")
        }
        guard let number = Int(value.text), range.contains(number), value.text.first != "+" else {
            throw .notInRange(source: value.source, value: value.text, range: range)
        }
        return number
    }

    /// What `read` makes of the text given for `setting`, or nil if nobody gave one.
    func checked<Result>(
        _ setting: Setting,
        as expected: String,
        by read: (String) -> Result?
    ) throws(ConfigurationError) -> Result? {
        guard let value = values[setting] else { return nil }
        guard let result = read(value.text) else {
            throw .notAllowed(source: value.source, value: value.text, expected: expected)
        }
        return result
    }
}
