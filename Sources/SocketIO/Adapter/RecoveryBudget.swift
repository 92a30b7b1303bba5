import Synchronization

/// What is kept for clients that come back: packets, their bytes, sessions, their bytes.
typealias RecoveryUsage = SIMD4<Int>

extension RecoveryOptions {
    /// The bounds of what all namespaces keep.
    var bounds: RecoveryUsage {
        let bounds = RecoveryUsage(maxPackets, maxPacketBytes, maxSessions, maxSessionBytes)
        return pointwiseMax(bounds, .zero)
    }
}

/// What the namespaces of one server keep together for clients that come back.
///
/// Clients can bring a server to have many namespaces: the bounds are of all. Of too much, whoever
/// has most forgets first, so that no namespace turns recovery off for the others. Usable from any
/// thread; its lock is taken inside those of the namespaces, never the other way round.
final class RecoveryBudget: Sendable {
    private struct Holder {
        weak var recovery: InMemoryRecovery?
        var usage = RecoveryUsage.zero
    }

    private struct State {
        var total = RecoveryUsage.zero
        var holders: [ObjectIdentifier: Holder] = [:]
    }

    private let state = Mutex(State())

    /// Counts `change` for a namespace, which it has made under its own lock.
    ///
    /// - Returns: What all have now.
    @discardableResult
    func count(_ change: RecoveryUsage, of recovery: InMemoryRecovery) -> RecoveryUsage {
        state.withLock { state in
            if change != .zero {
                state.total &+= change
                state.holders[ObjectIdentifier(recovery), default: Holder(recovery: recovery)]
                    .usage &+= change
            }
            return state.total
        }
    }

    /// Forgets a namespace that is going.
    func remove(_ recovery: InMemoryRecovery) {
        state.withLock { state in
            guard let holder = state.holders.removeValue(forKey: ObjectIdentifier(recovery))
            else { return }
            state.total &-= holder.usage
        }
    }

    /// Makes those who have most forget until all have no more than the bounds together.
    ///
    /// Called without any lock. More than is too much goes at once, a 64th of the bound, so that
    /// not every event has to look for the largest; but half of what one has at most.
    func relieve(_ bounds: RecoveryUsage) {
        while let (largest, kind, amount) = state.withLock({ Self.largest(of: $0, bounds) }) {
            largest.forget(amount, kind)
        }
    }

    private static func largest(
        of state: borrowing State,
        _ bounds: RecoveryUsage
    ) -> (InMemoryRecovery, kind: Int, amount: Int)? {
        guard let kind = bounds.indices.first(where: { state.total[$0] > bounds[$0] }),
            let largest = state.holders.values.max(by: { $0.usage[kind] < $1.usage[kind] }),
            // If it is going, that makes room.
            let recovery = largest.recovery
        else { return nil }
        let excess = state.total[kind] - bounds[kind]
        let amount = min(excess + bounds[kind] / 64, (largest.usage[kind] + 1) / 2)
        return (recovery, kind, amount)
    }
}
