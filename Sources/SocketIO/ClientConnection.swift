import EngineIO
import EngineIOProtocol
import Loop
import Synchronization

/// What any thread may know of a client's connection.
final class ConnectionInfo: Sendable {
    let id: SessionID
    let isWebSocket: Atomic<Bool>

    init(_ session: EngineSession) {
        id = session.id
        isWebSocket = Atomic(session.transport == .webSocket)
    }
}

/// The Engine.IO connection below a socket, shared by all namespaces of its client.
///
/// A handle, usable from any thread.
public struct ClientConnection: Sendable {
    let shared: SocketShared

    /// The id of the Engine.IO session; no client but this one may learn it.
    public var id: String { shared.connection.id.description }

    /// What carries the connection at this moment.
    public var transport: Transport {
        shared.connection.isWebSocket.load(ordering: .relaxed) ? .webSocket : .polling
    }

    /// The address of the peer, which may be a proxy; see `Handshake.address`.
    public var remoteAddress: String { request.peerAddress }

    /// The version of Engine.IO that the client speaks.
    public var protocolVersion: Int { request.query["EIO"].flatMap { Int($0) } ?? 4 }

    /// The request that opened it.
    public var request: ConnectionRequest { shared.handshake.request }

    /// Runs `handler` on the loop when the connection is upgraded from polling.
    ///
    /// Registered after the upgrade it never runs; look at `transport`.
    public func onUpgrade(_ handler: @escaping @Sendable (Transport) -> Void) {
        shared.state.run { $0.client.addUpgradeHandler(handler) }
    }

    /// Runs `handler` on the loop when the connection is closed, after the sockets' handlers.
    ///
    /// With the reason, and what the system said if it was an error. Registered later it never runs.
    public func onClose(
        _ handler: @escaping @Sendable (DisconnectReason, _ description: String?) -> Void
    ) {
        shared.state.run { $0.client.addCloseHandler(handler) }
    }

    /// Closes the connection; its sockets see `forced close`, the client reconnects if it likes.
    public func close() {
        shared.state.run { $0.client.close() }
    }
}
