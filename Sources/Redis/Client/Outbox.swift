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

    private struct State {
        var items: [Outgoing] = []
        var cost = 0
        /// What waits on the loop, as it last said.
        var held = 0
        var isWakeUnderWay = false
        var isClosed = false
    }

    private let limit: Int
    private let state = Mutex(State())

    /// An outbox that takes up to `limitInBytes` until the loop comes.
    init(limitInBytes: Int) {
        limit = limitInBytes
    }

    /// Adds a command, if there is room.
    func put(_ item: Outgoing) -> Outcome {
        state.withLock { state in
            guard !state.isClosed else { return Outcome(refusal: .closed, mustWake: false) }
            // A full queue wakes the loop too, which then says anew how much it holds.
            let mustWake = !state.isWakeUnderWay
            state.isWakeUnderWay = true
            guard state.cost + state.held + item.cost <= limit else {
                return Outcome(refusal: .queueFull(limitInBytes: limit), mustWake: mustWake)
            }
            state.cost += item.cost
            state.items.append(item)
            return Outcome(refusal: nil, mustWake: mustWake)
        }
    }

    /// Exchanges what there is for the empty `items`; on the loop, which holds it then.
    func take(into items: inout [Outgoing]) {
        state.withLock { state in
            swap(&state.items, &items)
            state.held += state.cost
            state.cost = 0
            state.isWakeUnderWay = false
        }
    }

    /// So much waits on the loop now; on the loop.
    func setHeld(_ count: Int) {
        state.withLock { $0.held = count }
    }

    /// Refuses everything from now on.
    func close() {
        state.withLock { $0.isClosed = true }
    }
}
