import Bytes
import Glibc

/// A frame that this turn writes to one or many connections of a loop; valid until the turn ends.
package struct FrameTicket: Sendable {
    fileprivate let index: UInt32
    let byteCount: UInt32
}

/// The frames of one turn, each held once however many connections it is for.
///
/// Connections queue tickets, plain numbers: counting references for each receiver was 40 ns of a
/// delivery's 250 (perf, loadgen fanout in a room of 1000, 50 frames a write).
struct TurnFrames: ~Copyable {
    private var frames: [SharedBytes] = []
    /// The frames as the kernel takes them; `frames` keeps the memory alive.
    fileprivate private(set) var vectors: [iovec] = []
    /// What stands for a frame with some of its receivers, by `variantKey`.
    private var variants: [UInt64: FrameTicket] = [:]
    /// The one looked up last, as the receivers of one frame come one after the other.
    private var lastVariant: (key: UInt64, ticket: FrameTicket)?

    /// How many are held.
    var count: Int { frames.count }

    /// Holds `bytes` until the turn ends.
    mutating func add(_ bytes: SharedBytes) -> FrameTicket {
        let ticket = FrameTicket(index: UInt32(frames.count), byteCount: UInt32(bytes.count))
        frames.append(bytes)
        vectors.append(bytes.vector(from: 0))
        return ticket
    }

    /// What stands for `ticket` with receivers of one `kind`, if that has been told.
    mutating func variant(of ticket: FrameTicket, kind: UInt8) -> FrameTicket? {
        let key = Self.variantKey(ticket, kind)
        if let lastVariant, lastVariant.key == key { return lastVariant.ticket }
        guard let variant = variants[key] else { return nil }
        lastVariant = (key, variant)
        return variant
    }

    mutating func setVariant(_ variant: FrameTicket, of ticket: FrameTicket, kind: UInt8) {
        let key = Self.variantKey(ticket, kind)
        variants[key] = variant
        lastVariant = (key, variant)
    }

    private static func variantKey(_ ticket: FrameTicket, _ kind: UInt8) -> UInt64 {
        UInt64(ticket.index) << 8 | UInt64(kind)
    }

    fileprivate func frame(_ ticket: UInt32) -> SharedBytes { frames[Int(ticket)] }

    /// The turn has ended, nobody has tickets any more.
    mutating func removeAll() {
        let keeps = frames.count <= 4096
        frames.removeAll(keepingCapacity: keeps)
        vectors.removeAll(keepingCapacity: keeps)
        guard lastVariant != nil else { return }
        lastVariant = nil
        variants.removeAll(keepingCapacity: keeps)
    }
}

/// What one connection has to write: what the kernel did not take in earlier turns, then the
/// tickets of this turn.
struct WriteQueue: ~Copyable {
    private var stuck: [SharedBytes] = []
    private var tickets: [UInt32] = []
    /// How many of `stuck` and then `tickets` have left already.
    private var taken = 0
    /// How many bytes of the next one have left already.
    private var sent = 0
    private(set) var byteCount = 0
    /// How many bytes the kernel has taken so far, ever.
    private(set) var takenBytes = 0

    var isEmpty: Bool { byteCount == 0 }

    /// Bytes of frames kept from earlier turns, the part of the first that has left included.
    var heldBytes: Int { stuck.reduce(0) { $0 + $1.count } }

    /// Whether `append` would have to allocate; `lend` it an array first.
    var needsArray: Bool { tickets.capacity == 0 }

    mutating func lend(_ array: consuming [UInt32]) {
        tickets = array
    }

    mutating func append(_ ticket: FrameTicket) {
        byteCount += Int(ticket.byteCount)
        tickets.append(ticket.index)
    }

    /// Forgets everything; gives the array back that `lend` gave.
    mutating func removeAll() -> [UInt32] {
        stuck = []
        taken = 0
        sent = 0
        byteCount = 0
        return takeTickets()
    }

    /// The array that `lend` gave, emptied.
    mutating func takeTickets() -> [UInt32] {
        var array: [UInt32] = []
        swap(&array, &tickets)
        array.removeAll(keepingCapacity: true)
        return array
    }

    /// Writes until nothing is left (`processed`) or the kernel takes no more (`wouldBlock`); in
    /// both cases no ticket is left.
    mutating func write(
        to descriptor: CInt,
        _ frames: borrowing TurnFrames,
        scratch: UnsafeMutableBufferPointer<iovec>
    ) throws(SystemCallError) -> IOResult {
        while byteCount > 0 {
            let result = try gather(descriptor, frames, scratch)
            guard case .processed(let count) = result else {
                keepTickets(frames)
                return .wouldBlock
            }
            consume(count, frames)
        }
        stuck = []
        tickets.removeAll(keepingCapacity: true)
        taken = 0
        return .processed(0)
    }

    private func gather(
        _ descriptor: CInt,
        _ frames: borrowing TurnFrames,
        _ scratch: UnsafeMutableBufferPointer<iovec>
    ) throws(SystemCallError) -> IOResult {
        var count = 0
        var index = taken
        while count < scratch.count, index < stuck.count {
            scratch[count] = stuck[index].vector(from: 0)
            count += 1
            index += 1
        }
        while count < scratch.count, index - stuck.count < tickets.count {
            scratch[count] = frames.vectors[Int(tickets[index - stuck.count])]
            count += 1
            index += 1
        }
        scratch[0].iov_base += sent
        scratch[0].iov_len -= sent
        if count == 1 {
            let only = scratch[0]
            return try SystemCall.io("send") {
                send(descriptor, only.iov_base, only.iov_len, CInt(MSG_NOSIGNAL))
            }
        }
        var message = msghdr()
        message.msg_iov = scratch.baseAddress
        message.msg_iovlen = count
        return try SystemCall.io("sendmsg") {
            sendmsg(descriptor, &message, CInt(MSG_NOSIGNAL))
        }
    }

    private mutating func consume(_ count: Int, _ frames: borrowing TurnFrames) {
        byteCount -= count
        takenBytes += count
        var left = count + sent
        while taken < stuck.count, left >= stuck[taken].count {
            left -= stuck[taken].count
            // Let go now: a slow peer's queue may never be empty, and its limit counts what is left.
            stuck[taken] = SharedBytes()
            taken += 1
        }
        while taken >= stuck.count, taken - stuck.count < tickets.count {
            let length = frames.vectors[Int(tickets[taken - stuck.count])].iov_len
            guard left >= length else { break }
            left -= length
            taken += 1
        }
        sent = left
    }

    /// Keeps by reference what outlives the turn.
    mutating func keepTickets(_ frames: borrowing TurnFrames) {
        let gone = max(taken - stuck.count, 0)
        if taken >= stuck.count {
            stuck.removeAll(keepingCapacity: true)
            taken = 0
        } else if taken >= 256, taken >= stuck.count / 2 {
            // Half of it at least, so that a long queue is not moved again for each write.
            stuck.removeFirst(taken)
            taken = 0
        }
        for ticket in tickets[gone...] { stuck.append(frames.frame(ticket)) }
        tickets.removeAll(keepingCapacity: true)
    }
}

extension SharedBytes {
    /// The bytes from `offset` on, as a system call takes them.
    fileprivate func vector(from offset: Int) -> iovec {
        withUnsafeBytes { memory in
            iovec(
                iov_base: UnsafeMutableRawPointer(mutating: memory.baseAddress! + offset),
                iov_len: memory.count - offset
            )
        }
    }
}
