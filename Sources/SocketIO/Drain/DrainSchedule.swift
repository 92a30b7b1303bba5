/// How many clients leave in each slice of a drain; times in nanoseconds.
struct DrainSchedule {
    /// How many slices there are at most.
    private static let slices: UInt64 = 100
    /// Shorter ones would be no shorter on a wheel with ticks of 10 ms.
    private static let shortestInterval: UInt64 = 20_000_000

    /// The time between two slices; the first comes after one of them.
    let interval: UInt64
    private let end: UInt64

    /// A drain that begins at `start` and takes `length`.
    init(start: UInt64, length: UInt64) {
        let (end, isOver) = start.addingReportingOverflow(length)
        self.end = isOver ? .max : end
        interval = max(length / Self.slices, Self.shortestInterval)
    }

    /// How many of the `count` that are left leave in the slice at `now`: as many as in each of
    /// those that follow, everybody at the end.
    ///
    /// Slices that come late, or not at all, are made up for by those that come.
    func share(of count: Int, at now: UInt64) -> Int {
        let following = now < end ? (end - now) / interval : 0
        guard following > 0, following < UInt64(Int.max) else { return following == 0 ? count : 1 }
        let slices = Int(following) + 1
        return count / slices + (count % slices > 0 ? 1 : 0)
    }

    /// Whether the time is over.
    func isOver(at now: UInt64) -> Bool { now >= end }

    /// How long after `now` the next slice comes.
    func pause(at now: UInt64) -> UInt64 {
        min(interval, now < end ? end - now : 0)
    }
}
