import Synchronization

/// What a server has counted since it was made; a snapshot for a metrics page or a log.
///
/// The counts only grow, and are read one after the other, not all at one moment.
public struct ServerStatistics: Sendable, Equatable {
    /// Messages and bodies above `ServerOptions.maxHTTPBufferSize`.
    public internal(set) var oversizedPayloads = 0
    /// Packets that a send queue's policy has dropped, an event with its attachments being one.
    public internal(set) var droppedPackets = 0
    /// Connections closed because more waited for their client than may.
    public internal(set) var sendQueueOverflows = 0
    /// Packets of clients that were dropped for a rate limit.
    public internal(set) var limitedPackets = 0
    /// New connections that were refused for a rate limit.
    public internal(set) var limitedHandshakes = 0
    /// Clients that were disconnected for a rate limit.
    public internal(set) var limitedClients = 0
}

/// The counters behind `ServerStatistics`; any thread adds to them.
final class ServerCounters: Sendable {
    let oversizedPayloads = Atomic<Int>(0)
    let droppedPackets = Atomic<Int>(0)
    let sendQueueOverflows = Atomic<Int>(0)
    let limitedPackets = Atomic<Int>(0)
    let limitedHandshakes = Atomic<Int>(0)
    let limitedClients = Atomic<Int>(0)

    /// What they say at present.
    var statistics: ServerStatistics {
        var statistics = ServerStatistics()
        statistics.oversizedPayloads = oversizedPayloads.load(ordering: .relaxed)
        statistics.droppedPackets = droppedPackets.load(ordering: .relaxed)
        statistics.sendQueueOverflows = sendQueueOverflows.load(ordering: .relaxed)
        statistics.limitedPackets = limitedPackets.load(ordering: .relaxed)
        statistics.limitedHandshakes = limitedHandshakes.load(ordering: .relaxed)
        statistics.limitedClients = limitedClients.load(ordering: .relaxed)
        return statistics
    }
}

extension Server {
    /// What the server has counted so far; from any thread.
    public var statistics: ServerStatistics { core.counters.statistics }
}
