import Bytes
import Glibc
import Testing

@testable import Loop

@Suite("What a connection has to write")
struct WriteQueueTests {
    @Test("frames that have left are let go, even if the queue is never empty")
    func letsGo() throws {
        var ends: [CInt] = [0, 0]
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        let writer = Descriptor(adopting: ends[0])
        let reader = Descriptor(adopting: ends[1])
        let scratch = UnsafeMutableBufferPointer<iovec>.allocate(capacity: 16)
        defer { scratch.deallocate() }
        let frameSize = 1 << 16
        let memory = UnsafeMutableRawPointer.allocate(byteCount: frameSize, alignment: 8)
        defer { memory.deallocate() }

        var queue = WriteQueue()
        for round in 0..<200 {
            var frames = TurnFrames()
            for _ in 0..<(round == 0 ? 20 : 1) {
                queue.append(frames.add(SharedBytes([UInt8](repeating: 7, count: frameSize))))
            }
            let result = try queue.write(to: writer.number, frames, scratch: scratch)
            #expect(result == .wouldBlock)
            let held = queue.heldBytes
            let left = queue.byteCount
            #expect(held >= left && held < left + frameSize)
            var taken = 0
            while taken < frameSize {
                let count = read(reader.number, memory, frameSize - taken)
                try #require(count > 0)
                taken += count
            }
        }
    }

    @Test("what stands for a frame is told by frame and kind, and forgotten with the turn")
    func variants() {
        var frames = TurnFrames()
        let first = frames.add(SharedBytes([1]))
        let second = frames.add(SharedBytes([2]))
        let short = frames.add(SharedBytes([3, 3]))
        frames.setVariant(short, of: first, kind: 15)
        frames.setVariant(second, of: second, kind: 15)
        for _ in 0..<2 {
            let told = [
                frames.variant(of: first, kind: 15)?.byteCount,
                frames.variant(of: second, kind: 15)?.byteCount,
                frames.variant(of: first, kind: 9)?.byteCount,
            ]
            #expect(told == [2, 1, nil])
        }
        frames.removeAll()
        let again = frames.add(SharedBytes([1]))
        let forgotten = frames.variant(of: again, kind: 15) == nil
        #expect(forgotten)
    }
}
