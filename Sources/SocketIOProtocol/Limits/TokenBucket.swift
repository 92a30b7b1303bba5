/// How many tokens a ``TokenBucket`` gets and holds.
package struct TokenRate: Equatable, Sendable {
    /// Tokens per second; 0 gives none beyond the first `burst`.
    package let perSecond: Double
    /// The most tokens that a bucket holds.
    package let burst: Double

    /// A rate as given; what is negative or no number counts as 0.
    package init(perSecond: Double, burst: Double) {
        self.perSecond = perSecond > 0 ? perSecond : 0
        self.burst = burst > 0 ? burst : 0
    }
}

/// A token bucket, kept as what has been taken and not come back yet: all zero is a full one.
///
/// It reads no clock: the time is given in nanoseconds of any clock. A time before an earlier one
/// counts as that one. The rate is given with each call too, so a bucket has 24 bytes.
package struct TokenBucket: Sendable {
    /// The answer to the wish for tokens.
    package enum Verdict: Equatable, Sendable {
        case taken
        /// There were too few, and none was taken.
        ///
        /// `excess` is how many wishes in a row have had this answer; `wait` is in nanoseconds,
        /// nil where the tokens never come.
        case refused(excess: Int, wait: UInt64?)
    }

    /// What sums of rounded refills may be off by.
    private static let slack = 1e-6

    private var used = 0.0
    private var time: UInt64 = 0
    private var excess: UInt32 = 0

    /// A full bucket.
    package init() {}

    /// Takes one token, if there is one.
    package mutating func take(_ rate: TokenRate, at now: UInt64) -> Verdict {
        refill(rate, at: now)
        guard used + 1 <= rate.burst + Self.slack else {
            return refuse(rate, missing: used + 1 - rate.burst)
        }
        used += 1
        excess = 0
        return .taken
    }

    /// Takes `count` tokens if there is any: the bucket may then owe some.
    ///
    /// So what is larger than the bucket passes too, and the rate still holds in the long run.
    package mutating func takeOwing(
        _ count: Int,
        _ rate: TokenRate,
        at now: UInt64
    ) -> Verdict {
        refill(rate, at: now)
        guard used < rate.burst else { return refuse(rate, missing: used - rate.burst) }
        used += Double(max(count, 0))
        excess = 0
        return .taken
    }

    /// Takes `count` tokens whether there are any or not: the bucket may then owe some.
    package mutating func owe(_ count: Int, _ rate: TokenRate, at now: UInt64) {
        refill(rate, at: now)
        used += Double(max(count, 0))
    }

    /// How much of it has been taken, from 0; a full bucket holds nothing worth remembering.
    package func usedShare(_ rate: TokenRate, at now: UInt64) -> Double {
        var bucket = self
        bucket.refill(rate, at: now)
        guard bucket.used > Self.slack else { return 0 }
        return rate.burst > 0 ? bucket.used / rate.burst : 1
    }

    private mutating func refill(_ rate: TokenRate, at now: UInt64) {
        guard now > time else { return }
        let left = used - Double(now - time) * 1e-9 * rate.perSecond
        // Less than a number this large can show: leave the time until it has become visible.
        if left == used, used > 0, rate.perSecond > 0 { return }
        used = max(left, 0)
        time = now
    }

    private mutating func refuse(_ rate: TokenRate, missing: Double) -> Verdict {
        excess = excess == .max ? .max : excess + 1
        // A token that comes only in a bucket that holds one.
        guard rate.perSecond > 0, rate.burst + Self.slack >= 1 else {
            return .refused(excess: Int(excess), wait: nil)
        }
        let wait = max(missing, 0) / rate.perSecond * 1e9
        return .refused(
            excess: Int(excess),
            wait: wait < Double(UInt64.max / 2) ? UInt64(wait.rounded(.up)) : nil
        )
    }
}
