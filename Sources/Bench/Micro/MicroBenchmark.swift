/// An operation whose cost is measured.
struct MicroBenchmark: Sendable {
    /// The runs of which the fastest counts.
    private static let runs = 15
    private static let shortestRun = Duration.milliseconds(10)

    let name: String
    /// How many of the named operations one round does.
    let operationsPerRound: Int
    /// Does so many rounds; what it returns keeps the work from being optimised away.
    let rounds: @Sendable (Int) -> Int

    /// Names an operation and the loop that repeats it.
    init(_ name: String, operationsPerRound: Int = 1, rounds: @escaping @Sendable (Int) -> Int) {
        self.name = name
        self.operationsPerRound = operationsPerRound
        self.rounds = rounds
    }

    /// Finds how many rounds take 10 ms, then gives the best of 15 such runs.
    func nanosecondsPerOperation() -> Double {
        var count = 16
        while time(count) < Self.shortestRun { count *= 2 }
        let best = (0..<Self.runs).map { _ in time(count) }.min() ?? .zero
        let (seconds, attoseconds) = best.components
        let nanoseconds = Double(seconds) * 1e9 + Double(attoseconds) / 1e9
        return nanoseconds / Double(count * operationsPerRound)
    }

    private func time(_ count: Int) -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        let result = rounds(count)
        let elapsed = clock.now - start
        precondition(result != .min, "\(name) did nothing")
        return elapsed
    }
}
