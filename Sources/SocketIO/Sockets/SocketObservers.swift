import Bytes
import Loop

/// Listeners of every event of a socket, its event middlewares, and its handlers of errors.
///
/// Owned by the socket's loop. Events wait here while a middleware is suspended, so that they
/// reach the handlers in the order of arrival.
final class SocketObservers {
    /// A listener of every event in one direction.
    struct AnyListener: Sendable {
        let listener: EventListener
        let body: @Sendable (String, Arguments) throws -> Void
    }

    struct ErrorHandler: Sendable {
        let listener: EventListener
        let body: @Sendable (any Error) -> Void
    }

    enum Middleware: Sendable {
        case sync(@Sendable (inout SocketEvent) throws -> Void)
        case async(@Sendable (inout SocketEvent) async throws -> Void)
    }

    /// An event that waits for those before it.
    private struct Waiting {
        let event: SocketEvent
        let id: UInt64?

        /// What it is counted with: its content, and something for its place.
        var byteCount: Int {
            event.arguments.attachments.reduce(
                event.name.utf8.count + event.arguments.json.count + 256
            ) { $0 + $1.count }
        }
    }

    var incoming: [AnyListener] = []
    var outgoing: [AnyListener] = []
    var middlewares: [Middleware] = []
    var errorHandlers: [ErrorHandler] = []
    /// Whether a middleware is suspended.
    private var isPassing = false
    private var isDraining = false
    /// The newest events at the end; `turned` holds older ones, the oldest at the end.
    private var waiting: [Waiting] = []
    private var turned: [Waiting] = []
    private var waitingBytes = 0

    /// Whether events of the client must be shown here.
    var wantsEvents: Bool { !incoming.isEmpty || !middlewares.isEmpty || isPassing }

    /// Removes what `listener` stands for.
    func remove(_ listener: EventListener) {
        incoming.removeAll { $0.listener == listener }
        outgoing.removeAll { $0.listener == listener }
        errorHandlers.removeAll { $0.listener == listener }
    }

    /// An event goes to the client.
    func sends(_ packet: EventPacket, on state: SocketState) {
        for observer in outgoing {
            do {
                try observer.body(packet.name, packet.arguments)
            } catch {
                state.report(error, event: packet.name)
            }
        }
    }

    /// Shows an error to the socket's handlers.
    func failed(_ error: any Error) {
        for handler in errorHandlers { handler.body(error) }
    }

    /// An event has come from the client (protocol.md §17: listeners, middlewares, handlers).
    func received(_ event: SocketEvent, id: UInt64?, on state: SocketState) {
        for observer in incoming {
            guard state.isListening else { return }
            do {
                try observer.body(event.name, event.arguments)
            } catch {
                state.report(error, event: event.name)
            }
        }
        if isPassing {
            hold(Waiting(event: event, id: id), on: state)
        } else {
            pass(event, id, on: state)
        }
    }

    // MARK: Middlewares

    /// Leads an event through the middlewares, without a task as long as none of them is async.
    private func pass(_ event: SocketEvent, _ id: UInt64?, on state: SocketState) {
        guard state.isListening else { return }
        var event = event
        let middlewares = middlewares
        for (index, middleware) in middlewares.enumerated() {
            switch middleware {
            case .sync(let body):
                do {
                    try body(&event)
                } catch {
                    state.reject(event, id: id, error)
                    return
                }
            case .async:
                suspend(event, id, Array(middlewares[index...]), on: state)
                return
            }
        }
        deliver(event, id, on: state)
    }

    private func suspend(
        _ event: SocketEvent,
        _ id: UInt64?,
        _ middlewares: [Middleware],
        on state: SocketState
    ) {
        guard let shared = state.shared else { return }
        isPassing = true
        state.loop.startTask {
            var event = event
            do {
                for middleware in middlewares {
                    switch middleware {
                    case .sync(let body): try body(&event)
                    case .async(let body): try await body(&event)
                    }
                }
                let passed = event
                shared.state.run { state in
                    state.presentObservers?.finishPassing(on: state) {
                        $0.deliver(passed, id, on: state)
                    }
                }
            } catch {
                let rejected = event
                shared.state.run { state in
                    state.presentObservers?.finishPassing(on: state) { _ in
                        state.reject(rejected, id: id, error)
                    }
                }
            }
        }
    }

    /// The suspended middleware has come to an end: its event first, then those that wait.
    private func finishPassing(on state: SocketState, _ conclude: (SocketObservers) -> Void) {
        conclude(self)
        isPassing = false
        // A middleware that did not suspend ends here while its caller drains.
        guard !isDraining else { return }
        isDraining = true
        while !isPassing, let next = takeWaiting() { pass(next.event, next.id, on: state) }
        isDraining = false
    }

    private func deliver(_ event: SocketEvent, _ id: UInt64?, on state: SocketState) {
        let name = event.nameBytes
        state.dispatch(name.bytes, event.arguments, id: id)
    }

    private func hold(_ event: Waiting, on state: SocketState) {
        waitingBytes += event.byteCount
        guard waitingBytes <= state.namespace.core.options.maxWaitingEventBytes else {
            state.client.closeForFlood()
            return
        }
        waiting.append(event)
    }

    private func takeWaiting() -> Waiting? {
        if turned.isEmpty {
            turned = waiting.reversed()
            waiting = []
        }
        guard let next = turned.popLast() else { return nil }
        waitingBytes -= next.byteCount
        return next
    }
}
