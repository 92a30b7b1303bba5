/// How long to wait before the next attempt: exponential, with full jitter.
///
/// Each pause is drawn evenly from zero up to a bound that doubles, so that the many clients of a
/// Redis that comes back do not arrive at once.
struct Backoff {
    private let shortest: Duration
    private let longest: Duration
    private var bound: Duration

    /// Pauses of up to `shortest` at first and never over `longest`.
    init(from shortest: Duration, to longest: Duration) {
        self.shortest = min(max(shortest, .milliseconds(1)), max(longest, .milliseconds(1)))
        self.longest = max(longest, .milliseconds(1))
        bound = self.shortest
    }

    /// The pause before the next attempt.
    mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        let pause = bound * Double.random(in: 0...1, using: &random)
        bound = min(bound * 2, longest)
        return pause
    }

    /// Begins anew: the last attempt has proved good.
    mutating func reset() {
        bound = shortest
    }
}
