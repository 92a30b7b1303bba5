import Bytes
import Synchronization

/// Commands from any thread on their way to the client's loop, bounded together with those that
/// wait there.
final class Outbox: Sendable {
    /// What the sender has to do.
    struct Outcome {
        /// Nil if the command was taken.
        let refusal: RedisError?
        /// Whether the loop must be told to come for what there is.
        let mustWake: Bool
    }

    /// What waits on the loop, and how what comes next will fare.
    struct Held {
        /// For a connection, or for messages to be released.
        var waiting = 0
        /// Written, and not taken by the system.
        var unsent = 0
        var isConnected = false
        var holdsMessages = false
    }

    private struct State {
        var urgent: [Outgoing] = []
        var items: [Outgoing] = []
        /// Of `items` that would wait if the loop came now.
        var waitingCost = 0
        /// Of `items` that would leave.
        var flowingCost = 0
        /// As the loop last said.
        var held = Held()
        var isWakeUnderWay = false
        var isClosed = false
    }

    private let waitingLimit: Int
    private let unsentLimit: Int
    private let state = Mutex(State())

    /// An outbox with the bounds of `options`.
    init(_ options: RedisOptions) {
        waitingLimit = options.maxQueuedBytes
        unsentLimit = options.maxUnsentBytes
    }

    /// Adds a command, if there is room; an urgent one always, before all others.
    func put(_ item: Outgoing, isUrgent: Bool = false) -> Outcome {
        state.withLock { state in
            guard !state.isClosed else { return Outcome(refusal: .closed, mustWake: false) }
            // A full queue wakes the loop too, which then says anew how much it holds.
            let mustWake = !state.isWakeUnderWay
            state.isWakeUnderWay = true
            if isUrgent {
                state.urgent.append(item)
                return Outcome(refusal: nil, mustWake: mustWake)
            }
            let flows = state.held.isConnected && !(state.held.holdsMessages && item.isMessage)
            if let limit = flows ? refuseFlowing(item, state) : refuseWaiting(item, state) {
                return Outcome(refusal: .queueFull(limitInBytes: limit), mustWake: mustWake)
            }
            if flows { state.flowingCost += item.cost } else { state.waitingCost += item.cost }
            state.items.append(item)
            return Outcome(refusal: nil, mustWake: mustWake)
        }
    }

    /// The limit that `item` would break, or nil.
    private func refuseFlowing(_ item: Outgoing, _ state: borrowing State) -> Int? {
        let before = state.flowingCost + state.held.unsent
        return before == 0 || before + item.cost <= unsentLimit ? nil : unsentLimit
    }

    private func refuseWaiting(_ item: Outgoing, _ state: borrowing State) -> Int? {
        let before = state.waitingCost + state.held.waiting
        return before + item.cost <= waitingLimit ? nil : waitingLimit
    }

    /// Exchanges what there is for the empty `items`; on the loop, which holds it then.
    func take(into items: inout [Outgoing]) {
        state.withLock { state in
            swap(&state.items, &items)
            state.held.waiting += state.waitingCost
            state.held.unsent += state.flowingCost
            state.waitingCost = 0
            state.flowingCost = 0
            state.isWakeUnderWay = false
        }
    }

    /// Takes what is urgent; on the loop.
    func takeUrgent() -> [Outgoing] {
        state.withLock { state in
            if state.urgent.isEmpty { return [] }
            var taken: [Outgoing] = []
            swap(&taken, &state.urgent)
            return taken
        }
    }

    /// So it stands on the loop now; on the loop.
    func setHeld(_ held: Held) {
        state.withLock { $0.held = held }
    }

    /// Refuses everything from now on.
    func close() {
        state.withLock { $0.isClosed = true }
    }
}
