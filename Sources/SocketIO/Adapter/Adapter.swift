public import Foundation

/// Which sockets an operation is for, and how it travels (protocol.md §18).
public struct BroadcastOptions: Sendable, Equatable {
    /// The union of these rooms; none means the whole namespace.
    public var rooms: [Room] = []
    /// Without the members of these rooms.
    public var except: [Room] = []
    /// This server only.
    public var isLocal = false
    /// Sockets that cannot take it at once may miss it.
    public var isVolatile = false
    /// Whether it may be compressed.
    public var isCompressed = true
    /// How long to wait for acknowledgements or other servers' answers.
    public var timeout: Duration?

    /// Everybody in the namespace.
    public init() {}
}

/// What a server knows of a socket to tell other servers.
public struct SocketSnapshot: Sendable {
    /// The socket's public id.
    public let id: String
    /// How it connected.
    public let handshake: Handshake
    /// The rooms it is in.
    public let rooms: Set<Room>
    /// The app's data of the socket, as JSON; nil if it has none.
    public let data: Data?

    /// A socket of another server by its parts.
    public init(id: String, handshake: Handshake, rooms: Set<Room>, data: Data? = nil) {
        self.id = id
        self.handshake = handshake
        self.rooms = rooms
        self.data = data
    }
}

/// Where a namespace's broadcasts and room operations go: this server, or a cluster.
///
/// One adapter serves one namespace. The calls without `async` are hand-offs: they return at once,
/// from whatever thread they come, and the adapter applies the local part by calling its `host`
/// back, then or later. The host builds the frame after the adapter, so an adapter may add an
/// offset. `roomCreated` and `roomDeleted` are told in the order in which they happen, on a loop,
/// one at a time.
public protocol Adapter: Sendable {
    /// Returns when other servers can be heard, or the adapter has given up waiting for it.
    ///
    /// The server opens its port after that.
    func ready() async

    /// Sends `packet` to the sockets that `options` selects, here and elsewhere.
    func broadcast(_ packet: EventPacket, _ options: BroadcastOptions)

    /// As `broadcast`, and every receiver's acknowledgement goes to `acks`.
    ///
    /// An adapter that reaches other servers announces them by `acks.expectSources`, before it
    /// returns or while it holds `acks`.
    func broadcast(_ packet: EventPacket, _ options: BroadcastOptions, acks: BroadcastAcks)

    /// Makes the selected sockets join rooms.
    func join(_ rooms: [Room], _ options: BroadcastOptions)

    /// Makes the selected sockets leave rooms.
    func leave(_ rooms: [Room], _ options: BroadcastOptions)

    /// Disconnects the selected sockets; `closing` their connections as well.
    func disconnect(_ options: BroadcastOptions, closing: Bool)

    /// The selected sockets, on all servers.
    ///
    /// - Throws: `ClusterTimeout<SocketSnapshot>` when servers do not answer in time.
    func fetchSockets(_ options: BroadcastOptions) async throws -> [SocketSnapshot]

    /// The rooms that have a member, on all servers.
    ///
    /// - Throws: `ClusterTimeout<Room>` when servers do not answer in time.
    func allRooms() async throws -> Set<Room>

    /// Sends an event to the other servers of the cluster.
    func serverSideEmit(_ packet: EventPacket) throws

    /// As `serverSideEmit`; returns each server's first acknowledgement argument.
    ///
    /// - Throws: `ClusterTimeout<Arguments>` when servers do not answer in time.
    func serverSideEmitWithAck(_ packet: EventPacket, timeout: Duration) async throws -> [Arguments]

    /// How many servers the cluster has, this one included.
    func serverCount() async throws -> Int

    /// The first socket of this server has joined `room`.
    func roomCreated(_ room: Room)

    /// The last socket of this server has left `room`.
    func roomDeleted(_ room: Room)

    /// Whether packets and sessions are kept, so that clients can recover (protocol.md §20).
    ///
    /// If so, whatever can be recovered is delivered by `AdapterHost.deliver(_:_:inOrder:)`.
    var isRecovering: Bool { get }

    /// Where the packets kept end at this moment: what a client that connects now has not missed.
    var position: String? { get }

    /// Keeps a session whose connection was lost.
    func persist(_ session: StoredSession)

