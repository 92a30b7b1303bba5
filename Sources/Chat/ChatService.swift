package import SocketIO

/// The chat's rules on a server: rooms, messages, and what is logged of them.
///
/// The article's events, `joinRoom`, `message` and `all`, and beyond them `leaveRoom`, `echo`,
/// `whoami`, and `presence` to those who join a room with `presence: true`. A request that is wrong is answered by the ack `{error: {code, message}}`, or by the event
/// `error {code, message}` where no ack was asked for.
package struct ChatService: Sendable {
    private let server: Server
    private let limits: ChatLimits
    private let log: ChatLog
    private let cluster: ChatCluster
    private let driver: PresenceDriver

    /// Prepares the rules for `server`.
    package init(
        server: Server,
        limits: ChatLimits,
        log: ChatLog,
        cluster: ChatCluster = ChatCluster()
    ) {
        self.server = server
        self.limits = limits
        self.log = log
        self.cluster = cluster
        var options = cluster.presence
        options.maxRoomNameBytes = limits.maxRoomNameBytes
        driver = PresenceDriver(
            Presence(
                instance: Self.randomInstance(),
                replica: cluster.replica,
                isClustered: cluster.isClustered,
                maxRoomsPerSocket: limits.maxRoomsPerSocket,
                options: options
            ),
            options: options,
            // Weak, or the driver's task would keep a server that nobody uses any more.
            link: PresenceDriver.Link(
                send: { [weak server] message in
                    try server?.serverSideEmit(PresenceMessage.event, message)
                },
                publish: { [weak server] room, presence in
                    try server?.local.to(WatchRoom.of(room))
                        .emit("presence", PresenceEvent(room: room, presence))
                }
            ),
            log: log
        )
    }

    private static func randomInstance() -> String {
        var source = SystemRandomNumberGenerator()
        return "\(String(source.next(), radix: 36))-\(String(source.next(), radix: 36))"
    }

    /// Makes every socket of the server's namespace `/` a chat client.
    package func install() {
        server.onConnection { socket in connect(socket) }
        let driver = driver
        server.onServerSideEmit(PresenceMessage.event) { driver.receive($0) }
        // All our members go at once; that is one word to the other replicas.
        server.onShutdown { driver.stop() }
    }

    /// Begins to tell other replicas and watchers who is there.
    ///
    /// To be called once the server runs, for then its adapter hears what the others answer.
    package func start() {
        driver.start()
    }

    /// What is known of the other replicas; nil where there are none.
    package var presenceStatus: PresenceStatus? {
        cluster.isClustered ? driver.withPresence { $0.status } : nil
    }

    private func connect(_ socket: Socket) {
        // Without a name of its own a client goes by its id.
        let name = socket.handshake.auth["name"] ?? ""
        let who = name.isEmpty ? socket.id : name
        driver.withPresence { $0.connect(socket.id, name: who) }
        log.info("connected", ["who": .text(who), "address": .text(socket.handshake.address)])
        socket.onDisconnect { reason in
            driver.withPresence { _ = $0.disconnect(socket.id) }
            log.info("disconnected", ["who": .text(who), "reason": .text(reason.rawValue)])
        }
        socket.on("echo") { (arguments: Arguments) in arguments }
        socket.on("whoami") { () -> WhoAmIReply in
            WhoAmIReply(
                id: socket.id,
                name: who,
                replica: cluster.replica,
                address: socket.handshake.address,
                replicas: cluster.replicas
            )
        }
        handle("joinRoom", of: socket) { try Arguments(join($0, socket, who)) }
        handle("leaveRoom", of: socket) { try Arguments(leave($0, socket, who)) }
        handle("message", of: socket) { try say($0, who) }
        handle("all", of: socket) { try sayToAll($0, who) }
    }

    /// Handles `event` with `body`, and what `body` finds wrong with the request.
    private func handle(
        _ event: String,
        of socket: Socket,
        _ body: @escaping @Sendable (ChatRequest) throws -> Arguments
    ) {
        socket.on(event) { (arguments: Arguments) -> Arguments in
            do {
                return try body(request(arguments))
            } catch let error as ChatError {
                log.debug(
                    "refused",
                    [
                        "event": .text(event), "socket": .text(socket.id),
                        "code": .text(error.code),
                    ]
                )
                if !arguments.wantsAck { try socket.emit("error", error) }
                return try Arguments(ChatErrorReply(error))
            }
        }
    }

    /// The request that the first argument is.
    private func request(_ arguments: Arguments) throws -> ChatRequest {
        if arguments.isEmpty { return ChatRequest() }
        do {
            return try arguments.decode(ChatRequest.self, at: 0)
        } catch is ArgumentError {
            // JSON that Codable does not read, such as half a surrogate pair.
            throw ChatError.notAnObject
        }
    }

    private func join(_ request: ChatRequest, _ socket: Socket, _ who: String) throws -> RoomReply {
        let request = try JoinRoom(request, limits: limits)
        let name = request.room
        let watching = request.wantsPresence
        let (count, presence) = try driver.withPresence { presence throws(ChatError) in
            let count = try presence.join(name, socket: socket.id, watching: watching)
            return (count, watching ? presence.presence(in: name) : nil)
        }
        if !socket.rooms.contains(Room(name)) {
            socket.join(Room(name))
            log.info("joined", ["who": .text(who), "room": .text(name), "members": .number(count)])
        }
        if watching { socket.join(WatchRoom.of(name)) }
        return RoomReply(room: name, members: count, presence: presence)
    }

    private func leave(_ request: ChatRequest, _ socket: Socket, _ who: String) throws -> RoomReply
    {
        let name = try LeaveRoom(request, limits: limits).room
        let count = driver.withPresence { $0.leave(name, socket: socket.id) }
        if socket.rooms.contains(Room(name)) {
            socket.leave(Room(name))
            socket.leave(WatchRoom.of(name))
            log.info("left", ["who": .text(who), "room": .text(name), "members": .number(count)])
        }
        return RoomReply(room: name, members: count)
    }

    private func say(_ request: ChatRequest, _ who: String) throws -> Arguments {
        let message = try ChatMessage(request, limits: limits)
        log.info(
            "message",
            [
                "who": .text(who), "room": .text(message.room),
                "message": .text(message.message),
            ]
        )
        try server.to(Room(message.room)).emit("message", message.delivery)
        return Arguments()
    }

    private func sayToAll(_ request: ChatRequest, _ who: String) throws -> Arguments {
        let broadcast = try Broadcast(request, limits: limits)
        log.info("all", ["who": .text(who), "message": .text(broadcast.message)])
        try server.emit("all", broadcast)
        return Arguments()
    }
}
