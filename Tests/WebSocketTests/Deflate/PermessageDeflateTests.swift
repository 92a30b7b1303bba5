import Bytes
import Support
import Testing

@testable import WebSocket

/// One side of a connection with contexts of its own.
final class DeflatePeer {
    private var contexts: DeflateContexts
    private var deflate: PermessageDeflate

    init(_ parameters: DeflateParameters = .takeover, _ policy: DeflatePolicy = DeflatePolicy()) {
        contexts = DeflateContexts(policy)
        deflate = PermessageDeflate(parameters)
    }

    func inflate(
        _ payload: [UInt8],
        _ opcode: Opcode = .binary,
        limit: Int = 100_000
    ) throws(ProtocolViolation) -> [UInt8] {
        let payload = SharedBytes(payload)
        return try deflate.inflate(opcode, payload.bytes, limit: limit, &contexts).array
    }

    /// The payload of the frame for `message`, or nil if it is not compressed.
    func payload(_ message: [UInt8]) -> [UInt8]? {
        let message = SharedBytes(message)
        guard let frame = deflate.frame(.binary, message.bytes, &contexts)?.array else {
            return nil
        }
        #expect(frame[0] == 0xC2)
        return [UInt8](frame.dropFirst(frame[1] < 126 ? 2 : frame[1] == 126 ? 4 : 10))
    }
}

extension DeflateParameters {
    static let takeover = DeflateParameters()
    static let noTakeover = DeflateParameters(
        serverNoContextTakeover: true,
        clientNoContextTakeover: true
    )
    static let both = [takeover, noTakeover]
}

@Suite("RFC 7692 §7.2: compression and decompression")
struct PermessageDeflateTests {
    static let hello = [UInt8]("Hello".utf8)

