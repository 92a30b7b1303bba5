import Bytes
import Testing

@Suite("Bytes changed in place")
struct ByteBufferTests {
    @Test("numbers are written with the highest byte first")
    func bigEndian() {
        var buffer = ByteBuffer()
        buffer.append(bigEndian: UInt16(0x0102))
        buffer.append(bigEndian: Int32(-2))
        buffer.append(bigEndian: UInt64(0x0102_0304_0506_0708))
        let expected: [UInt8] = [1, 2, 0xFF, 0xFF, 0xFF, 0xFE, 1, 2, 3, 4, 5, 6, 7, 8]
        #expect(buffer.takeShared().array == expected)
    }

    @Test("moved bytes may overlap those that they come from", arguments: 0...6, 0...6)
    func move(from: Int, to: Int) {
        var buffer = ByteBuffer()
        buffer.append("0123456")
        buffer.append(zeros: 3)
        buffer.move(from..<(from + 4), to: to)
        var expected = Array("0123456\0\0\0".utf8)
        expected.replaceSubrange(to..<(to + 4), with: Array(expected[from..<(from + 4)]))
        #expect(buffer.takeShared().array == expected)
    }

    @Test("what is cut off is written over")
    func truncate() {
        var buffer = ByteBuffer()
        buffer.append("abcdef")
        buffer.truncate(to: 2)
        buffer.append("xy")
        buffer.truncate(to: 4)
        #expect(buffer.takeShared().text == "abxy")
        buffer.truncate(to: 0)
        let isEmpty = buffer.isEmpty
        #expect(isEmpty)
    }
}
