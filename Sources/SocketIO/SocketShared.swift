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

    init(
        id: String,
        namespace: Namespace,
        handshake: Handshake,
        connection: ConnectionInfo,
        state: SocketState
    ) {
        self.id = id
        self.namespace = namespace
        self.handshake = handshake
        self.connection = connection
        self.state = LoopBound(state, loop: state.loop)
        state.adopt(self)
    }
}
