import Foundation
import Loop
import Synchronization

/// What any thread may know of a socket.
final class SocketShared: Sendable {
    let id: String
    let namespace: Namespace
    let handshake: Handshake
    let connection: ConnectionInfo
    let state: LoopBound<SocketState>
    /// A copy of the rooms, published by the loop.
    let rooms = Mutex<Set<Room>>([])
    /// The app's data, as JSON.
    let data = Mutex<Data?>(nil)
    let isConnected = Atomic<Bool>(false)
    /// It is over for good, or will be when a call of the app has come to the loop: its client does
    /// not come back to it.
    let isDisconnecting = Atomic<Bool>(false)
    /// Whether the client was away and has come back to its session.
    let isRecovered: Bool

    init(
        id: String,
        isRecovered: Bool = false,
        namespace: Namespace,
        handshake: Handshake,
        connection: ConnectionInfo,
        state: SocketState
    ) {
        self.id = id
        self.isRecovered = isRecovered
        self.namespace = namespace
        self.handshake = handshake
        self.connection = connection
        self.state = LoopBound(state, loop: state.loop)
        state.adopt(self)
    }

    /// Runs `body` on the loop: at once if this is it, unless clients recover, else in order.
    func run(_ body: @escaping @Sendable (SocketState) -> Void) {
        if namespace.isRecovering { state.post(body) } else { state.run(body) }
    }

    /// Shows on the loop already now what a call that takes effect in order will make of the rooms.
    func foreseeJoin(_ joined: [Room]) {
        guard foresees else { return }
        rooms.withLock { $0.formUnion(joined) }
    }

    /// As `foreseeJoin`; what was sent to the room so far is for it, though it ends before it leaves.
    func foreseeLeave(_ room: Room, at position: String?) {
        guard foresees else { return }
        rooms.withLock { _ = $0.remove(room) }
        state.value.recovery?.leave(room, at: position)
    }

    private var foresees: Bool {
        namespace.isRecovering && state.loop.isOnLoop && !state.value.isOver
    }
}
