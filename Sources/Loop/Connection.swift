package import Bytes
import CLinux
import Glibc

/// One TCP or Unix-domain connection on one loop.
///
/// Reads when the kernel has bytes, gathers what a turn writes into one system call, owns no
/// buffer while idle. While much output is stuck an accepted one stops reading, so that a peer
/// that only asks and never reads cannot make the queue grow; who writes unasked sees to a bound.
package final class Connection: ReadyTarget, TimerTarget {
    private enum State {
        case open
        /// Ends our side when everything queued has left; so much of it was left at the last look.
        case closingWhenDrained(left: Int)
        /// Our side has ended; what still arrives is dropped, so that the kernel does not reset
        /// the connection under the last response (RFC 9112 §9.6).
        case lingering(received: Int)
        case closed
    }

    /// Stuck output above which the connection stops reading.
    private static let readPauseThreshold = 256 * 1024

    package let loop: EventLoop
    package let peer: PeerAddress

    private let role: ConnectionRole
    private let number: CInt
    private var descriptor: Descriptor?
    private var registration: Registration?
    private var handler: (any ConnectionHandler)?
    private var queue = WriteQueue()
    /// Above how many bytes what is queued is written at once.
    private var writeThroughThreshold = Int.max
    /// Bytes that the handler keeps until `drained`.
    private var heldBackBytes = 0
    private var state = State.open
    private var isDirty = false
    private var isBlocked = false
    private var watched = ReadyEvents.readable
    private var isPausedByHandler = false
    private var isPausedByOutput = false
    private let patience: Patience
    /// Runs while the connection closes.
    private var timer = TimerToken.none

    /// Takes over a connected, non-blocking descriptor.
    ///
    /// On `loop`; `start` begins reading.
    package init(
        _ descriptor: consuming Descriptor,
        peer: PeerAddress,
        loop: EventLoop,
        patience: Patience = Patience(),
        role: ConnectionRole = .accepted
    ) {
        self.loop = loop
        self.role = role
        self.peer = peer
        self.patience = patience
        number = descriptor.number
        if role == .accepted { loop.connectionCount += 1 }
        self.descriptor = consume descriptor
    }

    /// Begins to read, on behalf of `handler`.
    ///
    /// - Throws: `SystemCallError` when epoll takes no more descriptors or the connection has failed
    ///   already; it is closed.
    package func start(_ handler: any ConnectionHandler) throws(SystemCallError) {
        guard case .open = state else { throw SystemCallError(call: "start", errno: ENOTCONN) }
        do {
            registration = try loop.selector.register(number, .readable, self)
            self.handler = handler
            watch()
        } catch {
            close()
            throw error
        }
    }

    /// Replaces the handler, at an upgrade of the protocol.
    package func setHandler(_ handler: any ConnectionHandler) {
        if case .open = state { self.handler = handler }
    }

    package var isClosed: Bool {
        switch state {
        case .closed, .lingering: true
        case .open, .closingWhenDrained: false
        }
    }

    /// Whether the descriptor is closed too.
    var isFullyClosed: Bool {
        if case .closed = state { true } else { false }
    }

    /// Whether the kernel has refused to take more for now.
    package var isWriteBlocked: Bool { isBlocked }

    /// How many bytes the kernel has taken since the beginning, also when it is closed.
    package var takenBytes: Int { queue.takenBytes }

    /// Bytes queued that the kernel has not taken yet.
    package var bufferedBytes: Int { queue.byteCount }

    /// Queues `bytes`; they leave at the end of this turn.
    package func write(_ bytes: SharedBytes) {
        guard case .open = state, !bytes.isEmpty else { return }
        write(loop.enlist(bytes))
    }

    /// Queues a frame that the loop holds for this turn, for one of many receivers.
    package func write(_ ticket: FrameTicket) {
        guard case .open = state else { return }
        if queue.needsArray { queue.lend(loop.takeSpareArray()) }
        queue.append(ticket)
        if !isDirty {
            isDirty = true
            loop.markDirty(self)
        }
        if queue.byteCount > writeThroughThreshold, !isBlocked { writeThrough() }
    }

    /// From now on has more than `threshold` bytes written at once, not at the end of the turn.
    ///
    /// So a handler that keeps back what the kernel does not take knows in time that there is such.
    package func setWriteThrough(above threshold: Int) {
        writeThroughThreshold = threshold
    }

    /// Tells how many bytes the handler keeps back until `drained`.
    ///
    /// They count as stuck output when it is decided whether to read on.
    package func setHeldBack(_ bytes: Int) {
        heldBackBytes = bytes
        guard isBlocked, isOutputMuch != isPausedByOutput else { return }
        isPausedByOutput = isOutputMuch
        watch()
    }

    /// Stops or resumes reading, for a handler that cannot take more now.
    package func setReading(_ reads: Bool) {
        isPausedByHandler = !reads
        watch()
    }

    /// Closes at once; what is queued is lost.
    ///
    /// The handler hears nothing more.
    package func close() {
        if case .closed = state { return }
        state = .closed
        handler = nil
        loop.cancel(&timer)
        if let registration { loop.selector.deregister(registration) }
        registration = nil
        loop.giveBack(queue.removeAll())
        _ = descriptor.take()
        if role == .accepted { loop.connectionCount -= 1 }
    }

    /// Sends what is queued, then closes without cutting off what the peer is still to read.
    ///
    /// The handler hears nothing more.
    package func closeWhenDrained() {
        guard case .open = state else { return }
        handler = nil
        if queue.isEmpty { linger() } else { drain() }
    }

    /// Gives the descriptor away, for another loop; nil while output is queued.
    ///
    /// What the peer has sent and nobody has read moves with it.
    package func detach() -> Descriptor? {
        guard case .open = state, queue.isEmpty else { return nil }
        if let registration { loop.selector.deregister(registration) }
        registration = nil
        handler = nil
        state = .closed
        if role == .accepted { loop.connectionCount -= 1 }
        return descriptor.take()
    }

    // MARK: Called by the loop

    func ready(_ events: ReadyEvents) {
        if events.contains(.writable), isBlocked {
            isBlocked = false
            flush()
        }
        guard registration != nil else { return }
        if watched.contains(.readable) {
            if !events.isDisjoint(with: [.readable, .failed, .hungUp]) { read() }
        } else if !events.isDisjoint(with: [.failed, .hungUp]) {
            endBroken()
        }
    }

    /// Ends a connection that broke while reading was paused: nobody takes its last bytes.
    private func endBroken() {
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length)
        end(code == 0 ? .peerClosed : .failed(SystemCallError(call: "recv", errno: code)))
    }

    func loopStopped() { close() }

    /// Writes what is queued until it is gone or the kernel takes no more.
    func flush() {
        isDirty = false
        switch state {
        case .closed, .lingering:
            return
        case .open, .closingWhenDrained:
            break
        }
        if isBlocked {
            keepTickets()
            checkStuckOutput()
            return
        }
        do {
            let result = try queue.write(to: number, loop.turnFrames, scratch: loop.vectors)
            loop.giveBack(queue.takeTickets())
            guard case .processed = result else {
                block()
                checkStuckOutput()
                return
            }
            isPausedByOutput = false
            watch()
            if case .closingWhenDrained = state { linger() } else { handler?.drained() }
        } catch {
            end(.failed(error))
        }
    }

    /// Keeps what is queued by reference, as the turn ends before it leaves.
    func keepTickets() {
        queue.keepTickets(loop.turnFrames)
        loop.giveBack(queue.takeTickets())
    }

    /// Writes what is queued in the middle of a turn; the end of the turn does what follows from it.
    private func writeThrough() {
        // One that has failed does so again when epoll tells of it, and its handler may be told.
        let result = try? queue.write(to: number, loop.turnFrames, scratch: loop.vectors)
        switch result {
        case .processed: break
        case .wouldBlock, nil: block()
        }
    }

    private func block() {
        isBlocked = true
        handler?.blocked()
    }

    private var isOutputMuch: Bool {
        role == .accepted && queue.byteCount + heldBackBytes > Self.readPauseThreshold
    }

    /// Much output that the kernel does not take: reads no more.
    private func checkStuckOutput() {
        isPausedByOutput = isOutputMuch
        watch()
    }

    private func read() {
        let buffer = loop.readBuffer
        do {
            let result = try SystemCall.io("recv") {
                recv(number, buffer.baseAddress, buffer.count, 0)
            }
            guard case .processed(let count) = result else { return }
            if case .lingering(let received) = state {
                discard(count, received)
                return
            }
            guard count > 0 else {
                peerEnded()
                return
            }
            guard let handler else { return }
            var bytes = MutableRawSpan(
                _unsafeStart: buffer.baseAddress!,
                byteCount: count
            )
            handler.received(&bytes)
        } catch {
            end(.failed(error))
        }
    }

    /// The peer sends no more, but may still read what is queued for it.
    private func peerEnded() {
        guard role == .accepted, !queue.isEmpty else {
            end(.peerClosed)
            return
        }
        let handler = handler
        closeWhenDrained()
        isPausedByHandler = true
        watch()
        handler?.ended(.peerClosed)
    }

    private func discard(_ count: Int, _ received: Int) {
        if count == 0 || received + count > patience.lingerLimitInBytes {
            close()
        } else {
            state = .lingering(received: received + count)
        }
    }

    private func drain() {
        state = .closingWhenDrained(left: queue.byteCount)
        timer = loop.schedule(self, after: patience.drainTime)
    }

    private func linger() {
        guard shutdown(number, CInt(SHUT_WR)) == 0 else {
            close()
            return
        }
        state = .lingering(received: 0)
        loop.cancel(&timer)
        timer = loop.schedule(self, after: patience.lingerTime)
        isPausedByHandler = false
        watch()
    }

    private func end(_ end: ConnectionEnd) {
        let handler = handler
        close()
        handler?.ended(end)
    }

    /// Tells epoll what is wanted now, if that has changed.
    private func watch() {
        guard let registration else { return }
        var wanted: ReadyEvents = []
        if !isPausedByHandler, !isPausedByOutput { wanted.insert(.readable) }
        if isBlocked { wanted.insert(.writable) }
        guard wanted != watched else { return }
        watched = wanted
        loop.selector.change(registration, to: wanted)
    }

    /// Gives up a closing connection whose peer does nothing.
    package func timerFired(_ tag: UInt8) {
        timer = .none
        if case .closingWhenDrained(let left) = state, queue.byteCount < left {
            drain()
        } else {
            close()
        }
    }
}
