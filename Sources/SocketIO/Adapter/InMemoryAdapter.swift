/// The adapter of a server that stands alone: everything is local.
public final class InMemoryAdapter: Adapter {
    private unowned let host: any AdapterHost
    private let recovery: InMemoryRecovery?

    /// An adapter for `host`, which outlives it; nothing is kept.
    public init(host: any AdapterHost) {
        self.host = host
        recovery = nil
    }

    init(host: any AdapterHost, recovery: InMemoryRecovery?) {
        self.host = host
        self.recovery = recovery
    }

    /// See `Adapter`.
    public func broadcast(_ packet: EventPacket, _ options: BroadcastOptions) {
        guard let recovery, !options.isVolatile else {
            host.deliver(packet, options, offset: nil)
            return
        }
        host.deliver(packet, options) { recovery.append(packet, options) }
    }

    /// See `Adapter`.
    public func broadcast(
        _ packet: EventPacket,
        _ options: BroadcastOptions,
        acks: BroadcastAcks
    ) {
        host.deliver(packet, options, acks: acks)
    }

    /// See `Adapter`.
    public func join(_ rooms: [Room], _ options: BroadcastOptions) {
        host.joinLocally(rooms, options)
    }

    /// See `Adapter`.
    public func leave(_ rooms: [Room], _ options: BroadcastOptions) {
        host.leaveLocally(rooms, options)
    }

    /// See `Adapter`.
    public func disconnect(_ options: BroadcastOptions, closing: Bool) {
        host.disconnectLocally(options, closing: closing)
    }

    /// See `Adapter`.
    public func fetchSockets(_ options: BroadcastOptions) async -> [SocketSnapshot] {
        await host.localSockets(options)
    }

    /// See `Adapter`.
    public func allRooms() async -> Set<Room> { host.localRooms }

    /// See `Adapter`.
    public var isRecovering: Bool { recovery != nil }

    /// See `Adapter`.
    public var position: String? { recovery?.position }

    /// See `Adapter`.
    public func persist(_ session: StoredSession) { recovery?.persist(session) }

    /// See `Adapter`.
    public func restore(privateID: String, offset: String?) async -> RestoredSession? {
        recovery?.restore(privateID, offset: offset)
    }

    /// See `Adapter`.
    public func packets(after position: String, for session: StoredSession) -> [StoredPacket]? {
        recovery?.packets(after: position, for: session)
    }
}
