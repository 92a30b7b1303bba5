import SocketIO

/// What servers of a cluster say to each other, whatever it looks like on the wire.
///
/// redis-wire.md has the forms: section 1 of the classic adapter, section 3 of the others.
enum ClusterMessage: Sendable {
    /// An event for sockets; with `requestID` their acknowledgements are wanted.
    case broadcast(EventPacket, BroadcastOptions, requestID: String?)
    case join([Room], BroadcastOptions)
    case leave([Room], BroadcastOptions)
    case disconnect(BroadcastOptions, closing: Bool)
    case fetchSockets(BroadcastOptions, requestID: String)
    case fetchRooms(requestID: String)
    /// The ids of the sockets in rooms; of old peers only.
    case fetchIDs([Room], requestID: String)
    /// An event for the app on the other servers; with `requestID` their answers are wanted.
    case serverSideEmit(EventPacket, requestID: String?)

    case sockets([SocketSnapshot], requestID: String)
    case rooms([Room], requestID: String)
    case ids([String], requestID: String)
    case serverSideAnswer(Arguments, requestID: String)
    /// How many sockets a broadcast was sent to.
    case clientCount(Int, requestID: String)
    /// One socket's acknowledgement.
    case ack(Arguments, requestID: String)
    /// One socket that was counted has disconnected; between our servers only, Node's ignore it.
    case clientLeft(requestID: String)
    /// A request of an old peer was carried out.
    case receipt(requestID: String)
}

/// A message as it was received.
struct ReceivedMessage: Sendable {
    /// The server that has sent it; nil where the wire does not say.
    let sender: String?
    let message: ClusterMessage
    /// The one socket that an old peer's request is about; only its server carries it out.
    var onlySocket: Room?
    /// Under which id an old peer wants to hear that it was carried out.
    var receiptID: String?

    init(
        sender: String?,
        _ message: ClusterMessage,
        onlySocket: Room? = nil,
        receiptID: String? = nil
    ) {
        self.sender = sender
        self.message = message
        self.onlySocket = onlySocket
        self.receiptID = receiptID
    }
}

/// How the messages of one namespace travel.
protocol ClusterTransport: Sendable {
    /// This server's name among the servers of the namespace.
    var uid: String { get }

    /// A name for a request, not used by any other.
    func makeRequestID() -> String

    /// Whether other servers can be asked for their rooms alone.
    var canFetchRooms: Bool { get }

    /// Sends a message to all other servers; from any thread, without waiting.
    func publish(_ message: ClusterMessage)

    /// Sends an answer to the server that has asked, as far as the wire can address it.
    func publish(_ message: ClusterMessage, to server: String?)

    /// Begins to hear the other servers; `receive` is called on one loop, in order.
    ///
    /// `wants` tells whether a broadcast to one room alone is worth decoding here.
    func start(
        wants: @escaping @Sendable (Room) -> Bool,
        _ receive: @escaping @Sendable (ReceivedMessage) -> Void
    )

    /// Returns when other servers can be heard, or after a while without success.
    func ready() async

    /// How many servers there are, this one included.
    ///
    /// - Throws: `ClusterUnavailable`.
    func serverCount() async throws -> Int

    /// The first socket of this server has joined `room`.
    func roomCreated(_ room: Room)

    /// The last socket of this server has left `room`.
    func roomDeleted(_ room: Room)

    /// Stops; returns when what was published has left.
    func close() async
}
