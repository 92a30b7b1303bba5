import Bytes
import Support
import Testing

@testable import EngineIOProtocol

@Suite("protocol.md §13: payloads of version 3")
struct PayloadV3Tests {
    static let event = #"42["ev",1,"Q7y3bka"]"#

    static let texts: [Body] = [
        Body(
            #"1:320:42["ev",1,"Q7y3bka"]"#,
            [.text(.pong, ""), .text(.message, #"2["ev",1,"Q7y3bka"]"#)]
        ),
        Body("2:40", [.text(.message, "0")]),
        Body("9:40/admin,", [.text(.message, "0/admin,")]),
        Body("1:2", [.text(.ping, "")]),
        Body("6:2probe", [.text(.ping, "probe")]),
        Body("01:2", [.text(.ping, "")]),
        // € is one code unit, an emoji two, one with a skin tone four.
        Body("2:4€", [.text(.message, "€")]),
        Body("3:4👋1:2", [.text(.message, "👋"), .text(.ping, "")]),
        Body("5:4👋🏽2:4ä", [.text(.message, "👋🏽"), .text(.message, "ä")]),
        Body("13:4aaaaaaaaaa👋1:6", [.text(.message, "aaaaaaaaaa👋"), .text(.noop, "")]),
        Body(
            "11:4\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}abc",
            [
                .text(.message, "\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}abc")
            ]
        ),
        Body("10:b4AQIDBA==", [.binary(SharedBytes([1, 2, 3, 4]))]),
        Body("2:b4", [.binary(SharedBytes())]),
        Body("0:", []),
        Body("0:1:20:1:3", [.text(.ping, ""), .text(.pong, "")]),
        Body("", [], .emptyUnit),
        Body("1", [], .invalidLength),
        Body(":", [], .invalidLength),
        Body(":4", [], .invalidLength),
        Body("x:4", [], .invalidLength),
        Body("-1:4", [], .invalidLength),
        Body("+1:4", [], .invalidLength),
        Body(" 1:4", [], .invalidLength),
        Body("1e0:4", [], .invalidLength),
        Body("1.0:4", [], .invalidLength),
        Body("2:4", [], .invalidLength),
        Body("1:23", [.text(.ping, "")], .invalidLength),
        Body("1:24:4abc5:4abc", [.text(.ping, ""), .text(.message, "abc")], .invalidLength),
        // The end would be between the surrogates.
        Body("2:4👋", [], .invalidLength),
        Body("3:4ä", [], .invalidLength),
        Body("9223372036854775807:4", [], .invalidLength),
        Body("9223372036854775808:4", [], .invalidLength),
        Body(String(repeating: "9", count: 400) + ":4", [], .invalidLength),
        Body("1:7", [], .unknownType(0x37)),
        Body("1:x", [], .unknownType(0x78)),
        Body("1:b", [], .emptyUnit),
        Body("2:b2", [], .unknownType(0x32)),
        Body("9:bAQIDBA==", [], .unknownType(0x41)),
        Body("4:b4A*", [], .invalidBase64),
        Body("4:b4A*1:2", [], .invalidBase64),
        Body("4hello", [], .invalidLength),
        Body([0x33, 0x3A, 0x34, 0xFF], [], .invalidUTF8),
        Body([0x32, 0x3A, 0x34, 0xFF], [], .invalidLength),
        Body([0x32, 0x3A, 0x34, 0xC3], [], .invalidUTF8),
        Body([0x31, 0x3A, 0x34, 0x80, 0x80], [], .invalidUTF8),
        Body([0x30, 0x3A, 0x80], [], .invalidLength),
    ]

    static let observed: [UInt8] = [0, 2, 0, 0xFF] + Array(event.utf8)

    static let binaries: [Body] = [
        Body(observed, [.text(.message, #"2["ev",1,"Q7y3bka"]"#)]),
        Body([1, 4, 0xFF, 4, 1, 2, 3], [.binary(SharedBytes([1, 2, 3]))]),
        Body(
            observed + [1, 4, 0xFF, 4, 1, 2, 3, 0, 1, 0xFF, 0x32],
            [
                .text(.message, #"2["ev",1,"Q7y3bka"]"#), .binary(SharedBytes([1, 2, 3])),
                .text(.ping, ""),
            ]
        ),
        // Lengths count bytes here.
        Body([0, 4, 0xFF, 0x34, 0xE2, 0x82, 0xAC], [.text(.message, "€")]),
        Body([0, 8, 0xFF] + Array("b4AQIDBA".utf8), [.binary(SharedBytes([1, 2, 3, 4]))]),
        Body([1, 1, 0xFF, 4], [.binary(SharedBytes())]),
        Body([0, 0, 0, 1, 0xFF, 0x32], [.text(.ping, "")]),
        Body([UInt8](), [], .emptyUnit),
        Body([0], [], .invalidLength),
        Body([0, 0xFF], [], .invalidLength),
        Body([0, 1], [], .invalidLength),
        Body([0, 1, 0xFF], [], .invalidLength),
        Body([0, 0, 0xFF], [], .emptyUnit),
        Body([1, 0, 0xFF], [], .emptyUnit),
        Body([0, 2, 0xFF, 0x34], [], .invalidLength),
        Body([0, 10, 0xFF, 0x34], [], .invalidLength),
        Body([0, 0x31, 0xFF, 0x34], [], .invalidLength),
        Body([0] + [UInt8](repeating: 9, count: 400) + [0xFF, 0x34], [], .invalidLength),
        Body([2, 1, 0xFF, 0x34], [], .unknownType(2)),
        Body(Array("1:2".utf8), [], .unknownType(0x31)),
        Body([0, 1, 0xFF, 0x32, 9], [.text(.ping, "")], .unknownType(9)),
        Body([1, 1, 0xFF, 0x34], [], .unknownType(0x34)),
        Body([1, 1, 0xFF, 2], [], .unknownType(2)),
        Body([0, 1, 0xFF, 0x04], [], .unknownType(4)),
        Body([0, 2, 0xFF, 0x34, 0xFF], [], .invalidUTF8),
    ]

    @Test("text: `<length>:<packet>`, the length in UTF-16 code units", arguments: texts)
    func splitsText(_ body: Body) {
        let (packets, error) = EngineFuzz.outcome(of: SharedBytes(body.body), PayloadSplitterV3())
        #expect(packets == body.packets)
        #expect(error == body.error)
    }

    @Test("binary: kind, decimal length, FF, data", arguments: binaries)
    func splitsBinary(_ body: Body) {
        let (packets, error) = EngineFuzz.outcome(
            of: SharedBytes(body.body),
            BinaryPayloadSplitterV3()
        )
        #expect(packets == body.packets)
        #expect(error == body.error)
    }

    @Test("every body cut anywhere is read without a trap", arguments: texts + binaries)
    func cuts(_ body: Body) {
        for end in 0...body.body.count {
            #expect(EngineFuzz.run(Array(body.body[..<end])))
            #expect(EngineFuzz.run(Array(body.body[end...])))
        }
    }

    @Test("nothing is handed out after an error")
    func endsAtError() {
        let text = SharedBytes("1:x1:2")
        var splitter = PayloadSplitterV3()
        #expect(throws: EnginePacketError.unknownType(0x78)) { try splitter.next(in: text.bytes) }
        let next = try? splitter.next(in: text.bytes)
        #expect(next == .some(nil))
        let bytes = SharedBytes([0, 1, 0xFF, 0x78, 0, 1, 0xFF, 0x32])
        var binary = BinaryPayloadSplitterV3()
        #expect(throws: EnginePacketError.unknownType(0x78)) { try binary.next(in: bytes.bytes) }
        let after = try? binary.next(in: bytes.bytes)
        #expect(after == .some(nil))
    }

    @Test("a body of nothing but packets is split in linear time")
    func manyPackets() {
        let text = SharedBytes(String(repeating: "1:4", count: 100_000))
        let (packets, error) = EngineFuzz.outcome(of: text, PayloadSplitterV3())
        #expect(packets.count == 100_000)
        #expect(error == nil)
        let empty = SharedBytes(String(repeating: "0:", count: 100_000))
        #expect(EngineFuzz.outcome(of: empty, PayloadSplitterV3()).0 == [])
        let units = [[UInt8]](repeating: [0, 1, 0xFF, 0x34], count: 100_000)
        let binary = EngineFuzz.outcome(
            of: SharedBytes([UInt8](units.joined())),
            BinaryPayloadSplitterV3()
        )
        #expect(binary.0.count == 100_000)
        #expect(binary.1 == nil)
    }

    @Test("a text body is written as clients read it")
    func writesText() {
        var writer = PayloadWriterV3()
        for unit in ["3", Self.event, "4👋€ä", "6"] {
            let bytes = SharedBytes(unit)
            writer.append(unit: bytes.bytes)
        }
        writer.append(binary: SharedBytes([1, 2, 3, 4]).bytes)
        let body = writer.takeShared()
        #expect(body.text == "1:320:\(Self.event)5:4👋€ä1:610:b4AQIDBA==")
        writer.append(unit: SharedBytes("1").bytes)
        let next = writer.takeShared()
        #expect(next.text == "1:1")
    }

    @Test("a binary body is written as clients read it")
    func writesBinary() {
        var writer = BinaryPayloadWriterV3()
        let event = SharedBytes(Self.event)
        writer.append(unit: event.bytes)
        writer.append(binary: SharedBytes([1, 2, 3]).bytes)
        writer.append(unit: SharedBytes("4€").bytes)
        writer.append(binary: SharedBytes([UInt8](repeating: 7, count: 99)).bytes)
        let body = writer.takeShared()
        #expect(
            body.array == Self.observed + [
                1, 4, 0xFF, 4, 1, 2, 3, 0, 4, 0xFF, 0x34, 0xE2, 0x82, 0xAC,
            ]
                + [1, 1, 0, 0, 0xFF, 4] + [UInt8](repeating: 7, count: 99)
        )
    }

    @Test("§2, §13: a peer that takes no binary frames gets `b4` and base64")
    func binaryAsText() throws {
        let unit = EnginePacket.textUnit(binary: SharedBytes([1, 2, 3, 4]).bytes, version: .v3)
        #expect(unit.text == "b4AQIDBA==")
        let packet = try EnginePacket(parsing: unit.bytes, version: .v3)
        #expect(packet == .binary(SharedBytes([1, 2, 3, 4])))
    }

    @Test("lengths in UTF-16 are those of the standard library, wherever words begin")
    func utf16() {
        var generator = SplitMix64(seed: 13)
        let letters = ["a", "ä", "€", "👋", "\u{FFFF}", "\u{10FFFF}", "\u{0}", "bcdefghijk"]
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                text += letters.randomElement(using: &generator) ?? ""
            }
            let bytes = SharedBytes(text)
            let count = bytes.bytes.utf16Count
            #expect(count == text.utf16.count)
            // Every prefix of whole characters ends where the standard library has it end.
            for index in text.unicodeScalars.indices {
                let prefix = text.unicodeScalars[..<index]
                let units = text.utf16.distance(from: text.startIndex, to: index)
                let end = bytes.bytes.end(ofUTF16Units: units, from: 0)
                #expect(end == String(prefix).utf8.count)
            }
            let beyond = bytes.bytes.end(ofUTF16Units: count + 1, from: 0)
            #expect(beyond == nil)
        }
    }

    @Test("mutated bodies are split without a trap and survive being written again")
    func mutations() {
        var generator = SplitMix64(seed: 3)
        for _ in 0..<5000 {
            let bodies = Bool.random(using: &generator) ? Self.texts : Self.binaries
            var input: [UInt8] = []
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                input += bodies.randomElement(using: &generator)?.body ?? []
            }
            for _ in 0..<Int.random(in: 0...2, using: &generator) where !input.isEmpty {
                let place = Int.random(in: 0..<input.count, using: &generator)
                input[place] = UInt8.random(in: 0...255, using: &generator)
            }
            #expect(EngineFuzz.run(input), "\(input)")
        }
    }
}
