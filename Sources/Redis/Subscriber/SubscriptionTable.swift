import Bytes

/// What is subscribed, what Redis has confirmed of it, and what it is still to answer.
///
/// Redis answers commands in their order, each exactly once, so a list of what was sent tells what
/// an answer is for: also where the same name was left and taken again at once.
struct SubscriptionTable: ~Copyable {
    /// What the owner must do.
    enum Action {
        case nothing
        /// Call the handler.
        case deliver(Handler)
        /// Call whoever waited for a confirmation.
        case confirmed([@Sendable () -> Void])
        /// Redis does not take the subscription.
        case refused(SubscriptionKey, line: String)
        /// Redis has ended the subscription, as its channel's slot moved to another node.
        case kicked(SubscriptionKey)
        /// It is not an answer to what was sent.
        case violation
    }

    typealias Handler = @Sendable (_ channel: SharedBytes, _ payload: SharedBytes) -> Void

    private enum Progress: Equatable {
        case unsent
        /// Sent with this number.
        case asked(UInt64)
        case confirmed
        case refused
    }

    private struct Entry {
        var handler: Handler
        var waiters: [@Sendable () -> Void] = []
        var progress = Progress.unsent
    }

    private enum Expectation {
        case subscribed(SubscriptionKey, number: UInt64)
        case unsubscribed(SubscriptionKey)
        case pong
    }

    private var entries: [SubscriptionKey: Entry] = [:]
    private var expected = Ring<Expectation>()
    private var lastNumber: UInt64 = 0
    /// How many entries are not confirmed.
    private var openCount = 0

    /// Whether every subscription is confirmed.
    var isSettled: Bool { openCount == 0 }

    /// What is subscribed.
    var keys: [SubscriptionKey] { Array(entries.keys) }

    /// What Redis does not take.
    var refusedKeys: [SubscriptionKey] {
        entries.filter { $0.value.progress == .refused }.map(\.key)
    }

    /// Adds a subscription, or gives one another handler; true if it is to be sent.
    ///
    /// A waiter that need not wait is left in `waiter`.
    mutating func add(
        _ key: SubscriptionKey,
        _ handler: @escaping Handler,
        waiter: inout (@Sendable () -> Void)?
    ) -> Bool {
        let isNew = entries[key] == nil
        if isNew { openCount += 1 }
        var entry = entries[key] ?? Entry(handler: handler)
        entry.handler = handler
        if entry.progress != .confirmed, let added = waiter.take() { entry.waiters.append(added) }
        entries[key] = entry
        return isNew
    }

    /// Removes a subscription, and forgets who waited for it; whether Redis must hear of it.
    mutating func remove(_ key: SubscriptionKey) -> Bool {
        guard let entry = entries.removeValue(forKey: key) else { return false }
        if entry.progress != .confirmed { openCount -= 1 }
        switch entry.progress {
        case .asked, .confirmed: return true
        case .unsent, .refused: return false
        }
    }

    /// Whether the command for `key` is still to be sent.
    func mayAsk(_ key: SubscriptionKey) -> Bool {
        switch entries[key]?.progress {
        case .unsent, .refused: true
        case .asked, .confirmed, nil: false
        }
    }

    /// Removes everything; whoever waited.
    mutating func removeAll() -> [@Sendable () -> Void] {
        let waiters = entries.values.flatMap(\.waiters)
        entries = [:]
        openCount = 0
        disconnected()
        return waiters
    }

    /// Redis has forgotten everything.
    mutating func disconnected() {
        while expected.popFirst() != nil {}
        for key in entries.keys { entries[key]?.progress = .unsent }
        openCount = entries.count
    }

    /// The command for `key` is being sent.
    mutating func asked(_ key: SubscriptionKey) {
        lastNumber += 1
        entries[key]?.progress = .asked(lastNumber)
        expected.append(.subscribed(key, number: lastNumber))
    }

    /// The command to end `key` is being sent.
    mutating func askedToEnd(_ key: SubscriptionKey) {
        expected.append(.unsubscribed(key))
    }

    /// A PING has been sent.
    mutating func pinged() {
        expected.append(.pong)
    }

    /// Takes what Redis says.
    mutating func take(_ push: Push) -> Action {
        switch push {
        case .message(let key, _, _):
            // A message may be under way while its subscription ends.
            return entries[key].map { .deliver($0.handler) } ?? .nothing
        case .subscribed(let key):
            guard case .subscribed(key, let number) = expected.popFirst() else { return .violation }
            return confirm(key, number)
        case .unsubscribed(let key):
            if case .unsubscribed(key) = expected.first {
                _ = expected.popFirst()
                return .nothing
            }
            return key.kind == .shard ? kick(key) : .violation
        case .pong:
            guard case .pong = expected.popFirst() else { return .violation }
            return .nothing
        case .error(let line):
            switch expected.popFirst() {
            case .subscribed(let key, let number): return refuse(key, number, line)
            // There is nothing left to end.
            case .unsubscribed: return .nothing
            case .pong, nil: return .violation
            }
        }
    }

    private mutating func confirm(_ key: SubscriptionKey, _ number: UInt64) -> Action {
        // Otherwise it was left meanwhile, and perhaps taken again.
        guard let entry = entries[key], entry.progress == .asked(number) else { return .nothing }
        entries[key]?.progress = .confirmed
        entries[key]?.waiters = []
        openCount -= 1
        return .confirmed(entry.waiters)
    }

    private mutating func refuse(
        _ key: SubscriptionKey,
        _ number: UInt64,
        _ line: String
    ) -> Action {
        guard entries[key]?.progress == .asked(number) else { return .nothing }
        entries[key]?.progress = .refused
        return .refused(key, line: line)
    }

    private mutating func kick(_ key: SubscriptionKey) -> Action {
        // One that is asked for anew will be answered by itself.
        guard entries[key]?.progress == .confirmed else { return .nothing }
        entries[key]?.progress = .refused
        openCount += 1
        return .kicked(key)
    }
}
