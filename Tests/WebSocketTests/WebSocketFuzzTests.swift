import Support
import Testing

@testable import WebSocket

@Suite("Fuzzing of WebSocket frames")
struct WebSocketFuzzTests {
    @Test("mutated and spliced examples are read alike in all pieces", arguments: 0..<4)
    func mutations(seed: Int) {
        var generator = SplitMix64(seed: UInt64(seed))
        let examples = Example.all.map(\.wire)
        for _ in 0..<1500 {
            var input: [UInt8] = []
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                input += examples.randomElement(using: &generator) ?? []
            }
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let place = Int.random(in: 0..<input.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: input[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: input.insert(.random(in: 0...255, using: &generator), at: place)
                default: if input.count > 1 { input.remove(at: place) }
                }
            }
            #expect(WebSocketFuzz.run(input), "\(input)")
        }
    }

    @Test("random bytes are read alike in all pieces")
    func randomBytes() {
        var generator = SplitMix64(seed: 99)
        for _ in 0..<2000 {
            let count = Int.random(in: 0...40, using: &generator)
            let input = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(WebSocketFuzz.run(input), "\(input)")
        }
    }
}
