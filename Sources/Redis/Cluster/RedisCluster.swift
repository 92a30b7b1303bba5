package import Bytes
package import Loop

/// Talks to a Redis Cluster: each command goes to the master of its key's slot, from any thread.
///
/// Finds the masters by `CLUSTER SLOTS` from any node, follows `MOVED` and `ASK`, and looks anew
/// when nodes fail or slots move. Sharded channels are subscribed on the masters of their slots,
/// and again where those move. One connection per master, and one more for subscriptions.
package final class RedisCluster: Sendable {
    package typealias Kind = SubscriptionKind

    /// Where completions, handlers and `onChange` are called.
    package let loop: EventLoop

    private let core: LoopBound<ClusterCore>
    private let dispatch: ClusterDispatch
    private let board: StatusBoard

    /// A cluster's client that queues until `start`.
    ///
    /// - Parameters:
    ///   - options: As for a client, for each node; its address is the first node to ask, and names
    ///     the user and the password of all.
    ///   - seeds: Further nodes to ask.
    ///   - loop: Where the connections live.
    ///   - onChange: Called on the loop with each new state: `ready` when every slot has a master,
    ///     every connection is there and every subscription is confirmed.
    package init(
        options: RedisOptions,
        seeds: [Endpoint] = [],
        loop: EventLoop,
        onChange: @escaping @Sendable (RedisState) -> Void = { _ in }
    ) {
        self.loop = loop
        board = StatusBoard(onChange: onChange)
        let routing = ClusterRouting()
        let core = ClusterCore(
            [options.address.endpoint] + seeds,
            options,
            loop: loop,
            board: board,
            routing: routing
        )
        self.core = LoopBound(core, loop: loop)
        dispatch = ClusterDispatch(core, routing, loop: loop)
    }

    deinit {
        // Later: whoever lets go of it may be in the middle of something.
        core.post { $0.close() }
    }

    /// Begins to connect; from any thread, once.
    package func start() {
        core.run { $0.start() }
    }

    /// The state and the counters, for now; from any thread.
    package var status: RedisStatus { board.status }

    /// The masters that serve slots now, with the state and the counters of each one's client.
    package var masters: [(endpoint: Endpoint, status: RedisStatus)] {
        dispatch.routing.masters.map { ($0.endpoint, $0.client.status) }
    }

    /// Sends a command to the master of `key`'s slot; from any thread.
    ///
    /// - Parameters:
    ///   - command: What to send.
    ///   - key: A key of it; all its keys must have one slot (hash tags).
    ///   - completion: Called once on the loop, see `RedisClient`.
    package func send(
        _ command: RedisCommand,
        key: SharedBytes,
        _ completion: @escaping @Sendable (Result<RedisReply, RedisError>) -> Void
    ) {
        dispatch.send(command.encoded(), slot: KeySlot(of: key), completion)
    }

    /// Sends a command to the master of `key`'s slot and waits for its reply.
    ///
    /// - Throws: `RedisError`; an error line of Redis is `.replied`.
    package func send(
        _ command: RedisCommand,
        key: SharedBytes
    ) async throws(RedisError) -> RedisReply {
        try await withCheckedContinuation { waiter in
            send(command, key: key) { waiter.resume(returning: $0) }
        }.get()
    }

    /// Sends commands of one slot that leave together and waits for the reply of each.
    ///
    /// If none was executed, as the slot has moved, they are sent again. While a slot is on its
    /// way (`ASK`) its error lines stand among the replies.
    /// - Throws: `RedisError`; error lines of Redis are not thrown but stand among the replies.
    package func send(
        _ commands: [RedisCommand],
        key: SharedBytes
    ) async throws(RedisError) -> [RedisReply] {
        guard let first = commands.first else { return [] }
        var buffer = ByteBuffer()
        for command in commands { command.encode(into: &buffer) }
        let bytes = buffer.takeShared()
        let name = first.arguments[0]
        let isTransaction = name.bytes.isEqualIgnoringCase(to: "MULTI")
        return try await withCheckedContinuation { waiter in
            dispatch.send(
                bytes,
                count: commands.count,
                isTransaction: isTransaction,
                slot: KeySlot(of: key)
            ) { waiter.resume(returning: $0) }
        }.get()
    }

    /// Runs a script where its first key is, by its source where that node does not know it.
    ///
    /// - Throws: `RedisError`.
    package func run(
        _ script: RedisScript,
        keys: [SharedBytes],
        _ arguments: any RedisArgument...
    ) async throws(RedisError) -> RedisReply {
        let key = keys.first ?? SharedBytes()
        do throws(RedisError) {
            return try await send(script.evalsha(keys: keys, arguments), key: key)
        } catch {
            guard case .replied(let line) = error, line.hasPrefix("NOSCRIPT") else { throw error }
            return try await send(script.eval(keys: keys, arguments), key: key)
        }
    }

    /// Sends a command to every master and waits for the reply of each, such as
    /// `PUBSUB SHARDNUMSUB`, to be added up.
    ///
    /// - Parameters:
    ///   - command: What to send.
    ///   - timeout: For each reply; without a connection it is not waited for. Nil waits as long
    ///     as any command does.
    /// - Returns: One reply of each, in no order.
    /// - Throws: `RedisError`, the first one; `.notConnected` while the masters are not known.
    package func sendToMasters(
        _ command: RedisCommand,
        timeout: Duration? = nil
    ) async throws(RedisError) -> [RedisReply] {
        let masters = try dispatch.routing.allMasters()
        let results = await withTaskGroup(of: Result<RedisReply, RedisError>.self) { tasks in
            for master in masters {
                tasks.addTask {
                    do throws(RedisError) {
                        guard let timeout else {
                            return .success(try await master.client.send(command))
                        }
                        return .success(
                            try await master.client.send(command, timeout: timeout, isUrgent: true)
                        )
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var results: [Result<RedisReply, RedisError>] = []
            for await result in tasks { results.append(result) }
            return results
        }
        var replies: [RedisReply] = []
        for result in results { replies.append(try result.get()) }
        return replies
    }

    /// Publishes a message, at most once, and forgets it; from any thread.
    ///
    /// Through the master of the channel's slot, sharded or not, so one channel's messages keep
    /// their order while the slot stays where it is. Messages that are sent on, as at the start
    /// or when the slot has just moved, may be overtaken by later ones. One that cannot be sent is
    /// dropped and counted, see `RedisStatus`.
    package func publish(
        _ channel: SharedBytes,
        _ payload: SharedBytes,
        sharded: Bool = false
    ) {
        let bytes = RedisCommand.publish(channel, payload, sharded: sharded)
        dispatch.send(bytes, slot: KeySlot(of: channel), isMessage: true) { [board] result in
            switch result {
            case .success: board.countPublished()
            case .failure(.replied(let line)): board.countRefused(line)
            case .failure(.connectionLost): board.countUncertain(1)
            case .failure(let error): board.countDropped(bytes: bytes.count, error)
            }
        }
    }

    /// Messages dropped and refused so far; cheap enough to be asked often.
    package var lossCount: Int { board.lossCount }

    /// Sends the messages that are held, see `RedisOptions.holdsMessagesAfterLoss`.
    ///
    /// Held are those for a node whose connection was lost, and for nodes new since: these serve
    /// the slots of one that failed, and nobody may have subscribed there yet.
    package func releaseMessages() {
        core.run { $0.releaseMessages() }
    }

    /// Subscribes, now and wherever the slot moves; from any thread.
    ///
    /// As `RedisSubscriber`'s; a sharded channel on its slot's master, others on any node.
    package func subscribe(
        _ kind: Kind,
        _ name: SharedBytes,
        _ handler: @escaping @Sendable (_ channel: SharedBytes, _ payload: SharedBytes) -> Void,
        confirmed: (@Sendable () -> Void)? = nil
    ) {
        let key = SubscriptionKey(kind: kind, name: name)
        core.run { $0.subscribe(key, handler, confirmed: confirmed) }
    }

    /// Ends a subscription; its handler is not called any more once the loop knows.
    package func unsubscribe(_ kind: Kind, _ name: SharedBytes) {
        core.run { $0.unsubscribe(SubscriptionKey(kind: kind, name: name)) }
    }

    /// Closes for good; what is queued where there is a connection is still answered.
    ///
    /// From any thread. Returns when every node's client has ended, or after
    /// `RedisOptions.closeTimeout`.
    package func close() async {
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            core.run { core in core.close { waiter.resume() } }
        }
    }
}
