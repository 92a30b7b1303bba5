import Loop
import SocketIO

/// An adapter that relays every operation to the other servers of a cluster.
///
/// What concerns sockets of this server is done at once, so it goes on when the others cannot be
/// reached; what comes back from the wire is the others' alone. From any thread.
final class ClusterAdapter<Transport: ClusterTransport>: Adapter {
    /// The namespace, while its server lives; messages may come later.
    private struct Host: Sendable {
        weak let namespace: (any AdapterHost)?
    }

    private let transport: Transport
    private let loop: EventLoop
    private let requestsTimeout: Duration
    private let pending = PendingRequests()
    private let box: Host

    private var host: (any AdapterHost)? { box.namespace }

    /// The adapter of `host`, whose timeouts run on `loop`; deaf until `start`.
    init(
        host: any AdapterHost,
        transport: Transport,
        loop: EventLoop,
        requestsTimeout: Duration
    ) {
        box = Host(namespace: host)
        self.transport = transport
        self.loop = loop
        self.requestsTimeout = requestsTimeout
    }

    /// Begins to hear the other servers.
    func start() {
        let box = box
        transport.start(
            wants: { box.namespace?.hasLocalMembers($0) ?? false },
            { [weak self] in self?.received($0) }
        )
    }

    func ready() async { await transport.ready() }

    func close() async { await transport.close() }

    func roomCreated(_ room: Room) { transport.roomCreated(room) }

    func roomDeleted(_ room: Room) { transport.roomDeleted(room) }

    func serverCount() async throws -> Int { try await transport.serverCount() }

    // MARK: Operations of this server

    func broadcast(_ packet: EventPacket, _ options: BroadcastOptions) {
        transport.publish(.broadcast(packet, options, requestID: nil))
        host?.deliver(packet, options, offset: nil)
    }

    func broadcast(_ packet: EventPacket, _ options: BroadcastOptions, acks: BroadcastAcks) {
        let id = transport.makeRequestID()
        // Until it is known who will report; without the others it stays open for the timeout.
        acks.hold()
        // Before the first answer can come.
        pending.add(.acks(acks), id: id)
        forget(id, after: options.timeout ?? requestsTimeout)
        transport.publish(.broadcast(packet, options, requestID: id))
        host?.deliver(packet, options, acks: acks)
        Task.detached { [transport] in
            guard let servers = try? await transport.serverCount() else {
                // Nobody knows who is missing: the timeout will say that somebody may be.
                return
            }
            acks.expectSources(max(servers - 1, 0))
            acks.release()
        }
    }

    func join(_ rooms: [Room], _ options: BroadcastOptions) {
        transport.publish(.join(rooms, options))
        host?.joinLocally(rooms, options)
    }

    func leave(_ rooms: [Room], _ options: BroadcastOptions) {
        transport.publish(.leave(rooms, options))
        host?.leaveLocally(rooms, options)
    }

    func disconnect(_ options: BroadcastOptions, closing: Bool) {
        transport.publish(.disconnect(options, closing: closing))
        host?.disconnectLocally(options, closing: closing)
    }

    func fetchSockets(_ options: BroadcastOptions) async throws -> [SocketSnapshot] {
        let own = await host?.localSockets(options) ?? []
        return try await gather(
            ResponseCollector(answered: 1, responses: own),
            timeout: options.timeout ?? requestsTimeout
        ) {
            .fetchSockets(options, requestID: $0)
        } as: {
            .sockets($0)
        }
    }

    func allRooms() async throws -> Set<Room> {
        guard transport.canFetchRooms else {
            let sockets = try await fetchSockets(BroadcastOptions())
            return sockets.reduce(into: []) { $0.formUnion($1.rooms) }
        }
        let own = Array(host?.localRooms ?? [])
        let rooms = try await gather(
            ResponseCollector(answered: 1, responses: own),
            timeout: requestsTimeout
        ) {
            .fetchRooms(requestID: $0)
        } as: {
            .rooms($0)
        }
        return Set(rooms)
    }

    func serverSideEmit(_ packet: EventPacket) {
        transport.publish(.serverSideEmit(packet, requestID: nil))
    }

