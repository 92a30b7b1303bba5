import CLinux
import Glibc

/// What epoll reports about a descriptor.
struct ReadyEvents: OptionSet {
    let rawValue: UInt32
    static let readable = ReadyEvents(rawValue: EPOLLIN.rawValue)
    static let writable = ReadyEvents(rawValue: EPOLLOUT.rawValue)
    static let failed = ReadyEvents(rawValue: EPOLLERR.rawValue)
    static let hungUp = ReadyEvents(rawValue: EPOLLHUP.rawValue)
}

/// What a selector wakes: a connection or a listener.
protocol ReadyTarget: AnyObject {
    /// The descriptor is ready; called on the loop.
    func ready(_ events: ReadyEvents)

    /// The loop has stopped and calls nobody any more; called on the loop, last.
    func loopStopped()
}

extension ReadyTarget {
    func loopStopped() {}
}

/// Names one registration of a descriptor; a descriptor closed and reused gets another.
struct Registration: Equatable {
    fileprivate let descriptor: CInt
    fileprivate let id: UInt32
}

/// One epoll instance and who is registered with it.
///
/// An event carries (registration id, descriptor): one for a descriptor that was closed and reused
/// within a batch is recognised as stale and dropped.
struct Selector: ~Copyable {
    private struct Slot {
        var target: (any ReadyTarget)?
        var id: UInt32 = 0
    }

    private let epoll: Descriptor
    private var slots: [Slot] = []
    private var nextID: UInt32 = 0
    private let batch = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 512)

    init() throws(SystemCallError) {
        epoll = Descriptor(
            adopting: try SystemCall.run("epoll_create1") { epoll_create1(CInt(EPOLL_CLOEXEC)) }
        )
    }

    deinit {
        batch.deallocate()
    }

    /// Watches `descriptor` for `events` on behalf of `target`.
    mutating func register(
        _ descriptor: CInt,
        _ events: ReadyEvents,
        _ target: any ReadyTarget
    ) throws(SystemCallError) -> Registration {
        nextID &+= 1
        let registration = Registration(descriptor: descriptor, id: nextID)
        try control(EPOLL_CTL_ADD, registration, events)
        let index = Int(descriptor)
        while slots.count <= index { slots.append(Slot()) }
        slots[index] = Slot(target: target, id: nextID)
        return registration
    }

    /// Changes what is watched.
    mutating func change(_ registration: Registration, to events: ReadyEvents) {
        do {
            try control(EPOLL_CTL_MOD, registration, events)
        } catch {
            preconditionFailure("epoll refused to change a registration: \(error)")
        }
    }

    /// Ends a registration; the descriptor is still open.
    mutating func deregister(_ registration: Registration) {
        slots[Int(registration.descriptor)] = Slot()
        do {
            try control(EPOLL_CTL_DEL, registration, [])
        } catch {
            preconditionFailure("epoll refused to end a registration: \(error)")
        }
    }

    /// All who are registered.
    var targets: [any ReadyTarget] { slots.compactMap(\.target) }

    /// Forgets who is registered.
    mutating func removeAll() {
        var left: [Slot] = []
        swap(&left, &slots)
    }

    /// The blocking wait; apart from everything else so that profiles show it so.
    @inline(never)
    mutating func wait(milliseconds: CInt) -> Int {
        let count = epoll_wait(epoll.number, batch.baseAddress, CInt(batch.count), milliseconds)
        precondition(count >= 0 || clinux_errno() == EINTR, "epoll_wait failed")
        return max(Int(count), 0)
    }

    /// Who the event at `index` of the last batch is for; nil if the registration has ended.
    func target(at index: Int) -> (any ReadyTarget, ReadyEvents)? {
        let event = batch[index]
        let slot = slots[Int(event.data.u64 & 0xFFFF_FFFF)]
        guard slot.id == UInt32(event.data.u64 >> 32), let target = slot.target else { return nil }
        return (target, ReadyEvents(rawValue: event.events))
    }

    private func control(
        _ operation: CInt,
        _ registration: Registration,
        _ events: ReadyEvents
    ) throws(SystemCallError) {
        var event = epoll_event()
        event.events = events.rawValue
        event.data.u64 = UInt64(registration.id) << 32 | UInt64(UInt32(registration.descriptor))
        _ = try SystemCall.run("epoll_ctl") {
            epoll_ctl(epoll.number, operation, registration.descriptor, &event)
        }
    }
}
