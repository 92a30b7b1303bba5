import Testing

@testable import Bench

@Suite("Fuzz inputs")
struct FuzzTests {
    @Test("an input follows from the seed and its number alone", arguments: FuzzTarget.allCases)
    func repeats(_ target: FuzzTarget) {
        func input(_ seed: UInt64, _ number: Int) -> [UInt8] {
            var mutator = Mutator(seed: seed, number, target.examples, target.tokens)
            return mutator.makeInput()
        }
        let first = (0..<50).map { input(1, $0) }
        #expect((0..<50).reversed().map { input(1, $0) } == first.reversed())
        #expect((0..<50).map { input(2, $0) } != first)
        #expect(Set(first).count > 25)
    }

    @Test("every target agrees with itself on its examples", arguments: FuzzTarget.allCases)
    func examples(_ target: FuzzTarget) {
        for example in target.examples { #expect(target.run(example), "\(example)") }
    }

    @Test("every target agrees with itself on some inputs", arguments: FuzzTarget.allCases)
    func inputs(_ target: FuzzTarget) {
        #expect(FuzzRun(FuzzOptions(targets: [target], iterations: 500)).run())
    }
}

@Suite("The command line of Bench")
struct BenchCommandTests {
    @Test("options set what they name")
    func options() throws {
        let line = "fuzz http --iterations 5 --seed 7 --seconds 2 --first 3 --dump x"
        let expected = FuzzOptions(
            targets: [.http],
            iterations: 5,
            seconds: 2,
            seed: 7,
            first: 3,
            dump: "x"
        )
        #expect(try command(line) == .fuzz(expected))
        #expect(try command("fuzz all") == .fuzz(FuzzOptions()))
        #expect(try command("fuzz json --replay y") == .replay(.json, path: "y"))
        #expect(try command("micro --json") == .micro(isJSON: true))
        #expect(try command("") == .help)
    }

    @Test("time alone bounds a run that has no number of inputs")
    func seconds() throws {
        let expected = FuzzOptions(targets: [.json], iterations: .max, seconds: 2)
        #expect(try command("fuzz json --seconds 2") == .fuzz(expected))
    }

    @Test(
        "what is unknown, missing or not a number is refused",
        arguments: [
            "frobnicate", "fuzz", "fuzz ftp", "fuzz all --iterations", "fuzz all --seed -1",
            "fuzz all --depth 3", "fuzz all --replay x", "micro --xml", "micro --json x",
        ]
    )
    func refused(_ line: String) {
        #expect(throws: UsageError.self) { try command(line) }
    }

    private func command(_ line: String) throws -> BenchCommand {
        try BenchCommand(arguments: line.split(separator: " ").map(String.init))
    }
}