    @Test(
        "§7.2.3: the examples",
        arguments: [
            // §7.2.3.1, one block with the Huffman codes of the format.
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            // §7.2.3.3, a block that is not compressed.
            [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            // §7.2.3.4, a block marked as the last; and without the byte that follows it.
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            // §7.2.3.5, two blocks.
            [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
        ] as [[UInt8]],
        DeflateParameters.both
    )
    func examples(payload: [UInt8], parameters: DeflateParameters) throws {
        let peer = DeflatePeer(parameters)
        for _ in 0..<2 { #expect(try peer.inflate(payload, .text) == Self.hello) }
    }

    @Test("§7.2.3.1: “Hello” in one frame and in two, cut anywhere", arguments: ByteSplit.allCases)
    func frames(split: ByteSplit) {
        let one: [UInt8] = [0xC1, 0x07, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        let two: [UInt8] = [
            0x41, 0x03, 0xF2, 0x48, 0xCD, 0x80, 0x04, 0xC9, 0xC9, 0x07, 0x00,
        ]
        // The RFC shows them unmasked.
        let masked =
            [ClientFrame(.text, [UInt8](one[2...]), rsv: 4)].wire
            + [
                ClientFrame(.text, [UInt8](two[2..<5]), isFinal: false, rsv: 4),
                ClientFrame(.ping, "?"),
                ClientFrame(.continuation, [UInt8](two[7...])),
                ClientFrame(.text, "plain"),
            ].wire
        for outcomes in split.outcomes(of: masked, deflate: .noTakeover) {
            #expect(outcomes == [.text("Hello"), .ping([0x3F]), .text("Hello"), .text("plain")])
        }
    }

    @Test("§7.2.3.2: the second “Hello” refers to the first, if the window is kept")
    func sharedWindow() throws {
        let first: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]
        let keeping = DeflatePeer(.takeover)
        #expect(try keeping.inflate(first) == Self.hello)
        #expect(try keeping.inflate(second) == Self.hello)
        let forgetting = DeflatePeer(.noTakeover)
        #expect(try forgetting.inflate(first) == Self.hello)
        #expect(throws: ProtocolViolation.invalidDeflateData) { try forgetting.inflate(second) }
        // A connection that was refused leaves nothing behind for the others of the loop.
        #expect(try forgetting.inflate(first) == Self.hello)
    }

    @Test(
        "§7.2.3.6: an empty message, in the forms that are seen",
        arguments: DeflateParameters.both
    )
    func empty(parameters: DeflateParameters) throws {
        let peer = DeflatePeer(parameters)
        for payload in [[0x00], [], [0x02, 0x00], [0x03, 0x00], [0x03, 0x00, 0x00]] as [[UInt8]] {
            #expect(try peer.inflate(payload, .text) == [])
            #expect(try peer.inflate([0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]) == Self.hello)
        }
        #expect(peer.payload([]) == nil)
    }

    @Test(
        "§7.2.1: compressed messages lack the tail, and decompress",
        arguments: 9...15 as ClosedRange<UInt8>
    )
    func roundTrip(windowBits: UInt8) throws {
        for var parameters in DeflateParameters.both {
            parameters.serverMaxWindowBits = windowBits
            parameters.clientMaxWindowBits = windowBits
            let server = DeflatePeer(parameters)
            let client = DeflatePeer(parameters)
            var generator = SplitMix64(seed: UInt64(windowBits))
            for count in [1100, 4000, 70_000, 1100, 1 << 20] {
                let word = (0..<count / 10).map { _ in UInt8.random(in: 0...9, using: &generator) }
                let message = [UInt8]([[UInt8]](repeating: word, count: 10).joined())
                let payload = try #require(server.payload(message))
                #expect(payload.count < message.count)
                #expect(payload.suffix(4) != [0x00, 0x00, 0xFF, 0xFF])
                #expect(try client.inflate(payload, limit: 1 << 20) == message)
            }
        }
    }

    @Test("§7.1.1.1: without takeover the same message gives the same frame, else a shorter one")
    func takeover() throws {
        let message = [UInt8]("a message of some words, of which some come again: a message".utf8)
        let forgetting = DeflatePeer(.noTakeover)
        let keeping = DeflatePeer(.takeover)
        let first = try #require(forgetting.payload(message))
        #expect(forgetting.payload([UInt8](repeating: 1, count: 100)) != nil)
        #expect(forgetting.payload(message) == first)
        #expect(keeping.payload(message) == first)
        let again = try #require(keeping.payload(message))
        #expect(again.count < 20)
    }

    @Test("a message that does not get shorter is left alone, and the next one goes on")
    func incompressible() throws {
        var generator = SplitMix64(seed: 5)
        let noise = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let text = [UInt8](repeating: 0x61, count: 5000)
        for parameters in DeflateParameters.both {
            let server = DeflatePeer(parameters)
            let client = DeflatePeer(parameters)
            for message in [text, noise, text, text] {
                guard let payload = server.payload(message) else {
                    #expect(message == noise)
                    continue
                }
                #expect(try client.inflate(payload) == message)
            }
        }
        let server = DeflatePeer(.noTakeover)
        #expect(server.payload([UInt8](repeating: 0, count: (1 << 20) + 1)) == nil)
    }

    @Test("a bomb is refused at the limit, to the byte", arguments: DeflateParameters.both)
    func bombs(parameters: DeflateParameters) throws {
        let maker = DeflatePeer(.noTakeover)
        for count in [1, 100, 255, 256, 257, 1000, 65_536, 1_000_000] {
            let message = [UInt8](repeating: 0x61, count: count)
            let length = UInt8(truncatingIfNeeded: count)
            // One byte gets no shorter.
            let stored: [UInt8] = [0x00, length, 0x00, ~length, 0xFF] + message + [0x00]
            let payload = count == 1 ? stored : try #require(maker.payload(message))
            for limit in [count, count + 1] {
                let peer = DeflatePeer(parameters)
                #expect(try peer.inflate(payload, limit: limit) == message)
            }
            for limit in [0, count / 2, count - 1] {
                let peer = DeflatePeer(parameters)
                #expect(throws: ProtocolViolation.messageTooBig(limit: limit)) {
                    try peer.inflate(payload, limit: limit)
                }
            }
        }
        #expect(ProtocolViolation.messageTooBig(limit: 9).closeCode == .messageTooBig)
        #expect(ProtocolViolation.messageTooBig(limit: 9).closeReason.contains("9 bytes"))
    }

    @Test("blocks without content, marked as the last or not, are read in linear time")
    func emptyBlocks() throws {
        for block in [[0x03, 0x00], [0x00, 0x00, 0x00, 0xFF, 0xFF], [0x02, 0x08]] as [[UInt8]] {
            let payload = [UInt8]([[UInt8]](repeating: block, count: 200_000).joined())
            let peer = DeflatePeer()
            _ = try? peer.inflate(payload, limit: 10)
        }
        let peer = DeflatePeer()
        let ended = [UInt8]([[UInt8]](repeating: [0x03, 0x00], count: 1000).joined())
        #expect(try peer.inflate(ended, limit: 0) == [])
    }

    @Test("§7.2.3.4: what follows a last block may refer to what came before it")
    func windowSurvivesLastBlock() throws {
        let peer = DeflatePeer(.noTakeover)
        let first: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        #expect(
            try peer.inflate(first + [0xF2, 0x00, 0x11, 0x00, 0x00]) == Self.hello + Self.hello
        )
    }

    @Test(
        "a payload that is cut short or garbled is invalid: 1007",
        arguments: DeflateParameters.both
    )
    func broken(parameters: DeflateParameters) throws {
        var generator = SplitMix64(seed: 11)
        let message = (0..<3000).map { _ in UInt8.random(in: 0...15, using: &generator) }
        let maker = DeflatePeer(.noTakeover)
        let payload = try #require(maker.payload(message))
        for count in stride(from: 1, to: payload.count - 1, by: 37) {
            let peer = DeflatePeer(parameters)
            #expect(throws: ProtocolViolation.invalidDeflateData) {
                try peer.inflate([UInt8](payload[..<count]))
            }
        }
        for wrong in [[0x07], [0xFF, 0xFF], [0x00, 0x05, 0x00, 0x00, 0x00], [0x04]] as [[UInt8]] {
            let peer = DeflatePeer(parameters)
            #expect(throws: ProtocolViolation.invalidDeflateData) { try peer.inflate(wrong) }
        }
        #expect(ProtocolViolation.invalidDeflateData.closeCode == .invalidPayload)
    }

