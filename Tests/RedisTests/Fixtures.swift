import Bytes
import Loop

@testable import Redis

/// A client and its states on a loop of its own.
final class TestClient: Sendable {
    let client: RedisClient
    let states = Log<RedisState>()
    private let group: LoopGroup

    /// A client that is started unless told otherwise.
    ///
    /// - Throws: `SystemCallError`.
    init(_ options: RedisOptions, isStarted: Bool = true) throws {
        group = try LoopGroup(count: 1)
        let states = states
        client = RedisClient(options: options, loop: group.loops[0]) { states.put($0) }
        if isStarted { client.start() }
    }

    deinit {
        group.stop()
    }

    /// Sends one command of plain words.
    ///
    /// - Throws: `RedisError`.
    @discardableResult
    func send(_ words: String...) async throws(RedisError) -> RedisReply {
        try await client.send(RedisCommand(words[0], arguments: Array(words.dropFirst())))
    }

    /// Waits until it is ready.
    ///
    /// - Throws: `DeadlinePassed`.
    func ready() async throws {
        try await states.next { $0 == .ready }
    }

    /// Waits for the next reason to have no connection.
    ///
    /// - Throws: `DeadlinePassed`.
    func fault() async throws -> RedisFault? {
        let state = try await states.next { if case .reconnecting = $0 { true } else { false } }
        guard case .reconnecting(let fault) = state else { return nil }
        return fault
    }

    /// Asks again until the status is as wanted.
    ///
    /// - Throws: `DeadlinePassed`.
    func status(_ isWanted: (RedisStatus) -> Bool) async throws -> RedisStatus {
        let end = ContinuousClock.now + deadline
        while true {
            let status = client.status
            if isWanted(status) { return status }
            // Looked at first: a busy machine may come back here only after the deadline.
            guard ContinuousClock.now < end else { throw DeadlinePassed(seen: "\(status)") }
            await turn(client.loop)
        }
    }
}

/// A subscriber, its states and its messages on a loop of its own.
final class TestSubscriber: Sendable {
    struct Message: Equatable {
        let subscription: String
        let channel: String
        let payload: String
    }

    let subscriber: RedisSubscriber
    let states = Log<RedisState>()
    let messages = Log<Message>()
    let moved = Log<String>()
    private let group: LoopGroup

    /// A subscriber that is started unless told otherwise.
    ///
    /// - Throws: `SystemCallError`.
    init(_ options: RedisOptions, isStarted: Bool = true, hearsMoves: Bool = false) throws {
        group = try LoopGroup(count: 1)
        let (states, moved) = (states, moved)
        let onMoved: @Sendable (SubscriptionKind, SharedBytes, String?) -> Void = { _, name, line in
            moved.put("\(name.text) \(line ?? "-")")
        }
        subscriber = RedisSubscriber(
            options: options,
            loop: group.loops[0],
            onMoved: hearsMoves ? onMoved : nil,
            onChange: { states.put($0) }
        )
        if isStarted { subscriber.start() }
    }

    deinit {
        group.stop()
    }

    /// Subscribes and logs what comes, as that of `label`.
    func subscribe(
        _ kind: SubscriptionKind,
        _ name: String,
        as label: String? = nil,
        confirmed: (@Sendable () -> Void)? = nil
    ) {
        let (messages, label) = (messages, label ?? name)
        subscriber.subscribe(
            kind,
            SharedBytes(name),
            { channel, payload in
                messages.put(
                    Message(subscription: label, channel: channel.text, payload: payload.text)
                )
            },
            confirmed: confirmed
        )
    }

    /// Subscribes and waits until Redis has confirmed it.
    func subscribed(_ kind: SubscriptionKind, _ name: String, as label: String? = nil) async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            subscribe(kind, name, as: label) { done.resume() }
        }
    }

    /// Waits until it is ready.
    ///
    /// - Throws: `DeadlinePassed`.
    func ready() async throws {
        try await states.next { $0 == .ready }
    }
}

/// Waits until `loop` has begun another turn.
func turn(_ loop: EventLoop) async {
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
        loop.post { done.resume() }
    }
}
