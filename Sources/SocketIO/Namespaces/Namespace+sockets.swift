/// The sockets of this server themselves, where `fetchSockets` gives descriptions of all servers'.
extension Namespace {
    /// The connected sockets of this server, in no order.
    public func sockets() async -> [Socket] {
        await sockets(BroadcastOptions())
    }

    /// The connected socket `id` of this server; nil if there is none, or it has left its own room.
    public func socket(_ id: String) async -> Socket? {
        var options = BroadcastOptions()
        options.rooms = [Room(id)]
        return await sockets(options).first { $0.id == id }
    }
}
