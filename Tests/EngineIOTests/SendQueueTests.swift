import Bytes
import Support
import Testing

@testable import EngineIO

@Suite("What waits for a slow client")
struct SendQueueTests {
    /// A unit as a model keeps it: its role, and the sizes of its packets.
    private struct Unit: Equatable {
        let role: OutgoingPacket.Role
        var sizes: [Int]

        var byteCount: Int { sizes.reduce(0, +) }
    }

    private static func packet(_ role: OutgoingPacket.Role, size: Int) -> OutgoingPacket {
        // The frame's header has two bytes.
        var packet = OutgoingPacket(binary: SharedBytes([UInt8](repeating: 0, count: size)).bytes)
        packet.role = role
        return packet
    }

    private static func mayDrop(_ role: OutgoingPacket.Role, _ policy: SendQueuePolicy) -> Bool {
        switch policy {
        case .disconnect: false
        case .dropVolatile: role == .volatileEvent
        case .dropOldest: role == .volatileEvent || role == .event
        }
    }

    /// Takes a unit from the queue.
    private static func take(_ queue: inout SendQueue) -> Unit? {
        guard let packet = queue.takePacket() else { return nil }
        var unit = Unit(role: packet.role, sizes: [packet.frame.count])
        while let attachment = queue.takeAttachment() { unit.sizes.append(attachment.frame.count) }
        return unit
    }

    @Test(
        "Whatever happens, units leave whole and in order, and only the oldest that may be go",
        arguments: [SendQueuePolicy.disconnect, .dropVolatile, .dropOldest],
        UInt64(1)...2
    )
    func model(policy: SendQueuePolicy, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var queue = SendQueue(policy: policy)
        var model: [Unit] = []
        let roles: [OutgoingPacket.Role] = [.required, .event, .event, .event, .volatileEvent]
        for step in 0..<2000 {
            if random.next() % 16 < 11 {
                var role = roles[Int(random.next() % UInt64(roles.count))]
                // An attachment whose packet has left before.
                if model.isEmpty, step % 3 == 0 { role = .attachment }
                var unit = Unit(role: role, sizes: [])
                for index in 0...(random.next() % 4 == 0 ? random.next() % 5 : 0) {
                    let packet = Self.packet(
                        index == 0 ? role : .attachment,
                        size: Int(random.next() % 100)
                    )
                    unit.sizes.append(packet.frame.count)
                    queue.append(packet)
                }
                model.append(unit)
            } else {
                #expect(Self.take(&queue) == (model.isEmpty ? nil : model.removeFirst()))
            }
            if random.next() % 4 == 0 {
                let maxBytes = Int(random.next() % 10_000)
                let maxUnits = Int(random.next() % 400)
                let dropped = queue.makeRoom(maxBytes: maxBytes, maxUnits: maxUnits)
                var expected = 0
                while model.reduce(0, { $0 + $1.byteCount }) > maxBytes || model.count > maxUnits,
                    let index = model.dropLast().firstIndex(where: { Self.mayDrop($0.role, policy) }
                    )
                {
                    model.remove(at: index)
                    expected += 1
                }
                #expect(dropped == expected)
            }
            let droppable = model.filter { Self.mayDrop($0.role, policy) }
            let counts = [
                queue.unitCount, queue.byteCount, queue.droppableUnits, queue.droppableBytes,
            ]
            #expect(
                counts == [
                    model.count, model.reduce(0) { $0 + $1.byteCount },
                    droppable.count, droppable.reduce(0) { $0 + $1.byteCount },
                ]
            )
        }
        let rest = queue.takeAll().map(\.frame.count)
        #expect(rest == model.flatMap(\.sizes))
        let isEmpty = queue.isEmpty
        #expect(isEmpty)
    }
}
