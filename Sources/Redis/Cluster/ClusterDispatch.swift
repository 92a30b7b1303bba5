import Bytes
import Loop

/// Sends commands to the masters of their slots and follows where they are sent on.
///
/// From any thread. A command is sent again only where a node has refused it, or it was never
/// sent: at most once, like a plain client's.
final class ClusterDispatch: Sendable {
    /// How often a command is sent on before its error is the answer.
    private static let longestChase = 5
    private static let asking = RedisCommand("ASKING").encoded()

    let routing: ClusterRouting
    private let loop: EventLoop
    private let core: LoopBound<ClusterCore>

    init(_ core: ClusterCore, _ routing: ClusterRouting, loop: EventLoop) {
        self.core = LoopBound(core, loop: loop)
        self.routing = routing
        self.loop = loop
    }

    /// Sends a command that is written already.
    ///
    /// One that is a message waits after an outage, see `RedisOptions.holdsMessagesAfterLoss`.
    func send(
        _ command: SharedBytes,
        slot: KeySlot,
        isMessage: Bool = false,
        attempt: Int = 0,
        _ completion: @escaping CommandCompletion
    ) {
        guard let route = routing.route(slot) else {
            loop.post { completion(.failure(.closed)) }
            return
        }
        let follow: CommandCompletion = { [self] result in
            guard attempt < Self.longestChase, let next = next(after: result, from: route.endpoint)
            else {
                completion(result)
                return
            }
            switch next {
            case .again:
                send(
                    command,
                    slot: slot,
                    isMessage: isMessage,
                    attempt: attempt + 1,
                    completion
                )
            case .ask(let client):
                ask(client, command, completion)
            }
        }
        if isMessage {
            route.client.publish(encoded: command, follow)
        } else {
            route.client.send(encoded: command, follow)
        }
    }

    /// Sends commands that leave together; only if none was executed, they are sent on.
    func send(
        _ commands: SharedBytes,
        count: Int,
        isTransaction: Bool,
        slot: KeySlot,
        attempt: Int = 0,
        _ completion: @escaping PipelineCompletion
    ) {
        guard let route = routing.route(slot) else {
            loop.post { completion(.failure(.closed)) }
            return
        }
        route.client.send(encoded: commands, count: count) { [self] result in
            let verdict = result.flatMap { Self.refusal($0, isTransaction: isTransaction) }
            guard attempt < Self.longestChase,
                let next = next(after: verdict, from: route.endpoint),
                case .again = next
            else {
                completion(result)
                return
            }
            send(
                commands,
                count: count,
                isTransaction: isTransaction,
                slot: slot,
                attempt: attempt + 1,
                completion
            )
        }
    }

    private enum Next {
        case again
        case ask(RedisClient)
    }

    /// On the loop: what to do with a result that is none yet; nil if it is one.
    private func next(
        after result: Result<RedisReply, RedisError>,
        from node: Endpoint
    ) -> Next? {
        switch result {
        case .failure(.replied(let line)):
            switch Redirect(line, from: node) {
            case .moved(let slot, let endpoint):
                core.value.slotMoved(slot, to: endpoint)
                return .again
            case .ask(_, let endpoint):
                return core.value.client(at: endpoint).map { .ask($0) }
            case nil:
                return nil
            }
        case .failure(.closed):
            // The node has left the cluster before the command left us.
            return .again
        case .success, .failure:
            return nil
        }
    }

    private func ask(
        _ client: RedisClient,
        _ command: SharedBytes,
        _ completion: @escaping CommandCompletion
    ) {
        var buffer = ByteBuffer(capacity: Self.asking.count + command.count)
        buffer.append(Self.asking)
        buffer.append(command)
        client.send(encoded: buffer.takeShared(), count: 2) { result in
            completion(
                result.flatMap { replies in
                    guard let reply = replies.last else {
                        return .failure(.unexpectedReply(.array(replies)))
                    }
                    if case .error(let line) = reply { return .failure(.replied(line)) }
                    return .success(reply)
                }
            )
        }
    }

    /// The first redirection of commands of which none was executed, as a failure.
    ///
    /// Of a transaction nothing was executed if `EXEC`, its last, is an error.
    private static func refusal(
        _ replies: [RedisReply],
        isTransaction: Bool
    ) -> Result<RedisReply, RedisError> {
        let errors = replies.compactMap { reply -> String? in
            if case .error(let line) = reply { line } else { nil }
        }
        let isRefused =
            if isTransaction, case .error = replies.last { true } else {
                errors.count == replies.count
            }
        guard isRefused, let line = errors.first(where: { $0.hasPrefix("MOVED ") }) else {
            return .success(.null)
        }
        return .failure(.replied(line))
    }
}
