import Synchronization
import Testing

@testable import SocketIO

/// Runs `body` with a started server on a free port, and shuts the server down.
func withServer(
    loops: Int = 1,
    options change: (inout ServerOptions) -> Void = { _ in },
    setUp: (Server) throws -> Void = { _ in },
    run body: (Server, Int) async throws -> Void
) async throws {
    var options = ServerOptions(port: 0)
    options.host = "127.0.0.1"
    options.loops = loops
    // Time enough for clients on a busy machine, and no ping among what they expect.
    options.pingInterval = .seconds(90)
    options.upgradeTimeout = .seconds(120)
    options.connectTimeout = .seconds(120)
    options.http.headTimeout = .seconds(120)
    change(&options)
    let server = try Server(options)
    try setUp(server)
    let port = try await server.start()
    do {
        try await body(server, port)
    } catch {
        await server.shutdown()
        throw error
    }
    await server.shutdown()
}

/// What happens on loops, in order, for a test to wait for.
final class Journal<Entry: Sendable>: Sendable {
    private struct State {
        var entries: [Entry] = []
        var waiters: [(count: Int, waiter: CheckedContinuation<[Entry], Never>)] = []
    }

    private let state = Mutex(State())

    var entries: [Entry] { state.withLock { $0.entries } }

    func add(_ entry: Entry) {
        let ready = state.withLock { state in
            state.entries.append(entry)
            let entries = state.entries
            let ready = state.waiters.filter { $0.count <= entries.count }
            state.waiters.removeAll { $0.count <= entries.count }
            return ready.map { ($0.waiter, entries) }
        }
        for (waiter, entries) in ready { waiter.resume(returning: entries) }
    }

    /// The entries as soon as there are `count`; the test's time limit is the deadline.
    func first(_ count: Int) async -> [Entry] {
        await withCheckedContinuation { waiter in
            let entries: [Entry]? = state.withLock { state in
                if state.entries.count >= count { return state.entries }
                state.waiters.append((count, waiter))
                return nil
            }
            if let entries { waiter.resume(returning: entries) }
        }
    }
}

/// What a `HandlerError` says, without its socket: kept by `onError`, that would keep the server.
struct Failure: Sendable {
    let socket: String
    let event: String?
    let error: any Error

    init(_ error: HandlerError) {
        socket = error.socket.id
        event = error.event
        self.error = error.error
    }
}

/// A gate that handlers and middlewares of a test wait at.
final class Gate: Sendable {
    private let event = OneShotEvent()

    func open() { event.signal() }
    func pass() async { await event.wait() }
}
