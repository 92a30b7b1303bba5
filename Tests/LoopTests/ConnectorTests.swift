import Bytes
import Glibc
import Testing

@testable import Loop

@Suite("Connecting")
struct ConnectorTests {
    /// Connects on a loop of its own and waits for the outcome.
    private static func connect(
        _ test: TestLoop,
        _ endpoint: Endpoint,
        timeout: Duration = .seconds(20)
    ) throws -> Result<LoopBound<Connection>, ConnectError> {
        let results = Inbox<Result<LoopBound<Connection>, ConnectError>>()
        let loop = test.loop
        try test.run {
            loop.connect(to: endpoint, timeout: timeout) { result in
                results.put(result.map { LoopBound($0, loop: loop) })
            }
            #expect(results.waiting.isEmpty)
        }
        return try results.next()
    }

    private static func failure(
        _ endpoint: Endpoint,
        timeout: Duration = .seconds(20)
    ) throws -> ConnectError? {
        let test = try TestLoop()
        switch try connect(test, endpoint, timeout: timeout) {
        case .success(let connection):
            connection.run { $0.close() }
            return nil
        case .failure(let error):
            return error
        }
    }

    @Test(
        "a connection to a listener carries bytes both ways",
        arguments: ["127.0.0.1", "localhost"]
    )
    func connects(host: String) throws {
        let test = try TestLoop()
        let address = try BoundAddress(host: "127.0.0.1", port: 0)
        let listener = try address.listen(backlog: 8)
        let bound = try Self.connect(test, .tcp(host: host, port: address.port)).get()
        try Self.expectEcho(test, bound, listener.number)
        #expect(try test.run { test.loop.openConnections } == 0)
    }

    @Test("a connection to a Unix-domain socket carries bytes both ways")
    func connectsUnix() throws {
        let test = try TestLoop()
        let listener = try UnixListener(backlog: 8)
        let bound = try Self.connect(test, .unix(path: listener.path)).get()
        try Self.expectEcho(test, bound, listener.number)
    }

    private static func expectEcho(
        _ test: TestLoop,
        _ bound: LoopBound<Connection>,
        _ listener: CInt
    ) throws {
        var item = pollfd(fd: listener, events: CShort(POLLIN), revents: 0)
        #expect(poll(&item, 1, CInt(deadlineInSeconds * 1000)) == 1)
        let peer = accept(listener, nil, nil)
        #expect(peer >= 0)
        defer { close(peer) }
        let events = Inbox<ConnectionEvent>()
        try test.run {
            try bound.value.start(Recorder(events, bound.value))
            bound.value.write(SharedBytes("ping"))
        }
        var bytes = [UInt8](repeating: 0, count: 4)
        #expect(recv(peer, &bytes, 4, CInt(MSG_WAITALL)) == 4)
        #expect(bytes == Array("ping".utf8))
        #expect(send(peer, &bytes, 4, CInt(MSG_NOSIGNAL)) == 4)
        try events.next { $0 == .received(bytes) }
        shutdown(peer, CInt(SHUT_RDWR))
        #expect(try events.next(until: { $0.isEnd }) == .ended(.peerClosed))
    }

    @Test("a port where nobody listens is refused")
    func refused() throws {
        let address = try BoundAddress(host: "127.0.0.1", port: 0)
        let endpoint = Endpoint.tcp(host: "127.0.0.1", port: address.port)
        let error = SystemCallError(call: "connect to \(endpoint)", errno: ECONNREFUSED)
        #expect(try Self.failure(endpoint) == .failed(error))
    }

    @Test("a path where nobody listens, and one that cannot be, are refused")
    func noPath() throws {
        func code(_ path: String) throws -> CInt? {
            guard case .failed(let error) = try Self.failure(.unix(path: path)) else { return nil }
            return error.errno
        }
        #expect(try code("/nowhere/at/all") == ENOENT)
        #expect(try code(String(repeating: "a", count: 108)) == ENAMETOOLONG)
        #expect(try code("") == EINVAL)
        #expect(try code("a\0b") == EINVAL)
    }

    @Test("a number that is no port is refused", arguments: [-1, 0, 65_536, .max, .min])
    func noPort(port: Int) throws {
        let error = SystemCallError(call: "port \(port)", errno: EINVAL)
        #expect(try Self.failure(.tcp(host: "127.0.0.1", port: port)) == .failed(error))
    }

    @Test(
        "a name that has no address says so",
        arguments: ["a..b", String(repeating: "a", count: 64)]
    )
    func noHost(host: String) throws {
        guard case .unresolvable(host, _) = try Self.failure(.tcp(host: host, port: 1)) else {
            Issue.record("\(host) was resolved")
            return
        }
    }

