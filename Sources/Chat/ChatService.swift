package import SocketIO

/// The chat's rules on a server: rooms, messages, and what is logged of them.
///
/// The article's events, `joinRoom`, `message` and `all`, and beyond them `leaveRoom` and `echo`.
/// A request that is wrong is answered by the ack `{error: {code, message}}`, or by the event
/// `error {code, message}` where no ack was asked for.
package struct ChatService: Sendable {
    private let server: Server
    private let limits: ChatLimits
    private let log: ChatLog
    private let members: Members

    /// Prepares the rules for `server`.
    package init(server: Server, limits: ChatLimits, log: ChatLog) {
        self.server = server
        self.limits = limits
        self.log = log
        members = Members(maxRoomsPerSocket: limits.maxRoomsPerSocket)
    }

    /// Makes every socket of the server's namespace `/` a chat client.
    package func install() {
        server.onConnection { socket in connect(socket) }
    }

    private func connect(_ socket: Socket) {
        // Without a name of its own a client goes by its id.
        let name = socket.handshake.auth["name"] ?? ""
        let who = name.isEmpty ? socket.id : name
        members.connect(socket.id)
        log.info("connected", ["who": .text(who), "address": .text(socket.handshake.address)])
        socket.onDisconnect { reason in
            members.disconnect(socket.id)
            log.info("disconnected", ["who": .text(who), "reason": .text(reason.rawValue)])
        }
        socket.on("echo") { (arguments: Arguments) in arguments }
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
        let room = try JoinRoom(request, limits: limits).room
        let count = try members.join(room, socket: socket.id)
        if !socket.rooms.contains(Room(room)) {
            socket.join(Room(room))
            log.info("joined", ["who": .text(who), "room": .text(room), "members": .number(count)])
        }
        return RoomReply(room: room, members: count)
    }

    private func leave(_ request: ChatRequest, _ socket: Socket, _ who: String) throws -> RoomReply
    {
        let room = try LeaveRoom(request, limits: limits).room
        let count = members.leave(room, socket: socket.id)
        if socket.rooms.contains(Room(room)) {
            socket.leave(Room(room))
            log.info("left", ["who": .text(who), "room": .text(room), "members": .number(count)])
        }
        return RoomReply(room: room, members: count)
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
