import Glibc
import Loop
import Redis
import Synchronization

/// A real `redis-server` of a test's own, on a Unix-domain socket, ended with the test.
///
/// A shell stands between: it ends the server when told so, or when the test process is gone.
final class RedisServer: Sendable {
    private struct Run {
        let shell: pid_t
        let server: pid_t
        let control: CInt
    }

    let directory: String
    private let arguments: [String]
    private let run: Mutex<Run?>

    /// Starts a server with further arguments, such as `--requirepass x`.
    ///
    /// - Throws: `SystemCallError`.
    convenience init(_ arguments: String...) throws {
        try self.init(arguments)
    }

    /// As above.
    ///
    /// - Throws: `SystemCallError`.
    init(_ arguments: [String]) throws {
        var template = Array("/tmp/redis-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SystemCallError(call: "mkdtemp", errno: errno)
        }
        directory = String(
            decoding: template.dropLast().map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
        self.arguments =
            ["--unixsocket", directory + "/socket", "--dir", directory, "--save", ""]
            + (arguments.contains("--port") ? [] : ["--port", "0"]) + arguments
        run = Mutex(try Self.start(self.arguments))
    }

    deinit {
        stop()
        for file in ["/socket", "/nodes.conf"] { unlink(directory + file) }
        rmdir(directory)
    }

    /// The server's socket.
    var address: RedisAddress { RedisAddress(endpoint: .unix(path: directory + "/socket")) }

    /// Options for tests: quick to notice and to try again.
    var options: RedisOptions { RedisOptions(testing: address) }

    /// Ends the server as a crash would.
    func stop() {
        guard let ended = run.withLock({ $0.take() }) else { return }
        var newline = UInt8(ascii: "\n")
        _ = write(ended.control, &newline, 1)
        close(ended.control)
        var status: CInt = 0
        waitpid(ended.shell, &status, 0)
    }

    /// Starts it again after `stop`, empty.
    ///
    /// - Throws: `SystemCallError`.
    func start() throws {
        let new = try Self.start(arguments)
        run.withLock { $0 = new }
    }

    /// Has it do nothing any more, as a machine that hangs.
    func freeze() {
        signal(SIGSTOP)
    }

    /// Ends that.
    func thaw() {
        signal(SIGCONT)
    }

    private func signal(_ number: CInt) {
        run.withLock { run in
            if let run { kill(run.server, number) }
        }
    }

    private static func start(_ arguments: [String]) throws -> Run {
        var input: [CInt] = [-1, -1]
        var output: [CInt] = [-1, -1]
        guard pipe(&input) == 0, pipe(&output) == 0 else {
            throw SystemCallError(call: "pipe", errno: errno)
        }
        for end in input + output { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The threads that run tests block signals, which the shell must hear of.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, CShort(POSIX_SPAWN_SETSIGMASK))
        let script = """
            sh -c 'echo $$; exec redis-server "$@" 2>&1' redis-test "$@" &
            exec >/dev/null
            read -r _
            kill -KILL $!
            wait
            """
        var words: [UnsafeMutablePointer<CChar>?] = []
        for word in ["sh", "-c", script, "redis-test"] + arguments { words.append(strdup(word)) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var shell = pid_t()
        let code = posix_spawn(&shell, "/bin/sh", &actions, &attributes, words, environ)
        close(input[0])
        close(output[1])
        defer { close(output[0]) }
        guard code == 0 else { throw SystemCallError(call: "posix_spawn", errno: code) }
        // The server's number first, then what it says until it is ready.
        var lines: [String] = []
        while lines.last?.contains("ready to accept connections") != true {
            guard let line = line(output[0]) else {
                close(input[1])
                let reason = lines.suffix(2).joined(separator: "; ")
                throw SystemCallError(call: "redis-server", errno: ECHILD, reason: reason)
            }
            lines.append(line)
        }
        guard let server = pid_t(lines[0]) else {
            throw SystemCallError(call: "redis-server", errno: ENOENT, reason: lines[0])
        }
        return Run(shell: shell, server: server, control: input[1])
    }

    /// The next line that comes from a descriptor; nil at its end.
    private static func line(_ number: CInt) -> String? {
        var text: [UInt8] = []
        var byte: UInt8 = 0
        while read(number, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: text, as: UTF8.self) }
            text.append(byte)
        }
        return nil
    }
}

extension RedisOptions {
    /// Options that retry quickly, and do not take a busy machine for a Redis that is silent.
    init(testing address: RedisAddress) {
        self.init(address: address)
        connectTimeout = .seconds(30)
        pingTimeout = .seconds(120)
        minBackoff = .milliseconds(10)
        maxBackoff = .milliseconds(100)
        maxQueuedTime = .seconds(240)
        closeTimeout = .seconds(120)
    }
}
