import Bytes
import EngineIO
import Loop
import SocketIOProtocol

/// One loop's part of a namespace: its sockets and their rooms.
///
/// Owned by that loop.
final class LocalNamespace {
    private unowned let loop: EventLoop
    private var table = RoomTable<SocketState>()
    /// How many of its sockets have listeners of outgoing events.
    var outgoingObservers = 0
    /// The offset of the last packet that was delivered in order.
    private(set) var position: String?

    init(loop: EventLoop) {
        self.loop = loop
    }

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

    func deliver(
        _ packet: EncodedPacket,
        of event: EventPacket,
        _ options: BroadcastOptions
    ) {
        if outgoingObservers > 0 { showOutgoing(event, options) }
        let tickets = packet.enlist(on: loop)
        let members = members(options)
        if packet.attachments.isEmpty, !options.isVolatile {
            // The usual broadcast, with as little between member and connection as there can be.
            let text = packet.text
            let ticket = tickets.text
            members.forEachMember { $0.send(text, ticket) }
        } else {
            members.forEachMember { socket in
                if !options.isVolatile || socket.takesVolatile { socket.send(packet, tickets) }
            }
        }
    }

    /// As `deliver`, for one of the deliveries that all loops make in order.
    func deliver(
        _ packet: EncodedPacket,
        of event: EventPacket,
        _ options: BroadcastOptions,
        _ place: (number: UInt64, offset: String)
    ) {
        let tickets = packet.enlist(on: loop)
        forEach(options) { socket in
            if let recovery = socket.recovery {
                // Who has recovered meanwhile has it already.
                guard place.number > recovery.caughtUp else { return }
                recovery.sent.append(place.offset)
            }
            socket.presentObservers?.sends(event, on: socket)
            socket.send(packet, tickets)
        }
        position = place.offset
    }

    /// Shows an event to those receivers that listen to what they are sent.
    private func showOutgoing(_ event: EventPacket, _ options: BroadcastOptions) {
        forEach(options) { socket in
            if !options.isVolatile || socket.takesVolatile {
                socket.presentObservers?.sends(event, on: socket)
            }
        }
    }

    func deliver(
        _ packet: EncodedPacket,
        of event: EventPacket,
        _ options: BroadcastOptions,
        ackID: UInt64,
        _ acks: BroadcastAcks
    ) {
        var count = 0
        let tickets = packet.enlist(on: loop)
        forEach(options) { socket in
            guard !options.isVolatile || socket.takesVolatile else { return }
            count += 1
            // The timeout forgets the ack here; that of the whole broadcast decides.
            socket.expectAck(ackID, timeout: options.timeout) { result in
                switch result {
                case .success(let response): acks.received(response)
                case .failure(AckFailure.timedOut): break
                case .failure: acks.received(nil)
                }
            }
            socket.presentObservers?.sends(event, on: socket)
            socket.send(packet, tickets)
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
        members(options).forEachMember { if $0.isConnected { body($0) } }
    }

    /// A snapshot: who leaves meanwhile is no longer connected.
    private func members(_ options: BroadcastOptions) -> RoomSelection<SocketState> {
        table.members(of: options.rooms.map(\.name), except: options.except.map(\.name))
    }
}
