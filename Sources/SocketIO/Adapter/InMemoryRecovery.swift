import Bytes
import Foundation
import Loop
import SocketIOProtocol
import Synchronization

/// What the namespaces of one server keep together for clients that come back.
///
/// Clients can bring a server to have many namespaces: the bounds are of all.
final class RecoveryBudget: Sendable {
    let packets = Atomic<Int>(0)
    let bytes = Atomic<Int>(0)
    let sessions = Atomic<Int>(0)
}

/// What a server that stands alone keeps of one namespace for clients that come back.
///
/// Usable from any thread (protocol.md §20).
final class InMemoryRecovery: Sendable {
    private struct State {
        var log: PacketLog<StoredEvent>
        var sessions: SessionStore<RecoverableSession>
    }

    private let options: RecoveryOptions
    private let budget: RecoveryBudget
    private let state: Mutex<State>
    private let timer: LoopTimer

    /// How often what is too old is looked for while nothing happens.
    private static let purgeInterval = Duration.seconds(60)

    init(_ options: RecoveryOptions, _ budget: RecoveryBudget, loop: EventLoop) {
        self.options = options
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
                sessions: SessionStore(lifetime: lifetime, maxCount: options.maxSessions)
            )
        )
        timer = LoopTimer(on: loop)
        startPurging()
    }

    deinit {
        timer.cancel()
        state.withLock { state in
            budget.packets.subtract(state.log.count, ordering: .relaxed)
            budget.bytes.subtract(state.log.bytes, ordering: .relaxed)
            budget.sessions.subtract(state.sessions.count, ordering: .relaxed)
        }
    }

    /// Keeps a packet.
    ///
    /// - Returns: Its offset.
    func append(_ packet: EventPacket, _ options: BroadcastOptions) -> String {
        let cost = packet.arguments.attachments.reduce(packet.arguments.json.count + 200) {
            $0 + $1.count
        }
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
        change { $0.sessions.store(kept, id: session.privateID, milliseconds: Self.now) }
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
        guard let place = Offset(position), let session = RecoverableSession(session)
        else { return nil }
        return state.withLock { session.missed(after: place, in: $0.log, options) }
    }

    /// Changes what is kept, and forgets the oldest of it if all namespaces have too much.
    private func change<Result>(_ body: (inout State) -> Result) -> Result {
        state.withLock { state in
            let packets = state.log.count
            let bytes = state.log.bytes
            let sessions = state.sessions.count
            let result = body(&state)
            let log = state.log.count - packets
            budget.packets.add(log, ordering: .relaxed)
            budget.bytes.add(state.log.bytes - bytes, ordering: .relaxed)
            budget.sessions.add(state.sessions.count - sessions, ordering: .relaxed)
            while budget.packets.load(ordering: .relaxed) > options.maxPackets
                || budget.bytes.load(ordering: .relaxed) > options.maxPacketBytes
            {
                let before = state.log.bytes
                guard state.log.removeOldest() else { break }
                budget.packets.subtract(1, ordering: .relaxed)
                budget.bytes.subtract(before - state.log.bytes, ordering: .relaxed)
            }
            while budget.sessions.load(ordering: .relaxed) > options.maxSessions,
                state.sessions.removeOldest()
            {
                budget.sessions.subtract(1, ordering: .relaxed)
            }
            return result
        }
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
