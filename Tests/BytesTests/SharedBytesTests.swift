import Bytes
import Testing

@Suite("Shared and growable bytes")
struct SharedBytesTests {
    @Test("slices share the bytes and compare by content")
    func slices() {
        let bytes = SharedBytes("hello world")
        #expect(bytes[6..<11] == SharedBytes("world"))
        #expect(bytes[6..<11][1..<3].text == "or")
        #expect(bytes[3..<3].isEmpty)
        #expect(SharedBytes().count == 0)
    }

    @Test("slices that are a small part of their buffer are copied, large ones are not")
    func compaction() {
        let bytes = SharedBytes([UInt8](repeating: 7, count: 100_000))
        var small = [bytes[5..<6], bytes[10..<30_000], bytes[99_000..<99_000]]
        small.compact()
        #expect(small.map(\.count) == [1, 29_990, 0])
        #expect(small.map(\.storageByteCount) == [1, 29_990, 0])
        #expect(small[1] == bytes[10..<30_000])
        var large = [bytes[0..<1], bytes[1..<40_000]]
        large.compact()
        #expect(large.map(\.storageByteCount) == [100_000, 100_000])
        // Not worth a copy.
        var short = [SharedBytes([UInt8](repeating: 7, count: 200))[0..<1]]
        short.compact()
        #expect(short.map(\.storageByteCount) == [200])
        var none: [SharedBytes] = []
        none.compact()
        #expect(none.isEmpty)
    }

    @Test("a buffer grows, keeps its bytes and gives them away")
    func buffer() {
        var buffer = ByteBuffer()
        for _ in 0..<100 { buffer.append("0123456789") }
        buffer.append(decimal: UInt64.max)
        buffer.append(decimal: UInt(0))
        buffer.append(text: "é")
        let taken = buffer.takeShared()
        let isEmptyNow = buffer.isEmpty
        #expect(isEmptyNow)
        #expect(taken.count == 1000 + 20 + 1 + 2)
        #expect(taken[1000..<1023].text == "184467440737095516150é")
    }

    @Test("exact-capacity fill", arguments: [0, 1, 7, 8, 9, 1000])
    func fill(count: Int) {
        let bytes = SharedBytes(capacity: count) { output in
            for index in 0..<count { output.append(UInt8(truncatingIfNeeded: index)) }
        }
        #expect(bytes.array == (0..<count).map { UInt8(truncatingIfNeeded: $0) })
    }

    @Test("firstIndex(of:) agrees with a plain search at every place")
    func search() {
        for place in 0..<40 {
            var array = [UInt8](repeating: 0x80, count: 40)
            array[place] = 0x0A
            let bytes = SharedBytes(array)
            for start in 0..<40 {
                let found = bytes.bytes.firstIndex(of: 0x0A, from: start)
                #expect(found == (start <= place ? place : nil))
            }
        }
    }

    @Test("comparison sees every difference")
    func equality() {
        let base = [UInt8](0..<20)
        for place in 0..<20 {
            var other = base
            other[place] ^= 1
            #expect(SharedBytes(base) != SharedBytes(other))
        }
        let field = SharedBytes("Upgrade")
        let same = field.bytes.isEqualIgnoringCase(to: "uPGRADE")
        let other = field.bytes.isEqualIgnoringCase(to: "uPGRAD@")
        #expect(same && !other)
    }
}
