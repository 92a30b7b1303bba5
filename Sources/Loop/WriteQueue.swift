import Bytes
import CLinux
import Glibc

/// What one connection has to write: shared frames by reference, in order.
///
/// The usual single frame of a turn needs no array; more borrow one from the loop and give it back
/// when they have left.
struct WriteQueue: ~Copyable {
    private var first: SharedBytes?
    private var rest: [SharedBytes] = []
    /// How many of `rest` have left already.
    private var taken = 0
    /// How many bytes of the first frame have left already.
    private var sent = 0
    private(set) var byteCount = 0

    var isEmpty: Bool { byteCount == 0 }

    mutating func append(_ bytes: SharedBytes, _ loop: EventLoop) {
        guard !bytes.isEmpty else { return }
        byteCount += bytes.count
        if first == nil, rest.isEmpty {
            first = bytes
        } else {
            if rest.isEmpty, rest.capacity == 0 { rest = loop.takeSpareFrames() }
            rest.append(bytes)
        }
    }

    mutating func removeAll(_ loop: EventLoop) {
        first = nil
        sent = 0
        taken = 0
        byteCount = 0
        giveBack(loop)
    }

    /// Writes until nothing is left (`processed`) or the kernel takes no more (`wouldBlock`).
    mutating func write(
        to descriptor: CInt,
        _ loop: EventLoop
    ) throws(SystemCallError) -> IOResult {
        while byteCount > 0 {
            let result = rest.isEmpty ? try sendFirst(descriptor) : try gather(descriptor, loop)
            guard case .processed(let count) = result else { return .wouldBlock }
            consume(count)
        }
        giveBack(loop)
        return .processed(0)
    }

    private func sendFirst(_ descriptor: CInt) throws(SystemCallError) -> IOResult {
        guard let first else { return .processed(0) }
        return try first.withUnsafeBytes { bytes throws(SystemCallError) in
            try SystemCall.io("send") {
                send(
                    descriptor,
                    bytes.baseAddress! + sent,
                    bytes.count - sent,
                    CInt(MSG_NOSIGNAL)
                )
            }
        }
    }

    private func gather(
        _ descriptor: CInt,
        _ loop: EventLoop
    ) throws(SystemCallError) -> IOResult {
        let vectors = loop.vectors
        var count = 0
        var offset = sent
        func add(_ bytes: SharedBytes) {
            // The queue holds the bytes alive until they have left.
            bytes.withUnsafeBytes { memory in
                vectors[count] = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: memory.baseAddress! + offset),
                    iov_len: memory.count - offset
                )
            }
            count += 1
            offset = 0
        }
        if let first { add(first) }
        var index = taken
        while count < vectors.count, index < rest.count {
            add(rest[index])
            index += 1
        }
        var message = msghdr()
        message.msg_iov = vectors.baseAddress
        message.msg_iovlen = count
        return try SystemCall.io("sendmsg") {
            sendmsg(descriptor, &message, CInt(MSG_NOSIGNAL))
        }
    }

    private mutating func consume(_ count: Int) {
        byteCount -= count
        var left = count + sent
        if let first {
            guard left >= first.count else {
                sent = left
                return
            }
            left -= first.count
            self.first = nil
        }
        while taken < rest.count, left >= rest[taken].count {
            left -= rest[taken].count
            taken += 1
        }
        sent = left
        if taken == rest.count {
            rest.removeAll(keepingCapacity: true)
            taken = 0
        } else if taken >= 256, taken >= rest.count / 2 {
            // Half of it at least, so that a long queue is not moved again for each write.
            rest.removeFirst(taken)
            taken = 0
        }
    }

    private mutating func giveBack(_ loop: EventLoop) {
        guard rest.capacity > 0 else { return }
        rest.removeAll(keepingCapacity: true)
        var array: [SharedBytes] = []
        swap(&array, &rest)
        loop.giveBack(array)
    }
}
