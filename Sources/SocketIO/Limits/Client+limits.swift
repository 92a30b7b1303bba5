import Bytes
import EngineIO
import SocketIOProtocol

// What happens with packets that are over a rate limit.
extension Client {
    /// Whether a packet is to be looked at: within the limits, or allowed by the app.
    ///
    /// If not, it is done with. Packets by which a client leaves a namespace that it is in always
    /// pass, and are charged for their bytes only: there are no more of them than of those by which
    /// it has joined. Other DISCONNECTs, such as late ones, count as any packet.
    func isWithinLimits(
        _ head: PacketHead,
        _ text: RawSpan,
        _ attachments: [SharedBytes],
        _ limits: ClientLimits
    ) -> Bool {
        var byteCount = text.byteCount
        for attachment in attachments { byteCount += attachment.count }
        if connections.isLeave(head, in: text) {
            limits.charge(byteCount: byteCount)
            return true
        }
        switch limits.take(head, in: text, byteCount: byteCount) {
        case .allow:
            // The app may have closed the connection instead.
            return session.isOpen
        case .drop:
            if head.type == .connect { refuseForLimit(head, text) }
        case .disconnect:
            closeForGood()
        }
        return false
    }

    /// Whether an event is to be delivered, as above.
    func isWithinLimits(
        _ head: PacketHead,
        _ text: RawSpan,
        of state: SocketState,
        _ limits: ClientLimits
    ) -> Bool {
        switch limits.takeEvent(head, in: text, for: state) {
        case .allow: return true
        case .drop: break
        case .disconnect: closeForGood()
        }
        return false
    }

    /// Closes the connection of a client that is to be rid of what it has here: nothing is kept for
    /// it to recover.
    ///
    /// Nor is a session that it has begun to come back to.
    func closeForGood() {
        forgoesRecovery = true
        for entry in connections.sockets + connecting {
            entry.state.foregoRecovery()
        }
        close()
    }

    /// A client that is not told would wait for ever.
    private func refuseForLimit(_ head: PacketHead, _ text: RawSpan) {
        let name = head.namespace.map { SharedBytes(copying: text.extracting($0)) }
        refusal(of: name, ConnectError("rate limit exceeded"), asObject: true).send(to: session)
    }
}
