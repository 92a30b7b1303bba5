import SocketIOProtocol

/// What the events of one client in one namespace have used of their rate limit.
///
/// Loop-owned: shared by the client, which remembers it, and its socket there.
final class EventBudget {
    /// The name of the namespace.
    let namespace: String
    var bucket = TokenBucket()

    /// A full one.
    init(namespace: String) {
        self.namespace = namespace
    }
}

/// The event budgets of one client, which outlive its sockets.
///
/// A client that leaves a namespace and joins it again finds what it has used there. Those that no
/// socket holds are forgotten only when there are too many: first those that are full again, which
/// is as good as none, then whichever has used least.
struct EventBudgets: ~Copyable {
    /// How many that no socket holds there is room for at least.
    private static var spare: Int { 64 }

    private let rate: TokenRate
    private let capacity: Int
    private var budgets: [EventBudget] = []

    /// None yet; the client may be in `maxNamespaces` at once.
    init(rate: TokenRate, maxNamespaces: Int) {
        self.rate = rate
        let (sum, isOver) = max(maxNamespaces, 0).addingReportingOverflow(Self.spare)
        capacity = isOver ? .max : sum
    }

    /// How many are remembered.
    var count: Int { budgets.count }

    /// The budget of a namespace: the one remembered, or a full one.
    mutating func budget(of namespace: String, at now: UInt64) -> EventBudget {
        for budget in budgets where budget.namespace == namespace { return budget }
        if budgets.count >= capacity { forget(at: now) }
        let budget = EventBudget(namespace: namespace)
        budgets.append(budget)
        return budget
    }

    private mutating func forget(at now: UInt64) {
        var least: (index: Int, share: Double)?
        for index in budgets.indices.reversed() where isKnownUniquelyReferenced(&budgets[index]) {
            let share = budgets[index].bucket.usedShare(rate, at: now)
            if share == 0 {
                // It takes the place of one that was looked at, whose index may be kept.
                budgets.remove(at: index)
                least = least.map { ($0.index - 1, $0.share) }
            } else if share < least?.share ?? .infinity {
                least = (index, share)
            }
        }
        if budgets.count >= capacity, let least { budgets.remove(at: least.index) }
    }
}
