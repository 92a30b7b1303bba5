import Support
import Testing

@testable import Loop

@Suite("Timer wheel")
struct TimerWheelTests {
    /// A timer with a name.
    private final class Named: TimerTarget {
        let id: Int
        init(_ id: Int) { self.id = id }
        func timerFired(_ tag: UInt8) {}
    }

    /// Distances that end in each level, at its borders, and beyond the horizon.
    private static let distances: [UInt64] = [
        0, 1, 2, 62, 63, 64, 65, 127, 128, 4_095, 4_096, 4_097, 262_143, 262_144, 262_145,
        16_777_214, 16_777_215, 16_777_216, 16_777_217, 20_000_000,
    ]
    private static let starts: [UInt64] = [0, 1, 63, 64, 4_095, 4_096, 262_143, 16_777_215]

    @Test("a timer fires at its tick, not before, from any start", arguments: starts)
    func exact(start: UInt64) {
        for distance in Self.distances {
            var wheel = TimerWheel(currentTick: start)
            _ = wheel.schedule(Named(1), tag: 7, at: start + distance)
            let due = max(start + distance, start + 1)
            let early = wheel.takeExpired(upTo: due - 1)
            #expect(early == nil, "distance \(distance)")
            let fired = wheel.takeExpired(upTo: due)
            #expect(fired?.tag == 7, "distance \(distance)")
            #expect(wheel.count == 0)
            #expect(wheel.nextTick == nil)
        }
    }

    @Test("waiting from nextTick to nextTick is never too long, and short", arguments: starts)
    func nextTick(start: UInt64) throws {
        for distance in Self.distances {
            var wheel = TimerWheel(currentTick: start)
            _ = wheel.schedule(Named(1), tag: 0, at: start + distance)
            let due = max(start + distance, start + 1)
            var waits = 0
            while wheel.count > 0 {
                let tick = try #require(wheel.nextTick)
                #expect(tick > wheel.currentTick && tick <= due)
                while wheel.takeExpired(upTo: tick) != nil { #expect(tick == due) }
                waits += 1
            }
            #expect(waits <= 10)
        }
    }

    @Test(
        "random schedules and cancels fire as in a naive model",
        arguments: 0..<20 as Range<UInt64>
    )
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let start = UInt64.random(in: 0..<1 << 26, using: &random)
        var wheel = TimerWheel(currentTick: start)
        var armed: [Int: (due: UInt64, token: TimerToken)] = [:]
        var stale: [TimerToken] = []
        for id in 0..<4_000 {
            let now = wheel.currentTick
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let reach = UInt64(1) << UInt64.random(in: 0...20, using: &random)
                let tick = now + UInt64.random(in: 0...reach, using: &random)
                let token = wheel.schedule(Named(id), tag: UInt8(id & 0xFF), at: tick)
                armed[id] = (max(tick, now + 1), token)
            case 5:
                if let id = armed.keys.min() {
                    wheel.cancel(armed[id]?.token ?? .none)
                    if let token = armed.removeValue(forKey: id)?.token { stale.append(token) }
                }
            case 6:
                // Names nothing any more, though its place may be in use again.
                wheel.cancel(stale.randomElement(using: &random) ?? .none)
                wheel.cancel(.none)
            default:
                let reach = UInt64(1) << UInt64.random(in: 0...14, using: &random)
                let until = now + UInt64.random(in: 0...reach, using: &random)
                let earliest = armed.values.map(\.due).min()
                let next = wheel.nextTick
                #expect((next == nil) == (earliest == nil))
                if let next, let earliest { #expect(next > now && next <= earliest) }
                while let (target, tag) = wheel.takeExpired(upTo: until) {
                    guard let id = (target as? Named)?.id else { continue }
                    let entry = armed.removeValue(forKey: id)
                    #expect(entry?.due == wheel.currentTick)
                    #expect(tag == UInt8(id & 0xFF))
                    if let token = entry?.token { stale.append(token) }
                }
                #expect(wheel.currentTick == until)
                #expect(armed.values.allSatisfy { $0.due > until })
            }
            #expect(wheel.count == armed.count)
        }
    }

    @Test("a timer armed while others fire gets its own tick")
    func rearming() {
        var wheel = TimerWheel(currentTick: 100)
        _ = wheel.schedule(Named(0), tag: 0, at: 110)
        var ticks: [UInt64] = []
        while let (target, _) = wheel.takeExpired(upTo: 200) {
            ticks.append(wheel.currentTick)
            _ = wheel.schedule(target, tag: 0, at: wheel.currentTick + 25)
        }
        #expect(ticks == [110, 135, 160, 185])
        #expect(wheel.count == 1)
    }

    @Test("a timer cancelled by one of its own tick does not fire")
    func cancelledWhileFiring() {
        var wheel = TimerWheel(currentTick: 0)
        let tokens = (0..<2).map { wheel.schedule(Named($0), tag: UInt8($0), at: 5) }
        var fired: [UInt8] = []
        while let (_, tag) = wheel.takeExpired(upTo: 9) {
            fired.append(tag)
            for token in tokens { wheel.cancel(token) }
        }
        #expect(fired.count == 1)
        #expect(wheel.count == 0)
    }
}
