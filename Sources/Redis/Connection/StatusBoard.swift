import Synchronization

/// The status of a client as every thread may read it; the loop alone changes its state.
final class StatusBoard: Sendable {
    private struct Shown {
        var state = RedisState.connecting
        var since = ContinuousClock.now
        var lastError: String?
        var connections = 0
        var lastRefusal: (line: String, at: ContinuousClock.Instant)?
        var lastDrop: (reason: RedisError, at: ContinuousClock.Instant)?
    }

    private let shown = Mutex(Shown())
    private let onChange: @Sendable (RedisState) -> Void
    // Apart from the lock, as they change with each message.
    private let published = Atomic<Int>(0)
    private let missed = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)
    private let droppedMessages = Atomic<Int>(0)
    private let droppedBytes = Atomic<Int>(0)
    private let uncertain = Atomic<Int>(0)
    private let received = Atomic<Int>(0)

    init(onChange: @escaping @Sendable (RedisState) -> Void) {
        self.onChange = onChange
    }

    /// Everything, for now.
    var status: RedisStatus {
        let shown = shown.withLock { $0 }
        var status = RedisStatus(state: shown.state, since: shown.since)
        status.lastError = shown.lastError
        status.connections = shown.connections
        status.lastRefusal = shown.lastRefusal?.line
        status.lastRefusalAt = shown.lastRefusal?.at
        status.lastDropReason = shown.lastDrop.map { "\($0.reason)" }
        status.lastDropAt = shown.lastDrop?.at
        status.published = published.load(ordering: .relaxed)
        status.missedMessages = missed.load(ordering: .relaxed)
        status.refusedMessages = refused.load(ordering: .relaxed)
        status.droppedMessages = droppedMessages.load(ordering: .relaxed)
        status.droppedBytes = droppedBytes.load(ordering: .relaxed)
        status.uncertain = uncertain.load(ordering: .relaxed)
        status.received = received.load(ordering: .relaxed)
        return status
    }

    /// Messages dropped and refused so far.
    var lossCount: Int {
        droppedMessages.load(ordering: .relaxed) + refused.load(ordering: .relaxed)
    }

    /// Shows `state`, and tells it if it is another than before; on the loop.
    func show(_ state: RedisState) {
        let isNew = shown.withLock { shown in
            if case .reconnecting(let fault) = state { shown.lastError = "\(fault)" }
            guard shown.state != state, shown.state != .closed else { return false }
            shown.state = state
            shown.since = .now
            return true
        }
        if isNew { onChange(state) }
    }

    /// A connection has been made; on the loop.
    func countConnection() {
        shown.withLock { $0.connections += 1 }
    }

    /// A message that Redis has taken had fewer receivers than expected.
    func countMissed() {
        missed.wrappingAdd(1, ordering: .relaxed)
    }

    /// Redis has taken a message.
    func countPublished() {
        published.wrappingAdd(1, ordering: .relaxed)
    }

    /// Redis has answered a message with an error.
    func countRefused(_ line: String) {
        refused.wrappingAdd(1, ordering: .relaxed)
        shown.withLock { shown in
            shown.lastError = line
            shown.lastRefusal = (line, .now)
        }
    }

    /// A message is not sent.
    func countDropped(bytes: Int, _ reason: RedisError) {
        shown.withLock { $0.lastDrop = (reason, .now) }
        droppedMessages.wrappingAdd(1, ordering: .relaxed)
        droppedBytes.wrappingAdd(bytes, ordering: .relaxed)
    }

    /// So many messages and commands were under way when the connection was lost.
    func countUncertain(_ count: Int) {
        uncertain.wrappingAdd(count, ordering: .relaxed)
    }

    /// A subscriber has got a message.
    func countReceived() {
        received.wrappingAdd(1, ordering: .relaxed)
    }
}
