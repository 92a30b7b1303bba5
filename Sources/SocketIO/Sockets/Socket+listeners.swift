import Bytes
import Loop

/// Listeners of every event, and the removal of listeners (protocol.md §17).
extension Socket {
    // MARK: Every event

    /// Runs `listener` for every event of the client, before middlewares and handlers.
    ///
    /// Also for events that a middleware then refuses or nobody handles. It cannot acknowledge;
    /// what it throws goes to `ServerOptions.onError` and `onError`. On the socket's loop.
    @discardableResult
    public func onAny(
        _ listener: @escaping @Sendable (_ event: String, Arguments) throws -> Void
    ) -> EventListener {
        observe(listener) { $0.incoming.append($1) }
    }

    /// As `onAny`, before the listeners there are.
    @discardableResult
    public func prependAny(
        _ listener: @escaping @Sendable (_ event: String, Arguments) throws -> Void
    ) -> EventListener {
        observe(listener) { $0.incoming.insert($1, at: 0) }
    }

    /// Removes a listener of `onAny`, or all of them.
    public func offAny(_ listener: EventListener? = nil) {
        changePresentObservers { observers in
            observers.incoming.removeAll { listener == nil || $0.listener == listener }
        }
    }

    /// Runs `listener` for every event that is sent to the client, by `emit` or a broadcast.
    ///
    /// Not for acknowledgements. On the socket's loop, just before the event is sent.
    @discardableResult
    public func onAnyOutgoing(
        _ listener: @escaping @Sendable (_ event: String, Arguments) throws -> Void
    ) -> EventListener {
        observe(listener) { $0.outgoing.append($1) }
    }

    /// As `onAnyOutgoing`, before the listeners there are.
    @discardableResult
    public func prependAnyOutgoing(
        _ listener: @escaping @Sendable (_ event: String, Arguments) throws -> Void
    ) -> EventListener {
        observe(listener) { $0.outgoing.insert($1, at: 0) }
    }

    /// Removes a listener of `onAnyOutgoing`, or all of them.
    public func offAnyOutgoing(_ listener: EventListener? = nil) {
        changePresentObservers { observers in
            observers.outgoing.removeAll { listener == nil || $0.listener == listener }
        }
    }

    private func observe(
        _ body: @escaping @Sendable (String, Arguments) throws -> Void,
        _ insert: @escaping @Sendable (SocketObservers, SocketObservers.AnyListener) -> Void
    ) -> EventListener {
        let observer = SocketObservers.AnyListener(listener: EventListener(), body: body)
        shared.state.run { state in
            state.changeObservers { insert($0, observer) }
        }
        return observer.listener
    }

    private func changePresentObservers(_ change: @escaping @Sendable (SocketObservers) -> Void) {
        shared.state.run { state in
            if state.presentObservers != nil { state.changeObservers(change) }
        }
    }

    // MARK: Middlewares

    /// Leads every event of the client through `middleware` before its handlers.
    ///
    /// The middlewares run in the order of registration, on the socket's loop. One that returns
    /// passes the event on, changed if it likes; one that throws ends it: the error goes to
    /// `onError` and `ServerOptions.onError`, and the client is told nothing unless it is an
    /// `AckError`. Those registered while an event is under way are for the next one.
    ///
    /// ```swift
    /// socket.use { event in
    ///     guard event.name != "admin" else { throw AckError(code: "forbidden") }
    /// }
    /// ```
    public func use(_ middleware: @escaping @Sendable (inout SocketEvent) throws -> Void) {
        shared.state.run { state in
            state.changeObservers { $0.middlewares.append(.sync(middleware)) }
        }
    }

    /// As the synchronous form; while `middleware` is suspended later events of the socket wait.
    ///
    /// The order of arrival is kept. A client whose events wait with more than
    /// `ServerOptions.maxWaitingEventBytes` is disconnected.
    public func use(
        _ middleware:
            nonisolated(nonsending) @escaping @Sendable (inout SocketEvent) async throws -> Void
    ) {
        shared.state.run { state in
            state.changeObservers { $0.middlewares.append(.async(middleware)) }
        }
    }

    /// Runs `handler` for errors of the socket: of its handlers, middlewares and malformed packets.
    ///
    /// On the socket's loop. `ServerOptions.onError` sees them as well.
    @discardableResult
    public func onError(_ handler: @escaping @Sendable (any Error) -> Void) -> EventListener {
        let handler = SocketObservers.ErrorHandler(listener: EventListener(), body: handler)
        shared.state.run { state in
            state.changeObservers { $0.errorHandlers.append(handler) }
        }
        return handler.listener
    }

    // MARK: Removing

    /// Removes one handler or listener, whatever it was registered with.
    public func off(_ listener: EventListener) {
        shared.state.run { state in
            state.removeHandlers { $0.listener == listener }
            state.removeDisconnectingHandlers { $0.listener == listener }
            state.removeDisconnectHandlers { $0.listener == listener }
            if state.presentObservers != nil {
                state.changeObservers { $0.remove(listener) }
            }
        }
    }

    /// Removes the handlers of an event; `disconnect` and `disconnecting` are meant as well.
    public func off(_ event: String) {
        let name = SharedBytes(event)
        shared.state.run { state in
            switch event {
            case "disconnect": state.removeDisconnectHandlers { _ in true }
            case "disconnecting": state.removeDisconnectingHandlers { _ in true }
            default: state.removeHandlers { $0.name == name }
            }
        }
    }

    /// The same as `off`.
    public func removeAllListeners(_ event: String) { off(event) }

    /// Removes the handlers of all events, of errors, and of the disconnect.
    ///
    /// The listeners of `onAny` and `onAnyOutgoing` and the middlewares stay, as in Node.
    public func removeAllListeners() {
        shared.state.run { state in
            state.removeHandlers { _ in true }
            state.removeDisconnectingHandlers { _ in true }
            state.removeDisconnectHandlers { _ in true }
            state.presentObservers?.errorHandlers = []
        }
    }
}
