import Bytes
import Loop
import SocketIOProtocol

// Events of the client: who wants them, who handles them, and their acknowledgements.
extension SocketState {
    func addHandler(_ handler: EventHandler) {
        if !isOver { handlers.append(handler) }
    }

    func removeHandlers(where isUnwanted: (EventHandler) -> Bool) {
        handlers.removeAll(where: isUnwanted)
    }

    /// Whether anybody wants an event; `name` is the JSON string without quotes.
    func wants(_ name: RawSpan) -> Bool {
        for handler in handlers where handler.name.bytes.isEqual(to: name) { return true }
        return presentObservers?.wantsEvents ?? false
    }

    /// An event has arrived.
    func received(_ name: RawSpan, _ arguments: Arguments, id: UInt64?) {
        if let observers = presentObservers, observers.wantsEvents {
            observers.received(
                SocketEvent(name: name.text, arguments: arguments),
                id: id,
                on: self
            )
        } else {
            dispatch(name, arguments, id: id)
        }
    }

    /// Runs the handlers of an event, in the order of registration.
    func dispatch(_ name: RawSpan, _ arguments: Arguments, id: UInt64?) {
        var count = 0
        for handler in handlers where handler.name.bytes.isEqual(to: name) { count += 1 }
        guard count > 0, let shared else { return }
        let reply = id.map { Reply(id: $0, handlers: count) }
        for handler in handlers where handler.name.bytes.isEqual(to: name) {
            guard isListening else { return }
            run(handler, arguments, reply, shared)
        }
    }

    /// A middleware has thrown `error`: the event reaches no handler (protocol.md §17).
    func reject(_ event: SocketEvent, id: UInt64?, _ error: any Error) {
        report(error, event: event.name)
        guard let id, error is AckError else { return }
        sendAck(id, .describing(error))
    }

    /// Tells the server's and the socket's handlers of errors.
    func report(_ error: any Error, event: String?) {
        guard let shared else { return }
        namespace.core.report(
            HandlerError(socket: Socket(shared: shared), event: event, error: error)
        )
        presentObservers?.failed(error)
    }

    private func run(
        _ handler: EventHandler,
        _ arguments: Arguments,
        _ reply: Reply?,
        _ shared: SocketShared
    ) {
        if handler.isOnce { handlers.removeAll { $0.listener == handler.listener } }
        switch handler.body {
        case .sync(let body):
            do {
                finish(reply, try body(arguments))
            } catch {
                fail(reply, handler, error, shared)
            }
        case .async(let body):
            let reply = reply.map { LoopBound($0, loop: loop) }
            loop.startTask {
                do {
                    let outcome = try await body(arguments)
                    shared.state.run { $0.finish(reply?.value, outcome) }
                } catch {
                    shared.state.run { $0.fail(reply?.value, handler, error, shared) }
                }
            }
        }
    }

    private func finish(_ reply: Reply?, _ outcome: HandlerOutcome) {
        guard let reply, let answer = reply.answer(to: outcome) else { return }
        sendAck(reply.id, answer)
    }

    private func fail(
        _ reply: Reply?,
        _ handler: EventHandler,
        _ error: any Error,
        _ shared: SocketShared
    ) {
        namespace.core.report(
            HandlerError(
                socket: Socket(shared: shared),
                event: handler.nameText,
                error: error
            )
        )
        presentObservers?.failed(error)
        guard let reply, let answer = reply.answer(to: .ack(.describing(error))) else { return }
        sendAck(reply.id, answer)
    }

    private func sendAck(_ id: UInt64, _ arguments: Arguments) {
        let format = namespace.core.packetFormat
        let wireName = namespace.wireName
        let packet = EncodedPacket(format, attachments: arguments.attachments) { buffer in
            format.appendAck(
                id: id,
                arguments: arguments.json.bytes,
                attachments: arguments.attachments,
                namespace: wireName,
                to: &buffer
            )
        }
        if namespace.isRecovering {
            // After what the handler has sent before.
            shared?.run { $0.send(packet) }
        } else {
            send(packet)
        }
    }
}
