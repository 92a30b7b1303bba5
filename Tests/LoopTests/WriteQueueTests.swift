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
}
