import Support
import Testing

@testable import EngineIOProtocol

@Suite("Fuzzing of Engine.IO payloads")
struct EngineFuzzTests {
    @Test("mutated bodies are split without a trap and survive being written again")
    func mutations() {
        var generator = SplitMix64(seed: 42)
        for _ in 0..<5000 {
            var input: [UInt8] = []
            for index in 0..<Int.random(in: 1...3, using: &generator) {
                if index > 0 { input.append(0x1E) }
                input += PacketTests.bodies.randomElement(using: &generator)?.body ?? []
            }
            for _ in 0..<Int.random(in: 0...2, using: &generator) where !input.isEmpty {
                let place = Int.random(in: 0..<input.count, using: &generator)
                input[place] = UInt8.random(in: 0...255, using: &generator)
            }
            #expect(EngineFuzz.run(input), "\(input)")
        }
    }
}
