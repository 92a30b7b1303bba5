import Bytes
import Testing

@testable import WebSocket

@Suite("RFC 6455 §5.3: masking")
struct MaskTests {
    @Test("unmasking by words is unmasking by bytes, at every offset, length and phase")
    func agreesWithBytes() {
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        let mask = Mask(littleEndian: 0x3D21_FA37)
        let source = (0..<64).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ 3) }
        for lower in 0..<12 {
            for upper in lower...40 {
                for phase in 0..<5 {
                    var expected = source
                    for index in lower..<upper {
                        expected[index] ^= key[(phase + index - lower) % 4]
                    }
                    var buffer = ByteBuffer()
                    buffer.append(SharedBytes(source))
                    var bytes = buffer.mutableBytes
                    let isASCII = mask.remove(from: &bytes, in: lower..<upper, phase: phase)
                    let result = bytes.bytes.array
                    #expect(result == expected)
                    #expect(isASCII == expected[lower..<upper].allSatisfy { $0 < 0x80 })
                }
            }
        }
    }
}
