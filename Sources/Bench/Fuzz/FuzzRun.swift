import Glibc

/// What to fuzz, for how long, and from which seed.
struct FuzzOptions: Equatable {
    var targets = FuzzTarget.allCases
    /// How many inputs each target gets.
    var iterations = 100_000
    /// The longest a target may take; nil for no bound.
    var seconds: Int?
    var seed: UInt64 = 1
    /// The number of the first input.
    var first = 0
    /// Where each input is written before it is run.
    var dump: String?
}

/// Feeds the fuzz entry points of the core targets, one input after the other.
///
/// An input that takes a minute ends the process by SIGALRM: no parser may hang.
struct FuzzRun {
    /// How many inputs are run between two looks at the clock.
    private static let batch = 256
    private static let longestBatchInSeconds: UInt32 = 60

    private let options: FuzzOptions
    private let clock = ContinuousClock()

    /// A run that has not begun.
    init(_ options: FuzzOptions) {
        self.options = options
    }

    /// Runs the targets in their order; false as soon as one disagrees with itself.
    func run() -> Bool {
        let dump = options.dump.map { InputFile(path: $0) }
        for target in options.targets {
            guard run(target, dump) else { return false }
        }
        return true
    }

    private func run(_ target: FuzzTarget, _ dump: InputFile?) -> Bool {
        let start = clock.now
        let (examples, tokens) = (target.examples, target.tokens)
        var done = 0
        while done < options.iterations {
            if done % Self.batch == 0 {
                alarm(Self.longestBatchInSeconds)
                if let seconds = options.seconds, clock.now - start >= .seconds(seconds) { break }
            }
            let number = options.first &+ done
            var mutator = Mutator(seed: options.seed, number, examples, tokens)
            let input = mutator.makeInput()
            dump?.write(input)
            guard target.run(input) else {
                let place = "seed \(options.seed), iteration \(number)"
                print("\(target.rawValue): disagreement at \(place), input \(Self.hex(input))")
                return false
            }
            done += 1
        }
        alarm(0)
        let elapsed = clock.now - start
        print("\(target.rawValue): \(done) inputs of seed \(options.seed) agree, in \(elapsed)")
        // Whoever reads through a pipe is to see how far the run is.
        fflush(nil)
        return true
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