    /// Takes a session out and what it has missed since `offset`, or, for a client that has never
    /// received one, since it connected; nil if it is not to be had, or is more than may be missed.
    ///
    /// What follows until the socket is back in its rooms comes from `packets(after:for:)`.
    func restore(privateID: String, offset: String?) async -> RestoredSession?

    /// The packets for a session that this server has delivered after a position, in order; nil if
    /// some of them are not kept any more.
    ///
    /// Called on a loop, while nothing is delivered in order: it must be quick.
    func packets(after position: String, for session: StoredSession) -> [StoredPacket]?

    /// Ends the adapter at the server's shutdown; returns when what it has queued has left.
    func close() async
}

/// Adapters without a cluster or a store need not mention them.
extension Adapter {
    /// See `Adapter`; by default there is no cluster and no store.
    public func ready() async {}

    /// See `Adapter`; by default there is no cluster and no store.
    public func serverSideEmit(_ packet: EventPacket) throws {}

    /// See `Adapter`; by default there is no cluster and no store.
    public func serverSideEmitWithAck(
        _ packet: EventPacket,
        timeout: Duration
    ) async throws -> [Arguments] { [] }

    /// See `Adapter`; by default there is no cluster and no store.
    public func serverCount() async throws -> Int { 1 }

    /// See `Adapter`; by default there is no cluster and no store.
    public func roomCreated(_ room: Room) {}

    /// See `Adapter`; by default there is no cluster and no store.
    public func roomDeleted(_ room: Room) {}

    /// See `Adapter`; by default there is no cluster and no store.
    public func persist(_ session: StoredSession) {}

    /// See `Adapter`; by default there is no cluster and no store.
    public func restore(privateID: String, offset: String?) async -> RestoredSession? { nil }

    /// See `Adapter`; by default there is no cluster and no store.
    public var isRecovering: Bool { false }

    /// See `Adapter`; by default there is no cluster and no store.
    public var position: String? { nil }

    /// See `Adapter`; by default there is no cluster and no store.
    public func packets(after position: String, for session: StoredSession) -> [StoredPacket]? {
        nil
    }

    /// See `Adapter`; by default there is no cluster and no store.
    public func close() async {}
}

/// What an adapter calls to act on the sockets of this server; usable from any thread.
public protocol AdapterHost: AnyObject, Sendable {
    /// The namespace's name, such as `/chat`.
    var name: String { get }

    /// Sends `packet` to the selected local sockets.
    ///
    /// An `offset` is appended as the last argument (protocol.md §20).
    func deliver(_ packet: EventPacket, _ options: BroadcastOptions, offset: String?)

    /// As `deliver`, with an offset that is made in the order of delivery (protocol.md §20).
    ///
    /// All loops deliver packets in the order in which `offset` was called for them, so that
    /// whoever has received one has received all before. `offset` must not call the host.
    func deliver(
        _ packet: EventPacket,
        _ options: BroadcastOptions,
        inOrder offset: () -> String
    )

    /// As `deliver`; local receivers are counted and answer into `acks`.
    ///
    /// Returns when the loops are announced there. What no client has answered after
    /// `options.timeout` is forgotten.
    func deliver(_ packet: EventPacket, _ options: BroadcastOptions, acks: BroadcastAcks)

    /// Makes the selected local sockets join rooms.
    func joinLocally(_ rooms: [Room], _ options: BroadcastOptions)

    /// Makes the selected local sockets leave rooms.
    func leaveLocally(_ rooms: [Room], _ options: BroadcastOptions)

    /// Disconnects the selected local sockets.
    func disconnectLocally(_ options: BroadcastOptions, closing: Bool)

    /// The selected local sockets.
    func localSockets(_ options: BroadcastOptions) async -> [SocketSnapshot]

    /// The rooms that have a local member; every socket is in one with its own id.
    var localRooms: Set<Room> { get }

    /// Whether a local socket is in `room`; cheap, for dropping what nobody here wants.
    func hasLocalMembers(_ room: Room) -> Bool

    /// Hands an event of another server to the app.
    ///
    /// `reply` receives what the first handler acknowledges; it is not called if there is no handler.
    func receivedServerSideEmit(
        _ packet: EventPacket,
        reply: (@Sendable (Arguments) -> Void)?
    )
}
