import SocketIOProtocol
import Support
import Testing

@Suite("Token buckets")
struct TokenBucketTests {
    private static let second: UInt64 = 1_000_000_000
    /// Clocks do not begin at 0.
    private static let start: UInt64 = 1_000 * second

    /// How many of `count` wishes at `time` are granted.
    private func grants(
        _ bucket: inout TokenBucket,
        _ count: Int,
        _ rate: TokenRate,
        at time: UInt64
    ) -> Int {
        var granted = 0
        for _ in 0..<count where bucket.take(rate, at: time) == .taken { granted += 1 }
        return granted
    }

    @Test("a new bucket gives its burst, then what comes back in time, and no more than the burst")
    func refills() {
        let rate = TokenRate(perSecond: 10, burst: 5)
        var bucket = TokenBucket()
        #expect(grants(&bucket, 20, rate, at: Self.start) == 5)
        #expect(grants(&bucket, 20, rate, at: Self.start + Self.second / 10) == 1)
        #expect(grants(&bucket, 20, rate, at: Self.start + Self.second / 2) == 4)
        #expect(grants(&bucket, 20, rate, at: Self.start + 60 * Self.second) == 5)
    }

    @Test("what comes a thousand times in parts of a token comes as a whole")
    func parts() {
        let rate = TokenRate(perSecond: 3, burst: 1)
        var bucket = TokenBucket()
        var granted = 0
        // Ten seconds in steps of 10 ms.
        for step in 0...1000 {
            granted += grants(&bucket, 1, rate, at: Self.start + UInt64(step) * Self.second / 100)
        }
        // The first, and thirty: in steps of 10 ms a third of a second takes 340 ms.
        #expect((29...31).contains(granted))
    }

    @Test("a refusal says how many there were in a row, and how long to wait")
    func refusals() {
        let rate = TokenRate(perSecond: 2, burst: 1)
        var bucket = TokenBucket()
        #expect(bucket.take(rate, at: Self.start) == .taken)
        for excess in 1...3 {
            guard case .refused(excess, let wait?) = bucket.take(rate, at: Self.start) else {
                Issue.record("not refused for the \(excess). time")
                return
            }
            #expect(wait == Self.second / 2)
            // Exactly then there is one again; a copy, so that the next round is as this one.
            var later = bucket
            #expect(later.take(rate, at: Self.start + wait) == .taken)
        }
        #expect(bucket.take(rate, at: Self.start + Self.second) == .taken)
        guard case .refused(1, _) = bucket.take(rate, at: Self.start + Self.second) else {
            Issue.record("the row has not ended")
            return
        }
    }

    @Test("time that stands still or goes back gives nothing and takes nothing")
    func oddTimes() {
        let rate = TokenRate(perSecond: 1000, burst: 2)
        var bucket = TokenBucket()
        #expect(grants(&bucket, 9, rate, at: Self.start) == 2)
        #expect(grants(&bucket, 9, rate, at: Self.start) == 0)
        #expect(grants(&bucket, 9, rate, at: 0) == 0)
        #expect(grants(&bucket, 9, rate, at: Self.start - 1) == 0)
        #expect(grants(&bucket, 9, rate, at: Self.start + Self.second / 1000) == 1)
        #expect(grants(&bucket, 9, rate, at: .max) == 2)
        #expect(grants(&bucket, 9, rate, at: .max) == 0)
        #expect(grants(&bucket, 9, rate, at: Self.start) == 0)
    }

    @Test("a rate of 0 gives the burst once, and never says when more comes")
    func noRate() {
        let rate = TokenRate(perSecond: 0, burst: 3)
        var bucket = TokenBucket()
        #expect(grants(&bucket, 9, rate, at: Self.start) == 3)
        #expect(bucket.take(rate, at: .max) == .refused(excess: 7, wait: nil))
        #expect(bucket.usedShare(rate, at: .max) == 1)
    }

