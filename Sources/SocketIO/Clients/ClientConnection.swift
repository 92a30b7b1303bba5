import EngineIO
import EngineIOProtocol
import Loop
import Synchronization

/// What any thread may know of a client's connection.
final class ConnectionInfo: Sendable {
    let id: SessionID
    let isWebSocket: Atomic<Bool>
    /// As `ClientConnection.bufferedAmount` has it.
    let bufferedAmount = Atomic<Int>(0)
    let droppedPackets = Atomic<Int>(0)

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

    /// How many bytes sent to the client wait in this process, before compression.
    ///
    /// On the socket's loop, as in its handlers, it is exact, with what leaves at the end of this
    /// turn. On other threads it is what had to wait when that last changed, 0 for a client that
    /// keeps up: that costs such a client nothing.
    public var bufferedAmount: Int {
        let state = shared.state
        guard state.loop.isOnLoop else {
            return shared.connection.bufferedAmount.load(ordering: .relaxed)
        }
        return state.value.session.bufferedBytes
    }

    /// How many packets `SendQueueOptions.policy` has dropped so far; from any thread.
    ///
    /// Volatile events that were not let into the queue are not counted.
    public var droppedPackets: Int { shared.connection.droppedPackets.load(ordering: .relaxed) }

    /// Runs `handler` on the loop each time that packets have had to wait and the last has left.
    ///
    /// To send much at the client's pace, send on from here when `bufferedAmount` was not 0.
    public func onDrain(_ handler: @escaping @Sendable () -> Void) {
        shared.state.run { $0.client.addDrainHandler(handler) }
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
        shared.state.run { $0.client.inOrder { $0.close() } }
    }
}
