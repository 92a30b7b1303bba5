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
    /// Called without any lock. A 64th of the bound more goes at once, so that not every event has
    /// to look for them.
    func relieve(_ bounds: RecoveryUsage) {
        for kind in bounds.indices {
            let shares = state.withLock { Self.shares(of: $0, kind, bound: bounds[kind]) }
            for (recovery, amount) in shares { recovery.forget(amount, kind) }
        }
    }

    /// How much each is to forget so that those who had most have the same.
    private static func shares(
        of state: borrowing State,
        _ kind: Int,
        bound: Int
    ) -> [(InMemoryRecovery, amount: Int)] {
        guard state.total[kind] > bound else { return [] }
        let excess = state.total[kind] - bound + bound / 64
        let holders = state.holders.values.sorted { $0.usage[kind] > $1.usage[kind] }
        var level = 0
        var sum = 0
        for (index, holder) in holders.enumerated() {
            sum += holder.usage[kind]
            let next = index + 1 < holders.count ? holders[index + 1].usage[kind] : 0
            if sum - (index + 1) * next >= excess {
                level = (sum - excess) / (index + 1)
                break
            }
        }
        return holders.prefix { $0.usage[kind] > level }.compactMap { holder in
            // If it is going, that makes room.
            holder.recovery.map { ($0, holder.usage[kind] - level) }
        }
    }
}
