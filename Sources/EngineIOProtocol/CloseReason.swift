/// Why a session ended, by the name applications know it by (protocol.md §10).
package enum CloseReason: String, Error, Sendable, CaseIterable {
    /// The peer went away, or said so.
    case transportClose = "transport close"
    /// The peer broke the rules of HTTP polling or of WebSocket.
    case transportError = "transport error"
    /// No pong came in time.
    case pingTimeout = "ping timeout"
    /// A unit was no packet.
    case parseError = "parse error"
    /// This server closed it.
    case forcedClose = "forced close"
}
