import Bytes
import Testing

@testable import WebSocket

/// Bytes from a client, and what a server reads from them.
struct Example: CustomTestStringConvertible {
    var name: String
    var wire: [UInt8]
    var outcomes: [Outcome]
    var limit = 70_000

    var testDescription: String { name }

    init(_ name: String, _ wire: [UInt8], _ outcomes: [Outcome], limit: Int = 70_000) {
        self.name = name
        self.wire = wire
        self.outcomes = outcomes
        self.limit = limit
    }

    init(_ name: String, _ frames: [ClientFrame], _ outcomes: [Outcome], limit: Int = 70_000) {
        self.init(name, frames.wire, outcomes, limit: limit)
    }

    init(_ name: String, _ wire: [UInt8], _ violation: ProtocolViolation, limit: Int = 70_000) {
        self.init(name, wire, [.violation(violation)], limit: limit)
    }
}

@Suite("RFC 6455: messages and control frames")
struct MessageReaderTests {
    @Test("any split gives the same events", arguments: Example.all, ByteSplit.allCases)
    func reads(_ example: Example, split: ByteSplit) {
        for outcomes in split.outcomes(of: example.wire, limit: example.limit) {
            #expect(outcomes == example.outcomes)
        }
    }

    @Test("all frames twice in one buffer give all events twice", arguments: Example.open)
    func readsTwice(_ example: Example) {
        for outcomes in ByteSplit.whole.outcomes(of: example.wire + example.wire) {
            #expect(outcomes == example.outcomes + example.outcomes)
        }
    }

    @Test(
        "§5.2: lengths at the borders of 7, 16 and 64 bits",
        arguments: [0, 1, 125, 126, 127, 128, 65_535, 65_536, 70_000]
    )
    func lengths(count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let wire = ClientFrame(.binary, payload).wire
        let expected = [Outcome.message(.binary, payload)]
        for size in [wire.count, 1, 2, 3, 7, 1000, 4096] {
            let outcomes = WebSocketFuzz.outcome(of: wire) { size }
            #expect(outcomes == expected)
        }
    }

    @Test("a whole message is a range of what was read; one in two reads is not")
    func noCopy() throws {
        var reader = MessageReader(maxMessageBytes: 100)
        var buffer = ByteBuffer()
        buffer.append(SharedBytes([ClientFrame(.text, "one"), ClientFrame(.binary, "two")].wire))
        buffer.append(SharedBytes([UInt8](ClientFrame(.text, "three").wire[..<8])))
        var offset = 0
        var bytes = buffer.mutableBytes
        let first = try reader.next(in: &bytes, at: &offset)
        let second = try reader.next(in: &bytes, at: &offset)
        let third = try reader.next(in: &bytes, at: &offset)
        #expect(first == .message(.text, 6..<9))
        #expect(second == .message(.binary, 15..<18))
        #expect(third == .needsMore)
        #expect(offset == 26)
        var rest = ByteBuffer()
        rest.append(SharedBytes([UInt8](ClientFrame(.text, "three").wire[8...])))
        var restBytes = rest.mutableBytes
        offset = 0
        let fourth = try reader.next(in: &restBytes, at: &offset)
        #expect(fourth == .assembledMessage(.text, SharedBytes("three")))
    }

    @Test("a message too big is refused by its header, before its payload")
    func refusesByHeader() {
        let header = [UInt8](ClientFrame(.binary, [UInt8](repeating: 0, count: 101)).wire[..<6])
        for split in ByteSplit.allCases {
            for outcomes in split.outcomes(of: header, limit: 100) {
                #expect(outcomes == [.violation(.messageTooBig(limit: 100, size: 101))])
            }
        }
    }

    @Test("§8.1: text is refused with the first byte that cannot be UTF-8")
    func failsFast() {
        let wire = ClientFrame(.text, [0x61, 0xED, 0xA0, 0x80, 0x61, 0x61]).wire
        let upToSurrogate = [UInt8](wire[..<9])
        for outcomes in ByteSplit.oneByOne.outcomes(of: upToSurrogate) {
            #expect(outcomes == [.violation(.invalidUTF8)])
        }
    }

    @Test("RFC 7692 §6: RSV1 is allowed where negotiated, on a message's first frame only")
    func reservedBitSeam() throws {
        var reader = MessageReader(maxMessageBytes: 100, allowedReservedBits: .rsv1)
        var buffer = ByteBuffer()
        let compressed = ClientFrame(.text, [0xFF, 0xFE], rsv: 4)
        let plain = ClientFrame(.text, "plain")
        let wrong = ClientFrame(.ping, [], rsv: 4)
        buffer.append(SharedBytes([compressed, plain, wrong].wire))
        var bytes = buffer.mutableBytes
        var offset = 0
        let first = try reader.next(in: &bytes, at: &offset)
        #expect(first == .message(.text, 6..<8))
        let firstBits = reader.reservedBits
        #expect(firstBits == .rsv1)
        _ = try reader.next(in: &bytes, at: &offset)
        let secondBits = reader.reservedBits
        #expect(secondBits == [])
        do {
            _ = try reader.next(in: &bytes, at: &offset)
            Issue.record("RSV1 on a control frame was let pass")
        } catch {
            #expect(error == .reservedBitsSet)
        }
    }

    @Test("a long message in small reads and many fragments costs linear time")
    func longMessages() {
        let payload = [UInt8](repeating: 0x61, count: 1_000_000)
        let wire = ClientFrame(.text, payload).wire
        let outcomes = WebSocketFuzz.outcome(of: wire, maxMessageBytes: 1_000_000) { 997 }
        #expect(outcomes == [.message(.text, payload)])

        let fragments = (0..<20_000).map {
            ClientFrame($0 == 0 ? .binary : .continuation, [1, 2], isFinal: $0 == 19_999)
        }
        let assembled = WebSocketFuzz.outcome(of: fragments.wire) { 1000 }
        let expected = (0..<20_000).flatMap { _ -> [UInt8] in [1, 2] }
        #expect(assembled == [.message(.binary, expected)])
    }
}
