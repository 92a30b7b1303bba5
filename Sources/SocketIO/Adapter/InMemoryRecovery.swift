import Bytes
import Foundation
import Loop
import SocketIOProtocol
import Synchronization

/// What a server that stands alone keeps of one namespace for clients that come back.
///
/// Usable from any thread (protocol.md §20).
final class InMemoryRecovery: Sendable {
    private struct State {
        var log: PacketLog<StoredEvent>
        var sessions: SessionStore<RecoverableSession>

        var usage: RecoveryUsage {
            RecoveryUsage(log.count, log.bytes, sessions.count, sessions.bytes)
        }
    }

    private let options: RecoveryOptions
    private let bounds: RecoveryUsage
    private let budget: RecoveryBudget
    private let state: Mutex<State>
    private let timer: LoopTimer

    /// How often what is too old is looked for while nothing happens.
    private static let purgeInterval = Duration.seconds(60)

    init(_ options: RecoveryOptions, _ budget: RecoveryBudget, loop: EventLoop) {
        self.options = options
        bounds = options.bounds
        self.budget = budget
        let lifetime = options.maxDisconnectionDuration
        state = Mutex(
            State(
                log: PacketLog(
                    lifetime: lifetime,
                    maxCount: options.maxPackets,
                    maxBytes: options.maxPacketBytes,
                    milliseconds: Self.wall
                ),
                sessions: SessionStore(
                    lifetime: lifetime,
                    maxCount: options.maxSessions,
                    maxBytes: options.maxSessionBytes
                )
            )
        )
        timer = LoopTimer(on: loop)
        startPurging()
    }

    deinit {
        timer.cancel()
        budget.remove(self)
    }

    /// How many packets it keeps.
    var count: Int { state.withLock { $0.log.count } }

    /// Keeps a packet.
    ///
    /// - Returns: Its offset.
    func append(_ packet: EventPacket, _ options: BroadcastOptions) -> String {
        let names = options.rooms.reduce(0) { $0 + $1.name.utf8.count + 50 }
        let others = options.except.reduce(0) { $0 + $1.name.utf8.count + 50 }
        let cost = packet.arguments.attachments.reduce(
            packet.arguments.json.count + names + others + 200
        ) { $0 + $1.count }
        let event = StoredEvent(packet: packet, options: options)
        return change { state in
            let offset = state.log.append(
                event,
                rooms: options.rooms.map(\.name),
                cost: cost,
                now: Self.now,
                milliseconds: Self.wall
            )
            return "\(offset)"
        }
    }

    var position: String { "\(state.withLock { $0.log.newest })" }

    func persist(_ session: StoredSession) {
        guard let kept = RecoverableSession(session) else { return }
        let id = session.privateID
        let cost = kept.cost
        change { $0.sessions.store(kept, id: id, cost: cost, milliseconds: Self.now) }
    }

    /// Takes a session, with what it has missed so far.
    func restore(_ privateID: String, offset: String?) -> RestoredSession? {
        change { state in
            guard let session = state.sessions.take(privateID, milliseconds: Self.now),
                let place = session.place(of: offset, in: state.log),
                let missed = session.missed(after: place, in: state.log, options)
            else { return nil }
            return RestoredSession(
                session: session.stored,
                missed: missed,
                position: "\(state.log.newest)"
            )
        }
    }

    func packets(after position: String, for session: StoredSession) -> [StoredPacket]? {
        guard let place = Offset(position) else { return nil }
        // Usually; and nobody is held up to read the positions of all rooms.
        if state.withLock({ $0.log.newest == place }) { return [] }
        guard let session = RecoverableSession(session) else { return nil }
        return state.withLock { session.missed(after: place, in: $0.log, options) }
    }

    /// Forgets the oldest packets (`kind` 0, 1) or sessions, so many or so many bytes of them.
    func forget(_ amount: Int, _ kind: Int) {
        state.withLock { state in
            let before = state.usage
            while before[kind] - state.usage[kind] < amount,
                kind < 2 ? state.log.removeOldest() : state.sessions.removeOldest()
            {}
            budget.count(state.usage &- before, of: self)
        }
    }

    /// Changes what is kept; if all namespaces have too much then, some forget.
    private func change<Result>(_ body: (inout State) -> Result) -> Result {
        var total = RecoveryUsage.zero
        let result = state.withLock { state in
            let before = state.usage
            let result = body(&state)
            total = budget.count(state.usage &- before, of: self)
            return result
        }
        if any(total .> bounds) { budget.relieve(bounds) }
        return result
    }

    private func startPurging() {
        timer.start(after: Self.purgeInterval) { [weak self] in
            guard let self else { return }
            change { state in
                state.log.purge(now: Self.now)
                state.sessions.purge(milliseconds: Self.now)
            }
            startPurging()
        }
    }

    /// Of a clock that only goes on.
    private static var now: UInt64 { monotonicNanoseconds() / 1_000_000 }

    private static var wall: UInt64 { UInt64(max(Date().timeIntervalSince1970 * 1000, 0)) }
}