    @Test(
        "a burst below 1 lets nothing pass",
        arguments: [0, -1, -Double.infinity, Double.nan, 0.5]
    )
    func noBurst(_ burst: Double) {
        let rate = TokenRate(perSecond: 1000, burst: burst)
        var bucket = TokenBucket()
        #expect(bucket.take(rate, at: Self.start) == .refused(excess: 1, wait: nil))
        #expect(bucket.take(rate, at: .max) == .refused(excess: 2, wait: nil))
    }

    @Test(
        "huge and odd rates neither trap nor refuse",
        arguments: [1e15, 1e300, Double.greatestFiniteMagnitude, Double.infinity]
    )
    func huge(_ number: Double) {
        var bucket = TokenBucket()
        let rate = TokenRate(perSecond: number, burst: number)
        #expect(grants(&bucket, 1000, rate, at: Self.start) == 1000)
        #expect(bucket.takeOwing(.max, rate, at: Self.start) == .taken)
        #expect(bucket.takeOwing(.min, rate, at: .max) == .taken)
        #expect(bucket.take(rate, at: .max) == .taken)
    }

    @Test("no number is no rate")
    func notANumber() {
        var bucket = TokenBucket()
        let rate = TokenRate(perSecond: .nan, burst: 1)
        #expect(rate == TokenRate(perSecond: 0, burst: 1))
        #expect(grants(&bucket, 9, rate, at: Self.start) == 1)
        #expect(bucket.take(rate, at: .max) == .refused(excess: 9, wait: nil))
    }

    @Test("a burst too large for its parts to show comes back too, if not to the token")
    func largeBurst() {
        let burst = 1e15
        let rate = TokenRate(perSecond: 1e6, burst: burst)
        var bucket = TokenBucket()
        #expect(bucket.takeOwing(Int(burst), rate, at: Self.start) == .taken)
        // A tenth of a token in each step, which is less than the number can show.
        var granted = 0
        for step in 1...100_000 {
            granted += grants(&bucket, 1, rate, at: Self.start + UInt64(step) * 100)
        }
        #expect((10_000...20_000).contains(granted))
    }

    @Test("what is larger than the bucket passes once and is paid for")
    func owing() {
        let rate = TokenRate(perSecond: 100, burst: 10)
        var bucket = TokenBucket()
        #expect(bucket.takeOwing(510, rate, at: Self.start) == .taken)
        #expect(
            bucket.takeOwing(1, rate, at: Self.start)
                == .refused(excess: 1, wait: 5 * Self.second)
        )
        let later = Self.start + 5 * Self.second + 1
        #expect(bucket.takeOwing(1, rate, at: later) == .taken)
        #expect(bucket.takeOwing(0, rate, at: later + Self.second) == .taken)
    }

    @Test("what cannot be refused is owed")
    func unconditional() {
        let rate = TokenRate(perSecond: 10, burst: 5)
        var bucket = TokenBucket()
        bucket.owe(5, rate, at: Self.start)
        bucket.owe(10, rate, at: Self.start)
        #expect(grants(&bucket, 1, rate, at: Self.start + Self.second) == 0)
        #expect(grants(&bucket, 9, rate, at: Self.start + 2 * Self.second) == 5)
    }

    @Test("whatever is asked and whenever, no more passes than burst and rate allow")
    func random() {
        var random = SplitMix64(seed: 4711)
        for _ in 0..<200 {
            let rate = TokenRate(
                perSecond: Double(random.next() % 2000) / 10,
                burst: Double(random.next() % 50)
            )
            var bucket = TokenBucket()
            var now = Self.start
            var granted = 0
            for _ in 0..<500 {
                now += random.next() % (Self.second / 20)
                // Loops do not agree upon the time.
                let time = now - min(now, random.next() % 1_000_000)
                granted += grants(&bucket, Int(random.next() % 5), rate, at: time)
            }
            let seconds = Double(now - Self.start) / Double(Self.second)
            #expect(Double(granted) <= rate.burst + rate.perSecond * seconds + 1e-3)
        }
    }
}