    @Test("names are resolved on a thread that is no loop's")
    func resolvesElsewhere() throws {
        let test = try TestLoop()
        let wasOnLoop = Inbox<Bool>()
        let loop = test.loop
        try test.run {
            Resolver.resolve(host: "localhost", port: 1) { _ in wasOnLoop.put(loop.isOnLoop) }
        }
        #expect(try !wasOnLoop.next())
    }

    @Test("a listener that takes nobody more is given up in time")
    func timesOut() throws {
        let address = try BoundAddress(host: "127.0.0.1", port: 0)
        let listener = try address.listen(backlog: 0)
        // Linux drops what comes once the backlog is full, as an overloaded machine does.
        let fillers = try (0..<4).map { _ in try Filler(port: address.port) }
        let time = Duration.milliseconds(100)
        let endpoint = Endpoint.tcp(host: "127.0.0.1", port: address.port)
        #expect(try Self.failure(endpoint, timeout: time) == .timedOut(after: time))
        withExtendedLifetime(fillers) {}
        _ = consume listener
    }

    @Test("a path with a full backlog is asked again until it takes us")
    func fullUnixBacklog() throws {
        let listener = try UnixListener(backlog: 0)
        let fillers = try (0..<4).map { _ in try Filler(path: listener.path) }
        let time = Duration.milliseconds(100)
        #expect(
            try Self.failure(.unix(path: listener.path), timeout: time) == .timedOut(after: time)
        )

        let test = try TestLoop()
        let results = Inbox<Bool>()
        try test.run {
            let endpoint = Endpoint.unix(path: listener.path)
            test.loop.connect(to: endpoint, timeout: .seconds(20)) { result in
                if case .success(let connection) = result { connection.close() }
                results.put((try? result.get()) != nil)
            }
        }
        for _ in fillers {
            var item = pollfd(fd: listener.number, events: CShort(POLLIN), revents: 0)
            guard poll(&item, 1, 0) == 1 else { continue }
            close(accept(listener.number, nil, nil))
        }
        #expect(try results.next())
    }

    @Test("one that is cancelled reports nothing")
    func cancels() throws {
        let test = try TestLoop()
        let listener = try UnixListener(backlog: 8)
        let results = Inbox<Bool>()
        try test.run {
            for endpoint in [Endpoint.unix(path: listener.path), .tcp(host: "localhost", port: 9)] {
                test.loop.connect(to: endpoint, timeout: .seconds(20)) { _ in
                    results.put(true)
                }.cancel()
            }
        }
        try test.turn()
        #expect(results.waiting.isEmpty)
    }

    // It waits without a thread: what a stopped loop still runs needs one of those that tests have.
    @Test(
        "when the loop stops meanwhile, the completion hears of it",
        .timeLimit(.minutes(5))
    )
    func loopEnds() async throws {
        let test = try TestLoop()
        let listener = try UnixListener(backlog: 0)
        let fillers = try (0..<4).map { _ in try Filler(path: listener.path) }
        let (results, heard) = AsyncStream<ConnectError?>.makeStream()
        var iterator = results.makeAsyncIterator()
        let loop = test.loop
        for _ in 0..<2 {
            // The second one begins when the loop has ended.
            loop.post {
                loop.connect(
                    to: .unix(path: listener.path),
                    timeout: .seconds(60)
                ) { result in
                    if case .failure(let error) = result { heard.yield(error) }
                }
            }
            test.group.stop()
            #expect(await iterator.next() == .loopEnded)
        }
        withExtendedLifetime(fillers) {}
    }
}

/// A listening Unix-domain socket in a directory of its own.
private final class UnixListener: Sendable {
    let path: String
    let number: CInt
    private let directory: String

    init(backlog: CInt) throws {
        var template = Array("/tmp/connector-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SystemCallError(call: "mkdtemp", errno: errno)
        }
        directory = String(
            decoding: template.dropLast().map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
        path = directory + "/socket"
        number = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let bound = try SocketAddress(path: path).withPointer { [number] in bind(number, $0, $1) }
        guard bound == 0, listen(number, backlog) == 0 else {
            throw SystemCallError(call: "bind", errno: errno)
        }
    }

    deinit {
        close(number)
        unlink(path)
        rmdir(directory)
    }
}

/// A connection that takes a place in a backlog, or waits for one.
private final class Filler: Sendable {
    private let number: CInt

    convenience init(port: Int) throws {
        let box = Inbox<[SocketAddress]>()
        Resolver.resolve(host: "127.0.0.1", port: port) { box.put((try? $0.get()) ?? []) }
        try self.init(box.next())
    }

    convenience init(path: String) throws {
        try self.init([SocketAddress(path: path)])
    }

    private init(_ addresses: [SocketAddress]) throws {
        let address = try #require(addresses.first)
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        number = socket(address.family, kind, 0)
        // Whether it is taken, waits or is sent away is the same to the test.
        _ = address.withPointer { [number] in connect(number, $0, $1) }
    }

    deinit {
        close(number)
    }
}
