import Synchronization

/// What happened in the server, kept for the tests to read over HTTP.
final class Journal: Sendable {
    private struct State {
        var reasons: [String: [String]] = [:]
        var rooms: [String: [String]] = [:]
        var errors: [HandlerFailure] = []
        var connections: [String: Int] = [:]
        var notes: [String] = []
    }

    /// A handler's error as the app's `onError` saw it.
    struct HandlerFailure: Encodable, Sendable {
        let event: String
        let error: String
    }

    /// Counters, by namespace.
    struct Counts: Encodable, Sendable {
        let connections: [String: Int]
    }

    private let state = Mutex(State())

    /// Notes that `socket` reports `reason`, in the phase `disconnecting` or `disconnect`.
    func left(_ socket: String, phase: String, reason: String, rooms: [String]) {
        state.withLock {
            $0.reasons[socket, default: []].append("\(phase):\(reason)")
            $0.rooms["\(socket):\(phase)"] = rooms
        }
    }

    /// Notes an error.
    func failed(event: String, error: String) {
        state.withLock { $0.errors.append(HandlerFailure(event: event, error: error)) }
    }

    /// Counts a connection.
    func connected(to namespace: String) {
        state.withLock { $0.connections[namespace, default: 0] += 1 }
    }

    /// Notes a line.
    func note(_ line: String) {
        state.withLock { $0.notes.append(line) }
    }

    /// The phases and reasons by socket id, in order.
    var reasons: [String: [String]] { state.withLock { $0.reasons } }
    /// The rooms that a socket had in each phase, by `id:phase`.
    var rooms: [String: [String]] { state.withLock { $0.rooms } }
    /// The errors so far.
    var errors: [HandlerFailure] { state.withLock { $0.errors } }
    /// The counters.
    var counts: Counts { state.withLock { Counts(connections: $0.connections) } }
    /// The lines, in order.
    var notes: [String] { state.withLock { $0.notes } }
}

/// Holds tasks back until a test opens it, so that no test depends on a duration.
actor Gate {
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// How many wait.
    var count: Int { waiting.count }

    /// Suspends until the next `open`.
    func wait() async {
        await withCheckedContinuation { waiting.append($0) }
    }

    /// Lets all go on that wait now.
    func open() {
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
