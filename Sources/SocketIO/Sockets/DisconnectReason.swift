/// Why a socket was disconnected: Socket.IO's own list (protocol.md §19).
public enum DisconnectReason: String, Sendable, CaseIterable {
    /// The client called `disconnect()` on this namespace.
    case clientNamespaceDisconnect = "client namespace disconnect"
    /// The server called `disconnect()` on this socket.
    case serverNamespaceDisconnect = "server namespace disconnect"
    /// The server is shutting down.
    case serverShuttingDown = "server shutting down"
    /// The connection was closed by the peer or was lost.
    case transportClose = "transport close"
    /// The transport failed or its protocol was violated.
    case transportError = "transport error"
    /// The client did not answer a ping in time.
    case pingTimeout = "ping timeout"
    /// The client sent an Engine.IO packet that cannot be parsed.
    case parseError = "parse error"
    /// The server closed the connection, such as after a malformed Socket.IO packet.
    case forcedClose = "forced close"
    /// As `forcedClose`, where the connection could not be closed at that moment.
    case forcedServerClose = "forced server close"
}
