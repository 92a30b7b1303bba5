import Bytes
import Testing

@testable import Redis

@Suite("RESP2: replies")
struct ReplyParserTests {
    static let streams: [[UInt8]] = [
        "+OK\r\n", "-ERR no\r\n", ":42\r\n", ":-9223372036854775808\r\n", "$-1\r\n", "*-1\r\n",
        "$0\r\n\r\n", "$5\r\na\r\n\0b\r\n", "*0\r\n", "*2\r\n:1\r\n*2\r\n$1\r\na\r\n*1\r\n+b\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\nabc\r\n*3\r\n$7\r\nmessage\r\n$1\r\nd\r\n$1\r\nx\r\n",
        "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nc\r\n$1\r\nm\r\n+OK\r\n:1\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    ].map { Array($0.utf8) }

    private static func parse(
        _ bytes: [UInt8],
        by step: Int? = nil,
        limit: Int = 1 << 20,
        reuses: Bool = false
    ) throws(RedisFault) -> [RedisReply] {
        let parser = ReplyParser(limitInBytes: limit, reusesStrings: reuses)
        var replies: [RedisReply] = []
        let shared = SharedBytes(bytes)
        var offset = 0
        while offset < bytes.count {
            let end = min(offset + (step ?? bytes.count), bytes.count)
            let part = shared[offset..<end]
            try parser.feed(part.bytes) { reply in
                let copy = reply
                replies.append(copy)
                parser.recycle(reply)
                return true
            }
            offset = end
        }
        return replies
    }

    @Test("each kind is read")
    func kinds() throws {
        func bulk(_ text: String) -> RedisReply { .bulk(SharedBytes(text)) }
        let all = try Self.parse(Array(Self.streams.joined()))
        let pushes: [RedisReply] = [
            .array([bulk("message"), bulk("c"), bulk("abc")]),
            .array([bulk("message"), bulk("d"), bulk("x")]),
            .array([bulk("pmessage"), bulk("*"), bulk("c"), bulk("m")]),
        ]
        var nested = RedisReply.integer(1)
        for _ in 0..<7 { nested = .array([nested]) }
        let plain: [RedisReply] = [
            .status(SharedBytes("OK")), .error("ERR no"), .integer(42), .integer(.min), .null,
            .null,
            bulk(""), bulk("a\r\n\0b"), .array([]),
            .array([
                .integer(1), .array([bulk("a"), .array([.status(SharedBytes("b"))])]),
            ]),
        ]
        #expect(all == plain + pushes + [.status(SharedBytes("OK")), .integer(1), nested])
        #expect(try Self.parse(Array(Self.streams.joined()), by: 1) == all)
        #expect(try Self.parse(Array(Self.streams.joined()), reuses: true) == all)
    }

    @Test(
        "what is not RESP2 is a protocol violation",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n", "\r\n", ":x\r\n", "$-2\r\n", "*x\r\n",
            "$99999999999999999999\r\n",
            "%1\r\n+a\r\n+b\r\n", "~1\r\n+a\r\n", ",1.5\r\n", "#t\r\n", "(1\r\n", ">1\r\n+a\r\n",
            "=5\r\ntxt:a\r\n",
            "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ]
    )
    func garbage(_ text: String) {
        #expect(throws: RedisFault.self) { try Self.parse(Array(text.utf8)) }
        #expect(throws: RedisFault.self) { try Self.parse(Array(text.utf8), by: 1) }
    }

    /// What a large reply may be made of: its beginning and what then comes again and again.
    @Test(
        "a reply over the limit is refused while it comes, however it is built",
        arguments: [
            ("$100000\r\n", "x"), ("+", "x"), ("*1000000\r\n", ":1\r\n"),
            ("*1000000\r\n", "*0\r\n"), ("*1000000\r\n", "$-1\r\n"),
        ]
    )
    func tooLong(_ beginning: String, _ part: String) {
        let bytes = Array((beginning + String(repeating: part, count: 20_000)).utf8)
        let fault = RedisFault.replyTooLong(limitInBytes: 10_000)
        #expect(throws: fault) { try Self.parse(bytes, limit: 10_000) }
        #expect(throws: fault) { try Self.parse(bytes, by: 1_000, limit: 10_000) }
    }

    @Test("many replies together may be larger than one may be")
    func manyReplies() throws {
        let text = String(repeating: "$4\r\nabcd\r\n", count: 20_000)
        #expect(try Self.parse(Array(text.utf8), limit: 200).count == 20_000)
    }

    @Test("whoever takes a reply may end the reading")
    func ends() throws {
        let parser = ReplyParser(limitInBytes: 100)
        let bytes = SharedBytes(":1\r\n:2\r\n:3\r\n")
        var count = 0
        try parser.feed(bytes.bytes) { _ in
            count += 1
            return count < 2
        }
        #expect(count == 2)
    }
}

@Suite("RESP2: commands")
struct RedisCommandTests {
    @Test("arguments are written with their lengths, whatever they are")
    func encodes() {
        let command = RedisCommand("SET", "kü", SharedBytes([0, 13, 10]), -7, SharedBytes())
        let expected = "*5\r\n$3\r\nSET\r\n$3\r\nkü\r\n$3\r\n\0\r\n\r\n$2\r\n-7\r\n$0\r\n\r\n"
        #expect(command.encoded().text == expected)
        var buffer = ByteBuffer()
        command.encode(into: &buffer)
        buffer.append(RedisCommand.ping)
        #expect(buffer.takeShared().text == expected + "*1\r\n$4\r\nPING\r\n")
    }

    @Test("a message is written as hiredis writes it", arguments: [0, 1, 9, 10, 99, 100, 70_000])
    func publish(size: Int) {
        let channel = SharedBytes("socket.io#/#")
        let payload = SharedBytes([UInt8](repeating: 13, count: size))
        for (isSharded, name) in [(false, "PUBLISH"), (true, "SPUBLISH")] {
            let written = RedisCommand.publish(channel, payload, sharded: isSharded)
            #expect(written == RedisCommand(name, channel, payload).encoded())
        }
    }

    @Test("a script's digest is the SHA-1 of its source")
    func digest() {
        #expect(RedisScript("return 1").digest.text == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
    }
}
