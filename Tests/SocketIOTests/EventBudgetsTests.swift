import SocketIOProtocol
import Testing

@testable import SocketIO

@Suite("Rate limits: what a client has used of them in its namespaces")
struct EventBudgetsTests {
    @Test("what was used in namespaces that were left is remembered, up to a bound")
    func budgets() {
        let rate = TokenRate(perSecond: 1, burst: 10)
        var budgets = EventBudgets(rate: rate, maxNamespaces: 2)
        var now: UInt64 = 1
        func use(_ name: String, _ count: Int) {
            let budget = budgets.budget(of: name, at: now)
            for _ in 0..<count { _ = budget.bucket.take(rate, at: now) }
        }
        func share(_ name: String) -> Double {
            budgets.budget(of: name, at: now).bucket.usedShare(rate, at: now)
        }
        use("/held", 9)
        let held = budgets.budget(of: "/held", at: now)
        // Used least, and next to least.
        use("/a", 1)
        use("/b", 2)
        for number in 0..<63 { use("/\(number)", 3) }
        #expect(budgets.count == 66)
        #expect(share("/a") == 0.1 && share("/b") == 0.2 && share("/0") == 0.3)
        use("/new", 5)
        #expect(budgets.count == 66)
        #expect(share("/b") == 0.2 && share("/0") == 0.3 && share("/new") == 0.5)
        // Eight seconds later all are full again but one, and that is in use.
        now += 8_000_000_000
        use("/last", 1)
        #expect(budgets.count == 2)
        #expect(budgets.budget(of: "/held", at: now) === held)
        #expect(share("/held") > 0.09)
        // In use, and full: it stays, as its socket goes on with it.
        now += 60_000_000_000
        for number in 0..<1000 { use("/\(number)", 1) }
        #expect(budgets.count == 66)
        #expect(budgets.budget(of: "/held", at: now) === held)
    }
}
