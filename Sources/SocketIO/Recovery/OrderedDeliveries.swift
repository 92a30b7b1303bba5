import Loop
import Synchronization

/// The deliveries of one namespace that all loops make in the same order (protocol.md §20).
///
/// A client that has received a packet with an offset has received all before it: only so can it
/// say by one offset what it has. The offset is given and all loops are told under one lock; each
/// loop's mailbox keeps the order. Usable from any thread.
final class OrderedDeliveries: Sendable {
    /// The number of the last delivery.
    private let last = Mutex<UInt64>(0)

    /// Delivers a packet under the offset that `offset` gives.
    func deliver(
        _ packet: EventPacket,
        _ options: BroadcastOptions,
        in namespace: Namespace,
        _ offset: () -> String
    ) {
        last.withLock { last in
            last += 1
            let number = last
            let offset = offset()
            let encoded = packet.withOffset(offset).encoded(
                as: namespace.core.packetFormat,
                namespace: namespace.wireName,
                isCompressible: options.isCompressed
            )
            for local in namespace.locals {
                local.post { $0.deliver(encoded, of: packet, options, (number, offset)) }
            }
        }
    }

    /// Runs `body` while nothing is delivered.
    ///
    /// - Returns: Its result, and the number of the last delivery before.
    func atStandstill<Result>(_ body: () -> Result) -> (Result, number: UInt64) {
        last.withLock { (body(), $0) }
    }
}
