import EngineIO
import Synchronization

// What waits for the client, as any thread may know it.
extension Client {
    func waits(byteCount: Int) {
        info.bufferedAmount.store(byteCount, ordering: .relaxed)
    }

    func packetsDropped(_ count: Int) {
        info.droppedPackets.add(count, ordering: .relaxed)
        core.counters.droppedPackets.add(count, ordering: .relaxed)
    }

    func sendQueueDrained() {
        for handler in drainHandlers where !isClosed { handler() }
    }

    func sendQueueOverflowed() { core.overflowed(session) }

    func addDrainHandler(_ handler: @escaping @Sendable () -> Void) {
        if !isClosed { drainHandlers.append(handler) }
    }
}
