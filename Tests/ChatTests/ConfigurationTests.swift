import Testing

@testable import Chat

@Suite("Configuration: flags and environment")
struct ConfigurationTests {
    /// A command line, an environment, and one setting they lead to.
    struct Example: CustomTestStringConvertible {
        let arguments: [String]
        let environment: [String: String]
        let holds: @Sendable (Configuration) -> Bool

        init(
            _ arguments: [String],
            _ environment: [String: String] = [:],
            holds: @escaping @Sendable (Configuration) -> Bool
        ) {
            self.arguments = arguments
            self.environment = environment
            self.holds = holds
        }

        var testDescription: String { "\(arguments) \(environment.sorted { $0.key < $1.key })" }
    }

    static let accepted: [Example] = [
        Example([]) { $0 == Configuration() },
        Example(["--port", "8080"]) { $0.port == 8080 },
        Example(["--port=0"]) { $0.port == 0 },
        Example(["--port", "65535"]) { $0.port == 65_535 },
        Example([], ["PORT": "80"]) { $0.port == 80 },
        Example(["--port", "81"], ["PORT": "80"]) { $0.port == 81 },
        Example(["--port", "81"], ["PORT": "nonsense"]) { $0.port == 81 },
        Example(["--port", "81", "--port", "82"]) { $0.port == 82 },
        Example([], ["PORT": "", "HOST": "", "LOG_LEVEL": ""]) { $0 == Configuration() },
        Example([], ["port": "1", "PATH": "/bin", "PORTS": "x"]) { $0 == Configuration() },
        Example(["--host", "::1"]) { $0.host == "::1" },
        Example([], ["HOST": "127.0.0.1"]) { $0.host == "127.0.0.1" },
        Example(["--host", "localhost"]) { $0.host == "localhost" },
        Example(["--loops", "4"]) { $0.loops == 4 },
        Example([], ["LOOPS": "0"]) { $0.loops == 0 },
        Example(["--cors-origin", "*"]) { $0.allowedOrigins == .any },
        Example(["--cors-origin", ""], ["CORS_ORIGIN": "*"]) { $0.allowedOrigins == .none },
        Example(["--cors-origin="]) { $0.allowedOrigins == .none },
        Example([], ["CORS_ORIGIN": "https://A.example, http://b.example:8080 ,http://[::1]:3"]) {
            $0.allowedOrigins
                == .list(["https://a.example", "http://b.example:8080", "http://[::1]:3"])
        },
        Example([], ["LOG_LEVEL": "debug"]) { $0.logLevel == .debug },
        Example(["--log-level", "error"]) { $0.logLevel == .error },
        Example(["--client-directory", "Demo/client"]) { $0.clientDirectory == "Demo/client" },
        Example([], ["PAGE_DIRECTORY": "Demo/page"]) { $0.pageDirectory == "Demo/page" },
        Example(["--page-directory=a=b"]) { $0.pageDirectory == "a=b" },
        Example(["--max-payload", "1"]) { $0.maxPayloadBytes == 1 },
        Example([], ["MAX_PAYLOAD": "1073741824"]) { $0.maxPayloadBytes == 1_073_741_824 },
        Example([], ["PING_INTERVAL": "300", "PING_TIMEOUT": "200"]) {
            $0.pingInterval == .milliseconds(300) && $0.pingTimeout == .milliseconds(200)
        },
        Example(["--max-room-name", "5"]) { $0.limits.maxRoomNameBytes == 5 },
        Example(["--max-message", "6"]) { $0.limits.maxMessageBytes == 6 },
        Example(["--max-rooms", "7"]) { $0.limits.maxRoomsPerSocket == 7 },
        Example([], ["SHUTDOWN_TIMEOUT": "0"]) { $0.shutdownTimeout == .zero },
        Example([], [:]) { $0.drainTime == .zero },
        Example([], ["DRAIN_TIME": "5"]) { $0.drainTime == .seconds(5) },
        Example(["--drain-time", "3600"], ["DRAIN_TIME": "5"]) { $0.drainTime == .seconds(3600) },
        Example(["--redis-url", "redis://u:p@h:1/2"]) {
            $0.redis == RedisChoice(url: "redis://u:p@h:1/2")
        },
        Example([], ["REDIS_URL": "redis://r", "REDIS_PREFIX": "a*b", "REDIS_ADAPTER": "sharded"]) {
            $0.redis?.prefix == "a*b" && $0.redis?.kind == .sharded
        },
        Example(["--redis-url="], ["REDIS_URL": "redis://r"]) { $0.redis == nil },
        Example([], ["REDIS_URL": "", "REDIS_ADAPTER": "pubsub"]) { $0.redis == nil },
        Example([], ["TRUST_PROXY": "true"]) { $0.trustedProxyHops == 1 },
        Example(["--trust-proxy=false"], ["TRUST_PROXY": "2"]) { $0.trustedProxyHops == 0 },
        Example(["--trust-proxy", "3"]) { $0.trustedProxyHops == 3 },
        Example([], ["REPLICA_NAME": "app-1"]) { $0.replicaName == "app-1" },
        Example([]) { !$0.replicaName.isEmpty && $0.replicas.isEmpty },
        Example([], ["REPLICAS": "app-1:3000, b.c_d:65535"]) {
            $0.replicas.map(\.name) == ["app-1", "b.c_d"]
                && $0.replicas.map(\.port) == [3000, 65_535]
        },
        Example(["--replicas="], ["REPLICAS": "a:1"]) { $0.replicas.isEmpty },
    ]

