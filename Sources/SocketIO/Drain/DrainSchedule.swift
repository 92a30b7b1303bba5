/// How many clients leave in each slice of one loop's drain; times in nanoseconds.
///
/// There are as many slices as clients, a hundred at most, in even steps over the whole time. The
/// loops' slices alternate, so that few clients on many loops are spread too; each begins and ends
/// with a part of a step, so a single client leaves half way.
struct DrainSchedule {
    /// How many slices there are at most.
    private static let mostSlices: UInt64 = 100
    /// Shorter steps would be no shorter on a wheel with ticks of 10 ms.
    private static let shortestInterval: UInt64 = 20_000_000

    /// The time between two slices.
    let interval: UInt64
    /// How many slices there are.
    private let slices: UInt64
    /// When the first one is.
    private let first: UInt64
    private let end: UInt64

    /// The drain of `count` clients on one of `loops` that begins at `start` and takes `length`.
    init(start: UInt64, length: UInt64, count: Int, loop: Int = 0, of loops: Int = 1) {
        let wanted = min(UInt64(max(count, 1)), Self.mostSlices)
        interval = max(length / wanted, Self.shortestInterval)
        slices = max(length / interval, 1)
        let halves = 2 * UInt64(max(loops, 1))
        let offset = interval / halves * (2 * UInt64(max(loop, 0)) + 1)
        first = Self.sum(start, offset)
        end = Self.sum(start, length)
    }

    private static func sum(_ time: UInt64, _ duration: UInt64) -> UInt64 {
        let (sum, isOver) = time.addingReportingOverflow(duration)
        return isOver ? .max : sum
    }

    /// How many slices there have been, that at `now` included.
    private func begun(at now: UInt64) -> UInt64 {
        now < first ? 0 : (now - first) / interval + 1
    }

    /// How many of the `count` that are left leave in the slice at `now`: as many as in each of
    /// those that follow, everybody in the last.
    ///
    /// Slices that come late, or not at all, are made up for by those that come.
    func share(of count: Int, at now: UInt64) -> Int {
        let begun = begun(at: now)
        guard now < end, begun < slices else { return count }
        // At most a hundred and one.
        let left = Int(slices - begun) + 1
        return count / left + (count % left > 0 ? 1 : 0)
    }

    /// Whether the time is over.
    func isOver(at now: UInt64) -> Bool { now >= end }

    /// How long after `now` the next slice comes, or the end.
    func pause(at now: UInt64) -> UInt64 {
        let begun = begun(at: now)
        guard begun < slices else { return timeLeft(at: now) }
        let pause = begun == 0 ? first - now : interval - (now - first) % interval
        return min(pause, timeLeft(at: now))
    }

    /// How much of the time is left.
    func timeLeft(at now: UInt64) -> UInt64 { now < end ? end - now : 0 }
}