    @Test("RFC 6455 §8.1: decompressed text must be UTF-8; binary need not")
    func text() throws {
        let payload: [UInt8] = [0x00, 0x01, 0x00, 0xFE, 0xFF, 0xC3, 0x00]
        let peer = DeflatePeer()
        #expect(try peer.inflate(payload, .binary) == [0xC3])
        #expect(throws: ProtocolViolation.invalidUTF8) { try peer.inflate(payload, .text) }
    }

    @Test("§6.1: RSV1 on a continuation or a control frame, or without negotiation: 1002")
    func reservedBit() {
        let plain = ClientFrame(.text, "a", isFinal: false)
        let wrong: [[ClientFrame]] = [
            [plain, ClientFrame(.continuation, [0x00], rsv: 4)], [ClientFrame(.ping, [], rsv: 4)],
            [ClientFrame(.text, [0x00], rsv: 2)], [ClientFrame(.text, [0x00], rsv: 6)],
        ]
        for frames in wrong {
            for outcomes in ByteSplit.oneByOne.outcomes(of: frames.wire, deflate: .noTakeover) {
                #expect(outcomes == [.violation(.reservedBitsSet)])
            }
        }
        let compressed = ClientFrame(.text, [0x00], rsv: 4)
        for outcomes in ByteSplit.oneByOne.outcomes(of: compressed.wire) {
            #expect(outcomes == [.violation(.reservedBitsSet)])
        }
    }

    @Test("mutated streams, offers and frames are read alike in all ways", arguments: 0..<4)
    func fuzz(seed: Int) {
        var generator = SplitMix64(seed: UInt64(seed))
        for _ in 0..<300 {
            let source = (0..<Int.random(in: 0...400, using: &generator)).map { _ in
                UInt8.random(in: 0...3, using: &generator)
            }
            let maker = DeflatePeer(.noTakeover)
            var input = maker.payload(source) ?? source
            for _ in 0..<Int.random(in: 0...3, using: &generator) where !input.isEmpty {
                let place = Int.random(in: 0..<input.count, using: &generator)
                input[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            let frame = ClientFrame(.binary, input, rsv: 4).wire
            #expect(DeflateFuzz.run(input), "\(input)")
            #expect(DeflateFuzz.run(frame), "\(frame)")
        }
    }
}
