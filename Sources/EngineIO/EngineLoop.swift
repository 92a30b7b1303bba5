import Bytes
import EngineIOProtocol
import Glibc
import HTTP1
import Loop
import WebSocket

/// One loop's part of an engine: its listener, connections and sessions.
///
/// Owned by that loop.
package final class EngineLoop {
    let server: EngineServer
    let loop: EventLoop
    private var listener: Listener?
    private var sessions: [SessionID: EngineSession] = [:]
    /// Those that speak HTTP; WebSockets belong to their sessions.
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private var isClosing = false
    /// Whether new sessions are refused while those there are go on.
    private(set) var isDraining = false
    private var dateSecond: Int = 0
    private var dateText = ""
    /// What the loop's WebSockets share to compress and decompress.
    var deflateContexts: DeflateContexts
    private var bodyCompressor = BodyCompressor()

    init(server: EngineServer, loop: EventLoop) {
        self.server = server
        self.loop = loop
        deflateContexts = DeflateContexts(server.options.deflate ?? DeflatePolicy())
    }

    var options: EngineOptions { server.options }
    /// Whether connections must not be kept for another request.
    var isShuttingDown: Bool { isClosing }

    /// Accepts from `descriptor`.
    func listen(_ descriptor: consuming Descriptor) throws(SystemCallError) {
        listener = try Listener(
            descriptor,
            loop: loop,
            onAccept: { [unowned self] descriptor, peer in
                accept(descriptor, peer)
            },
            onExhausted: { [server] error in
                server.hooks.log(
                    .error,
                    "cannot accept connections: \(error); raise the open-files limit"
                )
            }
        )
    }

    private func accept(_ descriptor: consuming Descriptor, _ peer: PeerAddress) {
        descriptor.disableNagle()
        adopt(descriptor, peer, unread: SharedBytes())
    }

    /// Takes a connection: a new one, or one of another loop with the bytes it has not used.
    func adopt(_ descriptor: consuming Descriptor, _ peer: PeerAddress, unread: SharedBytes) {
        // Handed over by a loop that has not heard yet; the peer sees the connection end.
        guard !isClosing else { return }
        let connection = Connection(
            descriptor,
            peer: peer,
            loop: loop
        )
        let handler = HTTPConnection(connection, engine: self)
        do {
            try connection.start(handler)
        } catch {
            server.hooks.log(.error, "cannot watch a connection: \(error)")
            return
        }
        connections[ObjectIdentifier(connection)] = handler
        handler.begin(unread)
    }

    /// The connection is closed, closes by itself when its output has left, or is a WebSocket now.
    func forget(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = nil
    }

    func stopAccepting() {
        listener?.stop()
        listener = nil
    }

    /// Accepts no connection and no session any more; what there is goes on.
    func beginDraining() {
        isDraining = true
        stopAccepting()
    }

    /// Ends all sessions, then all connections; whatever completes later finds them finished.
    func closeAll() {
        isClosing = true
        stopAccepting()
        for session in sessions.values { session.discard() }
        for connection in connections.values { connection.shutDown() }
    }

    // MARK: Sessions

    func session(_ id: SessionID) -> EngineSession? { sessions[id] }

    /// Opens a session; `firstPackets` are to be sent by the caller before `session.open`.
    ///
    /// - Returns: Nil if the id is that of a session of any loop.
    func makeSession(
        _ request: HandshakeRequest,
        _ transport: SessionState.Transport,
        _ id: SessionID
    )
        -> EngineSession?
    {
        guard server.claim(id, for: loop) else { return nil }
        let session = EngineSession(id: id, request: request, engine: self, transport: transport)
        sessions[id] = session
        return session
    }

    func remove(_ session: EngineSession) {
        sessions[session.id] = nil
        server.release(session.id)
    }

    /// What a session begins with: the open packet, and the app's own (§4).
    func firstPackets(of session: EngineSession) -> [OutgoingPacket] {
        let open = OutgoingPacket(text: openPacket(of: session).bytes)
        return [open] + (server.initialPacket.map { [$0] } ?? [])
    }

    /// The first packet of a session (§4).
    private func openPacket(of session: EngineSession) -> SharedBytes {
        let polls = session.transport == .polling
        return OpenPacket(
            sid: session.id,
            upgrades: polls && options.allowsUpgrades && options.allowsWebSocket
                ? [.websocket] : [],
            pingInterval: options.pingInterval,
            pingTimeout: options.pingTimeout,
            maxPayload: options.maxHTTPBufferSize
        ).unit
    }

    /// A poll's response `body` as the client takes it, and the coding; nil leaves it as it is.
    func compressed(
        _ body: SharedBytes,
        for head: RequestHead
    ) -> (body: SharedBytes, coding: ContentCoding)? {
        guard let threshold = options.httpCompressionThreshold, body.count >= threshold else {
            return nil
        }
        return bodyCompressor.compressed(body, for: head)
    }

    /// The time of day, in milliseconds since 1970.
    var unixMilliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// The `Date` field, formatted once a second.
    var date: String {
        let second = time(nil)
        if second != dateSecond {
            dateSecond = second
            dateText = HTTPDate.format(secondsSinceEpoch: second)
        }
        return dateText
    }
}
