import Bytes
import EngineIOProtocol
import HTTP1
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
        guard !polling.isResponseUnread(besides: connection) else {
            connection.respondBadRequest()
            close(.transportError, "poll response not read")
            return
        }
        polling.setPoll(connection)
        if !queue.isEmpty {
            flushPoll()
        } else if !state.isOpen {
            // Closing, and nothing is left to say but goodbye.
            _ = polling.takePoll()
            connection.respondToPoll(polling.encode([.noop, .close]))
            close(.forcedClose, nil)
        }
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
        guard !state.isClosed, !isOverflowing, state.transport == .polling, !queue.isEmpty,
            let poll = polling.takePoll()
        else { return }
        let packets = takeQueue()
        poll.respondToPoll(polling.encode(packets))
        polling.noteResponse(on: poll.connection)
        // The close packet goes with the next poll: a client that read it together with a
        // DISCONNECT would report the loss of its transport, and reconnect.
        if !state.isOpen { awaitLastPoll() }
        waitIsOver()
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
        switch polling.format {
        case .v4:
            deliver(body, PayloadSplitter())
        case .v3:
            deliver(body, PayloadSplitterV3())
        case .v3JSONP:
            guard let field = Query(SharedBytes(copying: body)).value(of: "d") else {
                close(.parseError, nil)
                return
            }
            let form = SharedBytes(field)
            let payload = JSONPayload.payload(field: form.bytes)
            deliver(payload.bytes, PayloadSplitterV3())
        }
    }

    /// A POST of bytes is complete, which only version 3 knows; else the session ends (§6, §13).
    ///
    /// - Returns: Whether the caller is to answer `ok`.
    func finishBinaryPost(_ connection: HTTPConnection, body: RawSpan) -> Bool {
        switch version {
        case .v4:
            refusePost(connection)
            return false
        case .v3:
            if polling.isPost(connection) { polling.setPost(nil) }
            deliver(body, BinaryPayloadSplitterV3())
            return true
        }
    }

    private func deliver(_ body: RawSpan, _ splitter: some PacketSplitter) {
        var splitter = splitter
        do throws(EnginePacketError) {
            while let packet = try splitter.next(in: body) {
                guard received(packet, in: body) else { return }
            }
        } catch {
            close(.parseError, nil)
        }
    }

    /// The client has sent a content type that v4 does not know (§6).
    private func refusePost(_ connection: HTTPConnection) {
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
