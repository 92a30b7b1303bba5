import Loop
import Support
import Testing

@testable import Redis

@Suite("The URL of a Redis server")
struct RedisAddressTests {
    struct Example: CustomTestStringConvertible {
        let url: String
        let address: RedisAddress

        init(
            _ url: String,
            _ endpoint: Endpoint,
            user: String? = nil,
            password: String? = nil,
            database: Int = 0
        ) {
            self.url = url
            address = RedisAddress(
                endpoint: endpoint,
                user: user,
                password: password,
                database: database
            )
        }

        var testDescription: String { url }
    }

    static let good = [
        Example("redis://h", .tcp(host: "h", port: 6379)),
        Example("REDIS://h:1", .tcp(host: "h", port: 1)),
        Example("redis://h:65535/", .tcp(host: "h", port: 65_535)),
        Example("redis://", .tcp(host: "localhost", port: 6379)),
        Example("redis://:7000/2", .tcp(host: "localhost", port: 7000), database: 2),
        Example("redis://h:", .tcp(host: "h", port: 6379)),
        Example("redis://10.0.0.1:6380/15", .tcp(host: "10.0.0.1", port: 6380), database: 15),
        Example("redis://h?db=3", .tcp(host: "h", port: 6379), database: 3),
        Example("redis://h/?db=3", .tcp(host: "h", port: 6379), database: 3),
        Example("redis://[::1]", .tcp(host: "::1", port: 6379)),
        Example("redis://[fe80::1%25eth0]:7/1", .tcp(host: "fe80::1%eth0", port: 7), database: 1),
        Example("redis://:pw@h", .tcp(host: "h", port: 6379), password: "pw"),
        Example(
            "redis://me:pw@h:1/4",
            .tcp(host: "h", port: 1),
            user: "me",
            password: "pw",
            database: 4
        ),
        Example("redis://me:@h", .tcp(host: "h", port: 6379), user: "me", password: ""),
        Example("redis://:@h", .tcp(host: "h", port: 6379)),
        Example("redis://@h", .tcp(host: "h", port: 6379)),
        Example("redis://:a:b@c@h", .tcp(host: "h", port: 6379), password: "a:b@c"),
        Example(
            "redis://%6De:p%40%2F%3a%25%C3%BC@h",
            .tcp(host: "h", port: 6379),
            user: "me",
            password: "p@/:%ü"
        ),
        Example("redis://:pü\u{301}@h", .tcp(host: "h", port: 6379), password: "pü\u{301}"),
        Example("unix:///run/redis.sock", .unix(path: "/run/redis.sock")),
        Example("unix:///run/a%20b?db=2", .unix(path: "/run/a b"), database: 2),
        Example("redis+unix:///s", .unix(path: "/s")),
        Example("unix://me:pw@/s?db=1", .unix(path: "/s"), user: "me", password: "pw", database: 1),
        Example("unix://:pw@/s", .unix(path: "/s"), password: "pw"),
    ]

    @Test("good ones are taken apart", arguments: good)
    func parses(_ example: Example) throws {
        #expect(try RedisAddress(url: example.url) == example.address)
    }

    @Test(
        "bad ones are refused for their reason",
        arguments: [
            ("", RedisURLError.notAScheme), ("localhost:6379", .notAScheme),
            ("http://h", .notAScheme), ("redis:/h", .notAScheme), ("://h", .notAScheme),
            ("rediss://h", .tlsIsNotBuiltIn), ("RedisS://:p@h", .tlsIsNotBuiltIn),
            ("redis://h:0", .badPort), ("redis://h:65536", .badPort), ("redis://h:x", .badPort),
            ("redis://h:-1", .badPort), ("redis://h:99999999999999999999", .badPort),
            ("redis://h:１", .badPort), ("redis://h/x", .badDatabase),
            ("redis://h/-1", .badDatabase), ("redis://h/1/2", .badDatabase),
            ("redis://h/99999999999", .badDatabase), ("redis://h/1?db=1", .badDatabase),
            ("redis://h?db=", .badDatabase), ("redis://h?timeout=1", .unknownParameter),
            ("redis://me@h", .userWithoutPassword), ("redis://:%zz@h", .badPercentEncoding),
            ("redis://:%4@h", .badPercentEncoding), ("redis://:%FF@h", .badPercentEncoding),
            ("redis://[::1", .badHost), ("redis://[::1]x", .badHost), ("redis://[h]", .badHost),
            ("redis://::1", .badPort), ("redis://a%3Ab", .badHost), ("redis://h%2Fx", .badHost),
            ("redis://hü", .badHost), ("redis://:p#w@h", .strayCharacter),
            ("redis://:p w@h", .strayCharacter), ("redis://h\n", .strayCharacter),
            ("unix://", .badSocketPath), ("unix:///", .badSocketPath),
            ("unix://run/redis.sock", .badSocketPath), ("unix:///a%00b", .badSocketPath),
            ("unix:///\(String(repeating: "a", count: 107))", .badSocketPath),
            ("unix:///s?x=1", .unknownParameter),
            ("redis://\(String(repeating: "a", count: 5000))", .tooLong),
        ]
    )
    func refuses(_ url: String, _ error: RedisURLError) {
        #expect(throws: error) { try RedisAddress(url: url) }
        #expect(!error.description.contains("\n"))
    }

    @Test("whatever is shown of an address, the password is not")
    func hidesPassword() throws {
        let address = try RedisAddress(url: "redis://user:hunter2@h:1/2")
        #expect("\(address)" == "redis://h:1/2")
        var dumped = ""
        dump(RedisOptions(address: address), to: &dumped)
        dump(address, to: &dumped)
        let texts = [dumped, String(reflecting: address), "\(RedisOptions(address: address))"]
        for text in texts { #expect(!text.contains("hunter2"), "\(text)") }
        let socket = RedisAddress(endpoint: .unix(path: "/s"), password: "hunter2", database: 3)
        #expect("\(socket)" == "unix:///s?db=3")
        #expect("\(try RedisAddress(url: "redis://[::1]:7"))" == "redis://[::1]:7")
    }

    @Test("no input makes URLs or replies trap or disagree")
    func fuzz() {
        let examples = Self.good.map { Array($0.url.utf8) } + ReplyParserTests.streams
        let alphabet = Array("redis:unx/@?#[]%25=0123456789db$*+-:_\r\n".utf8) + [0, 0xFF]
        var random = SplitMix64(seed: 7)
        for _ in 0..<20_000 {
            let example = examples.randomElement(using: &random) ?? []
            let input = random.mutated(example, alphabet: alphabet, others: examples)
            #expect(RedisFuzz.run(input), "\(input)")
        }
    }
}
