import Support
import Testing

@testable import Redis

@Suite("Pauses between attempts")
struct BackoffTests {
    /// Draws the largest number, or the smallest.
    private struct Fixed: RandomNumberGenerator {
        let value: UInt64
        mutating func next() -> UInt64 { value }
    }

    @Test("the bound of a pause doubles up to the longest, and begins anew after a reset")
    func doubles() {
        var backoff = Backoff(from: .milliseconds(100), to: .seconds(3))
        var random = Fixed(value: .max)
        func pauses(_ count: Int) -> [Int] {
            (0..<count).map { _ in
                let pause = backoff.next(using: &random)
                return Int((pause / Duration.milliseconds(1)).rounded())
            }
        }
        #expect(pauses(8) == [100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000])
        backoff.reset()
        #expect(pauses(2) == [100, 200])
    }

    @Test("pauses are spread over all of the time up to the bound")
    func jitter() {
        var random = SplitMix64(seed: 3)
        let pauses = (0..<1_000).map { _ in
            var backoff = Backoff(from: .seconds(1), to: .seconds(1))
            return backoff.next(using: &random) / Duration.seconds(1)
        }
        for tenth in 0..<10 {
            let count = pauses.filter { Int($0 * 10) == tenth }.count
            #expect(count > 50 && count < 150)
        }
        #expect(pauses.allSatisfy { $0 >= 0 && $0 <= 1 })
    }

    @Test("absurd settings neither trap nor make pauses longer than the longest")
    func absurd() {
        var random = Fixed(value: .max)
        var backwards = Backoff(from: .seconds(10), to: .seconds(1))
        #expect(backwards.next(using: &random) <= .seconds(1))
        var none = Backoff(from: .zero, to: .seconds(-1))
        for _ in 0..<100 { #expect(none.next(using: &random) <= .milliseconds(1)) }
        var long = Backoff(from: .seconds(1), to: .seconds(1_000_000_000))
        for _ in 0..<100 { #expect(long.next(using: &random) <= .seconds(1_000_000_001)) }
    }
}

@Suite("Whether Redis is still there")
struct LivenessTests {
    private static func liveness() -> Liveness {
        Liveness(interval: .nanoseconds(50), timeout: .nanoseconds(20), now: 1_000)
    }

    @Test("after a silence it is asked, and without an answer it is dead")
    func dies() {
        var liveness = Self.liveness()
        #expect(liveness.check(now: 1_000, stuck: 0) == .wait(50))
        #expect(liveness.check(now: 1_049, stuck: 0) == .wait(1))
        #expect(liveness.check(now: 1_050, stuck: 0) == .ping(20))
        #expect(liveness.check(now: 1_060, stuck: 0) == .wait(10))
        #expect(liveness.check(now: 1_070, stuck: 0) == .dead)
    }

    @Test("whatever is heard, it lives")
    func lives() {
        var liveness = Self.liveness()
        liveness.heard(now: 1_040)
        #expect(liveness.check(now: 1_050, stuck: 0) == .wait(40))
        #expect(liveness.check(now: 1_090, stuck: 0) == .ping(20))
        liveness.heard(now: 1_100)
        #expect(liveness.check(now: 1_110, stuck: 0) == .wait(40))
    }

    @Test("a long patience does not make the questions rarer")
    func patient() {
        var liveness = Liveness(interval: .nanoseconds(5), timeout: .nanoseconds(100), now: 0)
        #expect(liveness.check(now: 5, stuck: 0) == .ping(5))
        liveness.heard(now: 6)
        #expect(liveness.check(now: 10, stuck: 0) == .wait(1))
        #expect(liveness.check(now: 11, stuck: 0) == .ping(5))
        #expect(liveness.check(now: 16, stuck: 0) == .wait(5))
        #expect(liveness.check(now: 110, stuck: 0) == .wait(1))
        #expect(liveness.check(now: 111, stuck: 0) == .dead)
    }

    @Test("while output goes out it lives, though it says nothing")
    func writes() {
        var liveness = Self.liveness()
        #expect(liveness.check(now: 1_050, stuck: 900) == .ping(20))
        #expect(liveness.check(now: 1_070, stuck: 800) == .wait(20))
        #expect(liveness.check(now: 1_090, stuck: 700) == .wait(20))
        #expect(liveness.check(now: 1_110, stuck: 700) == .dead)
    }
}
