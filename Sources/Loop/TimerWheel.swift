/// What a timer wakes.
package protocol TimerTarget: AnyObject {
    /// The timer that was armed with `tag` has run out; called on the loop.
    func timerFired(_ tag: UInt8)
}

/// Names an armed timer; stale once it has fired or was cancelled.
package struct TimerToken: Equatable, Sendable {
    fileprivate let index: Int32
    fileprivate let generation: UInt32

    /// A token that names no timer.
    package static let none = TimerToken(index: -1, generation: 0)
}

/// A hierarchical timing wheel: four levels of 64 slots over ticks of 10 ms.
///
/// Arming, cancelling and firing cost a few stores; no heap, no allocation per timer beyond the
/// slab. A timer fires up to one tick late, never early. The wheel reads no clock: ticks come in.
struct TimerWheel {
    static let nanosecondsPerTick: UInt64 = 10_000_000
    private static let levels = 4
    private static let slots = 64
    /// The farthest a slot can lie ahead: 64⁴ ticks, 46 hours; later timers are linked again then.
    private static let horizon: UInt64 = 1 << 24

    private struct Entry {
        var target: (any TimerTarget)?
        var deadline: UInt64 = 0
        var next: Int32 = -1
        var previous: Int32 = -1
        var generation: UInt32 = 0
        var slot: Int16 = -1
        var tag: UInt8 = 0
    }

    private var entries: [Entry] = []
    private var firstFree: Int32 = -1
    private var heads = [Int32](repeating: -1, count: levels * slots)
    private var occupied: [4 of UInt64] = [0, 0, 0, 0]
    private(set) var currentTick: UInt64
    private(set) var count = 0

    init(currentTick: UInt64) {
        self.currentTick = currentTick
    }

    /// Arms a timer that fires when `advance(to:)` reaches `tick`.
    mutating func schedule(
        _ target: any TimerTarget,
        tag: UInt8,
        at tick: UInt64
    ) -> TimerToken {
        let index: Int32
        if firstFree >= 0 {
            index = firstFree
            firstFree = entries[Int(index)].next
        } else {
            index = Int32(entries.count)
            entries.append(Entry())
        }
        entries[Int(index)].target = target
        entries[Int(index)].tag = tag
        entries[Int(index)].deadline = max(tick, currentTick + 1)
        link(index)
        count += 1
        return TimerToken(index: index, generation: entries[Int(index)].generation)
    }

    /// Disarms and gives the target back; does nothing if `token` is stale.
    @discardableResult
    mutating func cancel(_ token: TimerToken) -> (any TimerTarget)? {
        let index = Int(token.index)
        guard entries.indices.contains(index), entries[index].generation == token.generation else {
            return nil
        }
        let target = entries[index].target
        unlink(token.index)
        release(token.index)
        return target
    }

    /// Moves time towards `tick`, up to the next timer that has run out, and takes that timer.
    ///
    /// One at a time, so that whoever is called may cancel others of the same tick. `currentTick`
    /// is the timer's tick then; nil when time has reached `tick` and nothing is due any more.
    mutating func takeExpired(upTo tick: UInt64) -> (target: any TimerTarget, tag: UInt8)? {
        while true {
            // The slot of the current tick holds nothing later: that is at least a tick away.
            let index = heads[Int(currentTick & 63)]
            if index >= 0 {
                let entry = entries[Int(index)]
                unlink(index)
                release(index)
                if let target = entry.target { return (target, entry.tag) }
            } else if currentTick >= tick {
                return nil
            } else {
                // Nothing fires or is handed down in between.
                currentTick = min(nextTick ?? tick, tick)
                var level = 1
                while level < Self.levels, currentTick & ((1 << (6 * UInt64(level))) - 1) == 0 {
                    cascade(level)
                    level += 1
                }
            }
        }
    }

    /// The next tick at which something may be due (a timer, or a level to hand down), or nil.
    var nextTick: UInt64? {
        guard count > 0 else { return nil }
        var earliest: UInt64?
        for level in 0..<Self.levels where occupied[level] != 0 {
            let shift = UInt64(6 * level)
            let position = currentTick >> shift
            // Rotate so that bit 0 is the slot after the current one.
            let start = (position + 1) & 63
            let map = occupied[level]
            let rotated = start == 0 ? map : (map >> start) | (map << (64 - start))
            let tick = (position + 1 + UInt64(rotated.trailingZeroBitCount)) << shift
            earliest = min(earliest ?? tick, tick)
        }
        return earliest
    }

    private mutating func link(_ index: Int32) {
        let deadline = min(entries[Int(index)].deadline, currentTick + Self.horizon - 1)
        let distance = deadline &- currentTick
        var level = 0
        while level < Self.levels - 1, distance >= 1 << (6 * UInt64(level + 1)) { level += 1 }
        let position = Int((deadline >> (6 * UInt64(level))) & 63)
        let slot = level * Self.slots + position
        let head = heads[slot]
        entries[Int(index)].slot = Int16(slot)
        entries[Int(index)].previous = -1
        entries[Int(index)].next = head
        if head >= 0 { entries[Int(head)].previous = index }
        heads[slot] = index
        occupied[level] |= 1 << UInt64(position)
    }

    private mutating func unlink(_ index: Int32) {
        let entry = entries[Int(index)]
        if entry.next >= 0 { entries[Int(entry.next)].previous = entry.previous }
        if entry.previous >= 0 {
            entries[Int(entry.previous)].next = entry.next
        } else {
            heads[Int(entry.slot)] = entry.next
            if entry.next < 0 {
                occupied[Int(entry.slot) / 64] &= ~(1 << UInt64(entry.slot & 63))
            }
        }
    }

    private mutating func release(_ index: Int32) {
        entries[Int(index)].target = nil
        entries[Int(index)].generation &+= 1
        entries[Int(index)].next = firstFree
        firstFree = index
        count -= 1
    }

    private mutating func cascade(_ level: Int) {
        let slot = level * Self.slots + Int((currentTick >> (6 * UInt64(level))) & 63)
        var index = heads[slot]
        heads[slot] = -1
        occupied[level] &= ~(1 << UInt64(slot & 63))
        while index >= 0 {
            let next = entries[Int(index)].next
            link(index)
            index = next
        }
    }
}
