import Bytes
import MessagePack
import Support
import Testing

@Suite("JSON to MessagePack and back")
struct RoundTripTests {
    @Test("random JSON comes back the same, however it was written", arguments: 0..<300)
    func random(seed: Int) throws {
        var generator = JSONGenerator(seed: UInt64(seed))
        let value = generator.makeValue(depth: 5)
        let input = value.loose
        try #require(isValid(input) && isValid(value.canonical))
        let packed = messagePack(input, generator.attachments)
        let back = try json(packed, limits: MessagePackLimits(maxAttachments: .max))
        #expect(back.text == value.canonical)
        #expect(back.attachments == generator.attachments)
        #expect(messagePack(back.text, back.attachments) == packed)
    }

    @Test("mutated examples neither trap nor contradict themselves")
    func fuzz() {
        var generator = JSONGenerator(seed: 99)
        let texts = (0..<20).map { _ in generator.makeValue(depth: 3).loose }
        let seeds =
            texts.map { messagePack($0, generator.attachments).array }
            + texts.map { Array($0.utf8) }
        let alphabet = bytes(
            "00 7f 80 81 90 91 a0 a1 c0 c1 c4 c7 ca cb cf d3 d4 d6 d7 d8 d9 db dc dd de df ff ed"
        )
        var random = SplitMix64(seed: 1)
        for round in 0..<6000 {
            let input = random.mutated(
                seeds[round % seeds.count],
                alphabet: alphabet,
                others: seeds
            )
            #expect(MessagePackFuzz.run(input), "\(input.hex)")
        }
    }
}
