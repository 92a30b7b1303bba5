import EngineIOProtocol
import Loop

// What waits for a client that does not keep up.
//
// While the kernel takes a WebSocket's frames the session's queue is empty, and its limits cost
// nothing. From the refusal on, packets wait here as they are; once the connection has drained they
// go on, as many as it takes. So of frames, which may be compressed and must all arrive, hardly more
// than `writeThroughBytes` ever wait.
extension EngineSession {
    /// How many bytes of frames one turn may gather before it learns whether the kernel takes them.
    ///
    /// 256 frames of 250 bytes are one system call in any case (`EventLoop.vectors`).
    static let writeThroughBytes = 64 << 10

    /// Whether a volatile packet may be sent: it would leave now, or may wait.
    package var takesVolatile: Bool {
        switch engine.options.sendQueuePolicy {
        case .disconnect, .dropOldest: isWritable
        case .dropVolatile: state.isOpen
        }
    }

    /// How many bytes have been sent that neither the kernel nor a poll has taken.
    package var bufferedBytes: Int {
        queue.byteCount + (webSocket?.connection.bufferedBytes ?? 0)
    }

    /// Sends a message where `outlet` does not.
    func transmit(_ packet: OutgoingPacket, _ ticket: FrameTicket? = nil) {
        switch state.transport {
        case .webSocket:
            guard let webSocket else { return }
            if webSocket.isWritable { webSocket.send(packet, ticket) } else { wait(packet) }
        case .polling:
            transmitByPoll(packet)
        }
    }

    /// Sends what is the engine's own; on a WebSocket it overtakes what waits.
    ///
    /// A slow client so has its pings in time, unless it reads nothing at all.
    func sendControl(_ packet: OutgoingPacket) {
        switch state.transport {
        case .webSocket: webSocket?.send(packet)
        case .polling: transmitByPoll(packet)
        }
    }

    private func transmitByPoll(_ packet: OutgoingPacket) {
        if polling.hasPendingPoll {
            enqueue(packet)
            postFlush()
        } else {
            wait(packet)
        }
    }

    /// Queues a packet until the client is ready for it.
    private func wait(_ packet: OutgoingPacket) {
        isWaiting = true
        enqueue(packet)
        tellWaiting()
    }

    /// Queues a packet, and sees to the limits.
    ///
    /// What has been handed to the connection does not count: on a WebSocket `writeThroughBytes`
    /// and one packet, and one response to a poll. A large packet that is on its way would
    /// otherwise end a client that reads it.
    private func enqueue(_ packet: OutgoingPacket) {
        // The end is posted already; memory is not for packets nobody gets.
        guard !isOverflowing else { return }
        queue.append(packet)
        let options = engine.options
        if queue.byteCount > options.maxSendQueueBytes
            || queue.unitCount > options.maxSendQueuePackets
        {
            makeRoom(options.maxSendQueueBytes, options.maxSendQueuePackets)
        }
    }

    private func makeRoom(_ maxBytes: Int, _ maxUnits: Int) {
        let count = queue.makeRoom(maxBytes: maxBytes, maxUnits: maxUnits)
        if count > 0 { handler?.packetsDropped(count) }
        guard
            queue.byteCount - queue.droppableBytes > maxBytes
                || queue.unitCount - queue.droppableUnits > maxUnits
        else { return }
        isOverflowing = true
        // Later: whoever sends is often inside a walk over a room's members.
        LoopBound(self, loop: loop).post { $0.overflow() }
    }

    private func overflow() {
        guard !isClosed else { return }
        queue.removeAll()
        webSocket?.abort()
        handler?.sendQueueOverflowed()
        close(.transportError, "send queue overflow")
    }

    func takeQueue() -> [OutgoingPacket] {
        polling.forgetPong()
        return queue.takeAll()
    }

    private func tellWaiting() {
        // What may be dropped needs no brake; the rest grows if the client asks and does not read.
        webSocket?.connection.setHeldBack(queue.byteCount - queue.droppableBytes)
        handler?.waits(byteCount: bufferedBytes)
    }

    // MARK: Called by the WebSocket

    /// The connection takes no more: messages wait from now on.
    func webSocketBlocked() {
        outlet = nil
        isWaiting = true
        handler?.waits(byteCount: bufferedBytes)
    }

    /// The connection has handed over what it had.
    func webSocketDrained() {
        sendWaiting()
        if bufferedBytes == 0 { waitIsOver() }
    }

    /// The session has moved to its WebSocket: so does what waits.
    func moveQueue() {
        polling.forgetPong()
        polling.forgetResponse()
        sendWaiting()
    }

    /// Hands over what waits, as far as the connection takes it.
    private func sendWaiting() {
        guard let webSocket else { return }
        while webSocket.isWritable, let packet = queue.takePacket() {
            webSocket.send(packet)
            while let attachment = queue.takeAttachment() { webSocket.send(attachment) }
        }
        if isWaiting {
            if bufferedBytes > 0 { webSocket.expectDrained() }
            tellWaiting()
        }
        if state.isOpen, webSocket.isWritable { outlet = webSocket.outlet }
    }

    /// Tells, if something has waited, that nothing does any more.
    func waitIsOver() {
        guard isWaiting else { return }
        isWaiting = false
        handler?.waits(byteCount: 0)
        if state.isOpen { handler?.sendQueueDrained() }
    }
}
