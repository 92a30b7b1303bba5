import Bytes
import EngineIO
import SocketIOProtocol

/// One loop's part of a namespace: its sockets and their rooms.
///
/// Owned by that loop.
final class LocalNamespace {
    private var table = RoomTable<SocketState>()

    /// Whether nobody is in it, nor in any room.
    var isEmpty: Bool { table.count == 0 && table.roomCount == 0 }

    /// Enters a socket that is about to connect; it receives nothing before it has.
    func add(_ socket: SocketState) -> Int32 {
        table.add(socket)
    }

    /// Takes a socket out of its rooms and forgets it.
    ///
    /// - Returns: The rooms it was in.
    func remove(_ slot: Int32) -> [Room] {
        let rooms = table.rooms(of: slot).map { Room($0) }
        _ = table.remove(slot)
        return rooms
    }

    /// False if the socket was in the room already.
    func join(_ slot: Int32, _ room: Room) -> Bool {
        table.join(slot, room.name).isNewMember
    }

    /// False if the socket was not in the room.
    func leave(_ slot: Int32, _ room: Room) -> Bool {
        table.leave(slot, room.name).wasMember
    }

    func deliver(_ packet: EncodedPacket, _ options: BroadcastOptions) {
        var tickets: PacketTickets?
        forEach(options) { socket in
            guard !options.isVolatile || socket.isWritable else { return }
            let enlisted = tickets ?? packet.enlist(on: socket.loop)
            tickets = enlisted
            socket.send(packet, enlisted)
        }
    }

    func deliver(
        _ packet: EncodedPacket,
        _ options: BroadcastOptions,
        ackID: UInt64,
        _ acks: BroadcastAcks
    ) {
        var count = 0
        forEach(options) { socket in
            guard !options.isVolatile || socket.isWritable else { return }
            count += 1
            // The timeout forgets the ack here; that of the whole broadcast decides.
            socket.expectAck(ackID, timeout: options.timeout) { result in
                switch result {
                case .success(let response): acks.received(response)
                case .failure(AckFailure.timedOut): break
                case .failure: acks.received(nil)
                }
            }
            socket.send(packet)
        }
        acks.sourceReported(clients: count)
    }

    /// The connected sockets that `options` selects, for operations that change rooms.
    func selected(_ options: BroadcastOptions) -> [SocketState] {
        var list: [SocketState] = []
        forEach(options) { list.append($0) }
        return list
    }

    private func forEach(_ options: BroadcastOptions, _ body: (SocketState) -> Void) {
        // A snapshot: who leaves meanwhile is no longer connected.
        let members = table.members(
            of: options.rooms.map(\.name),
            except: options.except.map(\.name)
        )
        members.forEachMember { if $0.isConnected { body($0) } }
    }
}
