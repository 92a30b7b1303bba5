import Bytes
import Testing

@Suite("RFC 3629: UTF-8")
struct UTF8ValidationTests {
    static let valid: [[UInt8]] = [
        [], [0x00], [0x7F], [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xED, 0x9F, 0xBF],
        [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
        [UInt8]("κόσμε 水 🎈 plain ASCII that is longer than a word".utf8),
    ]
    static let invalid: [[UInt8]] = [
        [0x80], [0xBF], [0xC0, 0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xC2, 0x41], [0xC2, 0xC2, 0x80],
        [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80],
        [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
        [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE],
        [0xFF],
    ]
    static let unfinished: [[UInt8]] = [
        [0xC2], [0xE0], [0xE0, 0xA0], [0xE1, 0x80], [0xF0], [0xF0, 0x90], [0xF4, 0x8F, 0xBF],
    ]

    /// What a validator says of `bytes` fed in two pieces.
    private func verdict(_ bytes: [UInt8], cut: Int) -> (accepted: Bool, whole: Bool) {
        var validator = UTF8Validator()
        let first = SharedBytes([UInt8](bytes[..<cut]))
        let second = SharedBytes([UInt8](bytes[cut...]))
        let accepted = validator.accept(first.bytes) && validator.accept(second.bytes)
        return (accepted, validator.isBetweenCharacters)
    }

    @Test("§4: what the table allows is valid, in any surroundings and pieces", arguments: valid)
    func accepts(sequence: [UInt8]) {
        for padding in 0..<10 {
            let ascii = [UInt8](repeating: 0x61, count: padding)
            let bytes = ascii + sequence + ascii
            let isValid = SharedBytes(bytes).bytes.isValidUTF8
            #expect(isValid)
            for cut in 0...bytes.count { #expect(verdict(bytes, cut: cut) == (true, true)) }
        }
    }

    @Test("§3, §4: overlong forms, surrogates, beyond U+10FFFF, stray bytes", arguments: invalid)
    func refuses(sequence: [UInt8]) {
        for padding in 0..<10 {
            let bytes = [UInt8](repeating: 0x61, count: padding) + sequence
            let isValid = SharedBytes(bytes).bytes.isValidUTF8
            #expect(!isValid)
            for cut in 0...bytes.count { #expect(!verdict(bytes, cut: cut).accepted) }
        }
    }

    @Test("§4: a sequence that may yet end well is accepted but not whole", arguments: unfinished)
    func waits(sequence: [UInt8]) {
        let isValid = SharedBytes(sequence).bytes.isValidUTF8
        #expect(!isValid)
        for cut in 0...sequence.count { #expect(verdict(sequence, cut: cut) == (true, false)) }
        let isValidBeforeASCII = SharedBytes(sequence + [0x61]).bytes.isValidUTF8
        #expect(!isValidBeforeASCII)
    }

    @Test("all sequences of up to three bytes agree with the standard library")
    func agreesWithStandardLibrary() {
        var disagreements = 0
        for value in 0..<(1 << 16) {
            let lead = UInt8(0x80 + (value >> 9))
            let bytes = [lead, UInt8(truncatingIfNeeded: value >> 1), value & 1 == 0 ? 0x80 : 0x41]
            let expected = String(validating: bytes, as: UTF8.self) != nil
            if SharedBytes(bytes).bytes.isValidUTF8 != expected { disagreements += 1 }
        }
        #expect(disagreements == 0)
    }

    @Test("a prefix is cut between characters")
    func prefix() {
        let text = SharedBytes("aé水🎈")
        let counts = (0...11).map { text.bytes.utf8PrefixCount(atMost: $0) }
        #expect(counts == [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10])
    }
}
