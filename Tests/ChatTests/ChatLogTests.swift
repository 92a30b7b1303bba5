import Glibc
import Testing

@testable import Chat

@Suite("Log: one honest line per event")
struct ChatLogTests {
    @Test(
        "what could forge, move or hide text is escaped",
        arguments: [
            ("plain", #""plain""#),
            ("Łódź 你好 🙂", #""Łódź 你好 🙂""#),
            ("a\nb\rc\td", #""a\nb\rc\td""#),
            (#"x" room="y"#, #""x\" room=\"y""#),
            (#"\n"#, #""\\n""#),
            ("\u{1b}[2J\u{0}\u{7f}", #""\u{1b}[2J\u{0}\u{7f}""#),
            ("\u{85}\u{9b}\u{2028}\u{2029}", #""\u{85}\u{9b}\u{2028}\u{2029}""#),
            ("\u{202e}txt\u{2066}\u{200b}", #""\u{202e}txt\u{2066}\u{200b}""#),
        ]
    )
    func escapes(_ text: String, _ quoted: String) {
        #expect(OneLine.quoted(text) == quoted)
    }

    @Test("a value is cut at the limit, never inside a character or an escape")
    func cuts() {
        #expect(OneLine.quoted("abcd", limitInBytes: 4) == #""abcd""#)
        #expect(OneLine.quoted("abcde", limitInBytes: 4) == #""abcd…""#)
        #expect(OneLine.quoted("abcé", limitInBytes: 4) == #""abc…""#)
        #expect(OneLine.quoted("abc\n", limitInBytes: 4) == #""abc…""#)
        #expect(OneLine.quoted("", limitInBytes: 0) == #""""#)
    }

    @Test("a line is time, level, event and fields in order")
    func line() {
        let line = ChatLog(level: .info).line(
            .info,
            "joined",
            ["who": .text("Ada\nroot"), "room": "general", "members": .number(2)],
            at: Timestamp(millisecondsSince1970: 1_795_249_800_250)
        )
        let expected =
            #"2026-11-21T08:30:00.250Z info joined who="Ada\nroot" room="general" members=2"#
        #expect(line == expected + "\n")
    }

    @Test(
        "ISO 8601: dates on both sides of leap days and of 1970",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        ]
    )
    func timestamps(_ milliseconds: Int64, _ text: String) {
        #expect(Timestamp(millisecondsSince1970: milliseconds).description == text)
    }

    @Test("a level lets itself and what is graver through", arguments: LogLevel.allCases)
    func levels(_ level: LogLevel) throws {
        let written = try collect { descriptor in
            let log = ChatLog(level: level, descriptor: descriptor)
            log.error("e")
            log.warning("w")
            log.info("i")
            log.debug("d")
        }
        let lines = written.split(separator: "\n").map { $0.split(separator: " ")[1] }
        let all: [Substring] = ["error", "warning", "info", "debug"]
        let count = 1 + (LogLevel.allCases.firstIndex(of: level) ?? 0)
        #expect(lines == Array(all[..<count]))
    }

    @Test("the fields of a line that is not written are not even made")
    func lazyFields() throws {
        let written = try collect { descriptor in
            let log = ChatLog(level: .error, descriptor: descriptor)
            log.debug("never", ["why": .text(trap())])
        }
        #expect(written.isEmpty)
    }

    @Test("lines written by many tasks at once do not mix")
    func wholeLines() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let log = ChatLog(level: .info, descriptor: ends[1])
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for _ in 0..<10 {
                        log.info("said", ["what": .text(String(repeating: "\(task)", count: 300))])
                    }
                }
            }
        }
        close(ends[1])
        let lines = drain(ends[0]).split(separator: "\n")
        #expect(lines.count == 80)
        #expect(lines.allSatisfy { Set($0.suffix(301).dropLast()).count == 1 })
    }

    private func trap() -> String { preconditionFailure("evaluated") }

    /// What `body` writes to a pipe; must be less than the pipe holds (64 KiB).
    private func collect(_ body: (Int32) -> Void) throws -> String {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        body(ends[1])
        close(ends[1])
        return drain(ends[0])
    }

    private func drain(_ descriptor: Int32) -> String {
        defer { close(descriptor) }
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &part, part.count)
            guard count > 0 else { return String(decoding: all, as: UTF8.self) }
            all.append(contentsOf: part[..<count])
        }
    }
}
