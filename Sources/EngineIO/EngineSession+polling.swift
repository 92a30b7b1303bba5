import Bytes
import EngineIOProtocol
import Loop

// HTTP long-polling (protocol.md §6).
extension EngineSession {
    /// A GET has arrived: answers it at once if packets are queued, else keeps it.
    func poll(_ connection: HTTPConnection) {
        guard !polling.hasPendingPoll else {
            // The first GET gets the close packet, the second 400 (§6).
            connection.respondBadRequest()
            close(.transportError, "overlap from client")
            return
        }
        polling.setPoll(connection)
        if !state.isOpen, polling.isQueueEmpty {
            // Closing: nothing is left to say but goodbye.
            polling.append(.noop)
        }
        if !polling.isQueueEmpty { flushPoll() }
    }

    /// Flushes once for all that is queued in this turn.
    func postFlush() {
        guard !isFlushPosted else { return }
        isFlushPosted = true
        LoopBound(self, loop: loop).post { session in
            session.isFlushPosted = false
            session.flushPoll()
        }
    }

    private func flushPoll() {
        guard !state.isClosed, state.transport == .polling, !polling.isQueueEmpty,
            let poll = polling.takePoll()
        else { return }
        var packets = polling.takeQueue()
        let isLast = !state.isOpen
        if isLast { packets.append(.close) }
        poll.respondToPoll(PollingTransport.encode(packets))
        if isLast { close(.forcedClose, nil) }
    }

    /// A POST begins; false if another is under way, which ends the session (§6).
    func beginPost(_ connection: HTTPConnection) -> Bool {
        guard !polling.hasPendingPost else {
            let first = polling.takePost()
            connection.respondBadRequest()
            close(.transportError, "data request overlap from client")
            first?.abort()
            return false
        }
        polling.setPost(connection)
        return true
    }

    /// The POST has been refused for its size; the session goes on (§6).
    func abandonPost(_ connection: HTTPConnection) {
        if polling.isPost(connection) { polling.setPost(nil) }
    }

    /// A POST is complete: delivers its packets.
    ///
    /// The caller answers `ok` in any case.
    func finishPost(_ connection: HTTPConnection, body: RawSpan) {
        if polling.isPost(connection) { polling.setPost(nil) }
        var units = PayloadSplitter()
        do {
            while let packet = try units.next(in: body) {
                guard received(packet, in: body) else { return }
            }
        } catch {
            close(.parseError, nil)
        }
    }

    /// The client has sent a content type that v4 does not know (§6).
    func refusePost(_ connection: HTTPConnection) {
        if polling.isPost(connection) { polling.setPost(nil) }
        connection.respondBadRequest()
        close(.transportError, "invalid content")
    }

    /// The connection of a GET or POST has gone before its end (§6).
    func requestAborted(_ connection: HTTPConnection) {
        if polling.isPoll(connection) {
            _ = polling.takePoll()
            close(.transportError, "poll connection closed prematurely")
        } else if polling.isPost(connection) {
            _ = polling.takePost()
            close(.transportError, "data request connection closed prematurely")
        }
    }
}