    @Test("a valid flag or variable takes effect and a flag beats a variable", arguments: accepted)
    func accepts(_ example: Example) throws {
        let request = try Configuration.request(
            arguments: example.arguments,
            environment: example.environment,
            isDirectory: { _ in true }
        )
        guard case .run(let configuration) = request else {
            Issue.record("asks for help")
            return
        }
        #expect(example.holds(configuration), "\(configuration)")
    }

    @Test(
        "a bad value is one line that names the source, the value and what is allowed",
        arguments: [
            (["--port", "x"], #"--port must be a whole number from 0 to 65535, not "x""#),
            (["--port", "65536"], #"--port must be a whole number from 0 to 65535, not "65536""#),
            (["--port", "-1"], #"--port must be a whole number from 0 to 65535, not "-1""#),
            (["--port", "+1"], #"--port must be a whole number from 0 to 65535, not "+1""#),
            (["--port="], #"--port must be a whole number from 0 to 65535, not """#),
            (["--loops", "1025"], #"--loops must be a whole number from 0 to 1024, not "1025""#),
            (
                ["--max-rooms", "99999999999999999999"],
                #"--max-rooms must be a whole number from 1 to 1000000, not "99999999999999999999""#
            ),
            (
                ["--ping-interval", "9"],
                #"--ping-interval must be a whole number from 10 to 86400000, not "9""#
            ),
            (
                ["--shutdown-timeout", "1.5"],
                #"--shutdown-timeout must be a whole number from 0 to 3600, not "1.5""#
            ),
            (["--host", ""], #"--host must be a host name or an address, not """#),
            (["--host", "a b"], #"--host must be a host name or an address, not "a b""#),
            (
                ["--log-level", "loud\nforged line"],
                #"--log-level must be error, warning, info or debug, not "loud\nforged line""#
            ),
            (
                ["--cors-origin", "*,https://a.example"],
                "--cors-origin must be *, or origins like https://chat.example:8443 with commas "
                    + #"between, or empty, not "*,https://a.example""#
            ),
            (
                ["--cors-origin", "https://a.example/"],
                "--cors-origin must be *, or origins like https://chat.example:8443 with commas "
                    + #"between, or empty, not "https://a.example/""#
            ),
            (
                ["--client-directory", "nowhere"],
                #"--client-directory must be a directory, not "nowhere""#
            ),
            (["--page-directory="], #"--page-directory must be a directory, not """#),
            (
                ["--trust-proxy", "yes"],
                #"--trust-proxy must be a whole number from 0 to 10, not "yes""#
            ),
            (
                ["--redis-adapter", "streams"],
                #"--redis-adapter must be pubsub or sharded, not "streams""#
            ),
            (
                ["--redis-prefix", "a b"],
                #"--redis-prefix must be 1 to 200 visible ASCII characters, not "a b""#
            ),
            (
                ["--replica-name", "a:b"],
                "--replica-name must be 1 to 64 letters, digits, dots, dashes or underscores, "
                    + #"not "a:b""#
            ),
            (["--port"], "--port needs a value; --help says which"),
            (["--port", "--host", "x"], "--port needs a value; --help says which"),
            (["--nope", "1"], #"unknown flag "--nope"; --help lists them all"#),
            (["--PORT=1"], #"unknown flag "--PORT"; --help lists them all"#),
            (["-p", "1"], #"unknown flag "-p"; --help lists them all"#),
            (["--"], #"unknown flag "--"; --help lists them all"#),
            (["3000"], #"unexpected argument "3000"; --help lists the flags"#),
            ([""], #"unexpected argument ""; --help lists the flags"#),
        ]
    )
    func refuses(_ arguments: [String], _ line: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.request(
                arguments: arguments,
                environment: [:],
                isDirectory: { _ in false }
            )
        }
        #expect(error?.description == line)
    }

    @Test(
        "a list of replicas that is none is refused as a whole",
        arguments: [
            "app-1", "app-1:", ":1", "app-1:0", "app-1:65536", "a:1,a:2", "a b:1", "a:+1",
            "a:1,é:2", (1...33).map { "a\($0):\($0)" }.joined(separator: ","),
        ]
    )
    func refusesReplicas(_ list: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.request(arguments: ["--replicas", list], environment: [:])
        }
        let line = "a list like app-1:3000,app-2:3001, up to 32, each name once, or empty"
        #expect(error?.description.contains(line) == true)
    }

    @Test("the line names the variable when the variable is wrong")
    func namesVariable() {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.request(arguments: [], environment: ["PING_TIMEOUT": "soon"])
        }
        let line = #"PING_TIMEOUT must be a whole number from 10 to 86400000, not "soon""#
        #expect(error?.description == line)
    }

    @Test("every number takes both ends of its range and nothing beyond")
    func rangeEnds() throws {
        for setting in Setting.allCases {
            guard let range = setting.range else { continue }
            for value in [range.lowerBound, range.upperBound] {
                _ = try Configuration.request(
                    arguments: [setting.flag, String(value)],
                    environment: [:]
                )
            }
            for value in [range.lowerBound - 1, range.upperBound + 1] {
                #expect(throws: ConfigurationError.self) {
                    try Configuration.request(
                        arguments: [],
                        environment: [setting.variable: String(value)]
                    )
                }
            }
        }
    }

    @Test("the help text names every flag and variable and its true default")
    func help() throws {
        for setting in Setting.allCases {
            #expect(Configuration.help.contains("\(setting.flag) "))
            #expect(Configuration.help.contains("(\(setting.variable))"))
            let hasPlainDefault: [Setting] = [.host, .logLevel, .redisPrefix, .redisAdapter]
            guard setting.range != nil || hasPlainDefault.contains(setting) else { continue }
            let request = try Configuration.request(
                arguments: [setting.flag, setting.standard],
                environment: [:]
            )
            #expect(request == .run(Configuration()), "\(setting)")
        }
        #expect(try Configuration.request(arguments: ["-h"], environment: [:]) == .help)
        #expect(
            try Configuration.request(arguments: ["--help"], environment: ["PORT": "x"]) == .help
        )
    }

    @Test("only a directory is one")
    func directories() {
        #expect(Configuration.isDirectory("/"))
        #expect(!Configuration.isDirectory("/dev/null"))
        #expect(!Configuration.isDirectory("/no/such/path"))
        #expect(!Configuration.isDirectory(""))
    }
}