    func serverSideEmitWithAck(
        _ packet: EventPacket,
        timeout: Duration
    ) async throws -> [Arguments] {
        try await gather(ResponseCollector(), timeout: timeout, countsThis: false) {
            .serverSideEmit(packet, requestID: $0)
        } as: {
            .serverSideAnswers($0)
        }
    }

    /// Asks the other servers; `timeout` is for everything, counting them included.
    private func gather<Response: Sendable>(
        _ collector: ResponseCollector<Response>,
        timeout: Duration,
        countsThis: Bool = true,
        _ message: (String) -> ClusterMessage,
        as request: (ResponseCollector<Response>) -> PendingRequests.Request
    ) async throws -> [Response] {
        let id = transport.makeRequestID()
        pending.add(request(collector), id: id)
        let timer = LoopTimer(on: loop)
        timer.start(after: timeout) { collector.expire() }
        defer {
            timer.cancel()
            pending.remove(id)
        }
        let message = message(id)
        Task.detached { [transport] in
            do {
                let servers = try await transport.serverCount()
                if servers > 1 { transport.publish(message) }
                collector.expect(countsThis ? servers : servers - 1)
            } catch {
                collector.fail(error)
            }
        }
        return try await collector.value()
    }

    private func forget(_ id: String, after delay: Duration) {
        LoopTimer(on: loop).start(after: delay) { [pending] in pending.remove(id) }
    }

    // MARK: Messages of other servers

    private func received(_ received: ReceivedMessage) {
        guard received.sender != transport.uid, let host else { return }
        if let socket = received.onlySocket, !host.hasLocalMembers(socket) { return }
        carryOut(received.message, of: received.sender, on: host)
        if let id = received.receiptID {
            transport.publish(.receipt(requestID: id), to: received.sender)
        }
    }

    private func carryOut(
        _ message: ClusterMessage,
        of sender: String?,
        on host: any AdapterHost
    ) {
        switch message {
        case .broadcast(let packet, let options, nil):
            host.deliver(packet, options, offset: nil)
        case .broadcast(let packet, var options, let id?):
            if options.timeout == nil { options.timeout = requestsTimeout }
            host.deliver(packet, options, acks: relay(id, to: sender))
        case .join(let rooms, let options):
            host.joinLocally(rooms, options)
        case .leave(let rooms, let options):
            host.leaveLocally(rooms, options)
        case .disconnect(let options, let closing):
            host.disconnectLocally(options, closing: closing)
        case .fetchSockets(let options, let id):
            answer { [transport] in
                let sockets = await host.localSockets(options)
                transport.publish(.sockets(sockets, requestID: id), to: sender)
            }
        case .fetchRooms(let id):
            transport.publish(.rooms(Array(host.localRooms), requestID: id), to: sender)
        case .fetchIDs(let rooms, let id):
            var options = BroadcastOptions()
            options.rooms = rooms
            let selection = options
            answer { [transport] in
                let ids = await host.localSockets(selection).map(\.id)
                transport.publish(.ids(ids, requestID: id), to: sender)
            }
        case .serverSideEmit(let packet, let id):
            guard let id else {
                host.receivedServerSideEmit(packet, reply: nil)
                return
            }
            host.receivedServerSideEmit(packet) { [transport] answer in
                transport.publish(.serverSideAnswer(answer, requestID: id), to: sender)
            }
        case .sockets, .rooms, .ids, .serverSideAnswer, .clientCount, .ack, .clientLeft, .receipt:
            pending.received(message, from: sender)
        }
    }

    /// Runs what has to wait for other loops.
    private func answer(
        _ body: nonisolated(nonsending) @escaping @Sendable () async -> Void
    ) {
        loop.execute { [loop] in loop.startTask(body) }
    }

    /// Sends the acknowledgements of this server's sockets to the server that broadcasts.
    private func relay(_ id: String, to sender: String?) -> BroadcastAcks {
        BroadcastAcks(
            onClientCount: { [transport] count in
                transport.publish(.clientCount(count, requestID: id), to: sender)
            },
            onResponse: { [transport] response in
                let message: ClusterMessage =
                    response.map { .ack($0, requestID: id) } ?? .clientLeft(requestID: id)
                transport.publish(message, to: sender)
            }
        )
    }
}
