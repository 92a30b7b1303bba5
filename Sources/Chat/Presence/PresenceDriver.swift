package import SocketIO
import Synchronization

/// Runs a ``Presence``: gives it the time and other replicas' messages, and does what it says.
///
/// Usable from any thread: calls take the lock for a few table look-ups; a tick for as long as it
/// takes to gather the changes, or a snapshot when another replica asks. One task ticks; it alone
/// sends and publishes, so what leaves is in order. It ends with the driver.
package final class PresenceDriver: Sendable {
    /// The way to the other replicas and to our own clients; neither closure may block.
    package struct Link: Sendable {
        /// Sends to all other replicas.
        let send: @Sendable (PresenceMessage) throws -> Void
        /// Sends to those of our own clients that watch the room.
        let publish: @Sendable (_ room: String, RoomPresence) throws -> Void

        /// A link by its closures.
        package init(
            send: @escaping @Sendable (PresenceMessage) throws -> Void,
            publish: @escaping @Sendable (_ room: String, RoomPresence) throws -> Void
        ) {
            self.send = send
            self.publish = publish
        }
    }

    private let presence: Mutex<Presence>
    private let options: PresenceOptions
    private let link: Link
    private let log: ChatLog
    private let started = ContinuousClock.now
    private let ticking = Mutex<Task<Void, Never>?>(nil)

    /// Prepares to run `presence`, which was made with the same `options`.
    package init(_ presence: Presence, options: PresenceOptions, link: Link, log: ChatLog) {
        self.presence = Mutex(presence)
        self.options = options
        self.link = link
        self.log = log
    }

    deinit {
        ticking.withLock { $0?.cancel() }
    }

    private var now: Duration { ContinuousClock.now - started }

    /// Says hello to the others and begins to tick.
    package func start() {
        perform(presence.withLock { $0.start(now: now) })
        let period = options.tickPeriod
        let task = Task.detached { [weak self] in
            while true {
                do {
                    try await Task.sleep(for: period)
                } catch {
                    // Cancelled: the driver has gone or was stopped.
                    return
                }
                guard let self else { return }
                tick()
            }
        }
        ticking.withLock { $0 = task }
    }

    /// Says goodbye to the others; a second call does nothing.
    package func stop() {
        perform(presence.withLock { $0.stop() })
    }

    /// Changes or asks the presence.
    package func withPresence<Result, Failure: Error>(
        _ body: (inout Presence) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try presence.withLock(body)
    }

    /// Takes the arguments of another replica's ``PresenceMessage/event``.
    package func receive(_ arguments: Arguments) {
        guard let json = arguments.json(at: 0), json.utf8.count <= options.maxReceivedBytes,
            let message = try? arguments.decode(PresenceMessage.self, at: 0)
        else {
            // Why it cannot be read helps nobody here; that it came is counted.
            log.debug("presence", ["problem": "unreadable"])
            return presence.withLock { $0.receiveGarbage() }
        }
        presence.withLock { $0.receive(message, now: now) }
    }

    private func tick() {
        perform(presence.withLock { $0.tick(now: now) })
    }

    private func perform(_ actions: [Presence.Action]) {
        for action in actions {
            do {
                switch action {
                case .send(let message): try link.send(message)
                case .publish(let room, let presence): try link.publish(room, presence)
                case .appeared(let replica):
                    log.info("replica appeared", ["replica": .text(replica)])
                case .lost(let replica, let members, let reason):
                    log.info(
                        "replica gone",
                        [
                            "replica": .text(replica), "members": .number(members),
                            "reason": .text(reason.rawValue),
                        ]
                    )
                }
            } catch {
                log.warning("presence", ["problem": .text("\(error)")])
            }
        }
    }
}
