/// The adapter of a server that stands alone: everything is local.
public final class InMemoryAdapter: Adapter {
    private unowned let host: any AdapterHost

    /// An adapter for `host`, which outlives it.
    public init(host: any AdapterHost) {
        self.host = host
    }

    /// See `Adapter`.
    public func broadcast(_ packet: EventPacket, _ options: BroadcastOptions) {
        host.deliver(packet, options, offset: nil)
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
}
