import Support
import Testing

@testable import Redis

@Suite("Who gets the next reply")
struct PendingRepliesTests {
    /// What a receiver is, for comparison.
    private static func name(_ receiver: PendingReplies.Receiver?) -> String {
        switch receiver {
        case .message: "message"
        case .command: "command"
        case .pipeline(let pipeline): "pipeline \(pipeline.left)"
        case .ping: "ping"
        case nil: "nobody"
        }
    }

    @Test("replies go to commands and messages in the order in which they left")
    func order() {
        var pending = PendingReplies()
        pending.appendMessage()
        pending.appendMessage()
        pending.append(.ping)
        pending.append(.pipeline(PendingReplies.Pipeline(count: 2) { _ in }))
        pending.appendMessage()
        pending.append(.command { _ in })
        pending.appendMessage()
        var names: [String] = []
        while !pending.isEmpty { names.append(Self.name(pending.next())) }
        #expect(
            names == [
                "message", "message", "ping", "pipeline 1", "pipeline 0", "message", "command",
                "message",
            ]
        )
        #expect(Self.name(pending.next()) == "nobody")
    }

    @Test("all that is under way can be let go of, with the number of messages")
    func removes() {
        var pending = PendingReplies()
        for _ in 0..<3 { pending.appendMessage() }
        pending.append(.ping)
        for _ in 0..<2 { pending.appendMessage() }
        var names: [String] = []
        pending.removeAll { names.append("\(Self.name($0)) \($1)") }
        #expect(names == ["message 3", "ping 1", "message 2"])
        let isEmpty = pending.isEmpty
        #expect(isEmpty)
    }

    @Test("a ring gives back what it got, in order, at every length")
    func ring() {
        var ring = Ring<Int>()
        var model: [Int] = []
        var random = SplitMix64(seed: 5)
        for number in 0..<20_000 {
            if Int.random(in: 0..<100, using: &random) < (number % 2_000 < 1_000 ? 60 : 40) {
                ring.append(number)
                model.append(number)
            } else {
                let first = ring.popFirst()
                #expect(first == (model.isEmpty ? nil : model.removeFirst()))
            }
            let (count, first) = (ring.count, ring.first)
            #expect(count == model.count && first == model.first)
        }
    }
}
