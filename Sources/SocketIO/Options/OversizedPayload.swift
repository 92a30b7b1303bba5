import EngineIO
import EngineIOProtocol
import Synchronization

/// A message or a polling body above `ServerOptions.maxHTTPBufferSize`.
///
/// A WebSocket is closed for it with code 1009 and a reason in words. A body is answered 413, and
/// the connection goes on (protocol.md §6, §7); the official client takes a 413 for its end.
public struct OversizedPayload: Sendable {
    /// The request that opened the connection.
    public let request: ConnectionRequest
    /// The id of the connection, `ClientConnection.id`: no other client may learn it.
    public let connectionID: String
    /// What carried the payload.
    public let transport: Transport
    /// How many bytes it may have.
    public let limit: Int
    /// How many bytes it has at least, as announced; nil if that was not.
    ///
    /// Of a compressed message it is known only if it is too large even so.
    public let size: Int?
}

extension ServerCore {
    /// A payload has been refused for its size: counts, tells the app, and logs now and then.
    func refused(_ excess: PayloadExcess) {
        counters.oversizedPayloads.add(1, ordering: .relaxed)
        let payload = OversizedPayload(
            request: ConnectionRequest(excess.request, options.proxyTrust),
            connectionID: excess.sessionID.description,
            transport: excess.transport == .webSocket ? .webSocket : .polling,
            limit: excess.limit,
            size: excess.size
        )
        options.onPayloadTooLarge?(payload)
        payloadLog.admit(at: .now) { omitted in
            let size = payload.size.map { "\($0) bytes" } ?? "unknown size"
            options.log(
                .warning,
                "payload too large: \(size) from \(payload.request.address) by "
                    + "\(payload.transport.rawValue), the limit is \(payload.limit)\(omitted)"
            )
        }
    }

    /// A client is disconnected because too much waits for it.
    func overflowed(_ session: EngineSession) {
        counters.sendQueueOverflows.add(1, ordering: .relaxed)
        overflowLog.admit(at: .now) { omitted in
            let address = ConnectionRequest(session.request, options.proxyTrust).address
            options.log(.info, "send queue overflow: \(address) is disconnected\(omitted)")
        }
    }
}
