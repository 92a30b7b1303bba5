import Bytes
import Foundation
import Loop
import SocketIOProtocol
import Synchronization

/// What a server that stands alone keeps for clients that come back (protocol.md §20).
///
/// Usable from any thread.
final class InMemoryRecovery: Sendable {
    private struct Kept: Sendable {
        let packet: EventPacket
        let options: BroadcastOptions
    }

    private struct State {
        var log: PacketLog<Kept>
        var sessions: SessionStore<StoredSession>
    }

    private let state: Mutex<State>
    private let timer: LoopTimer

    /// How often what is too old is looked for while nothing happens.
    private static let purgeInterval = Duration.seconds(60)

    init(_ options: RecoveryOptions, loop: EventLoop) {
        let lifetime = options.maxDisconnectionDuration
        state = Mutex(
            State(
                log: PacketLog(
                    lifetime: lifetime,
                    maxCount: options.maxPackets,
                    maxBytes: options.maxPacketBytes,
                    milliseconds: Self.now
                ),
                sessions: SessionStore(lifetime: lifetime, maxCount: options.maxSessions)
            )
        )
        timer = LoopTimer(on: loop)
        startPurging()
    }

    deinit { timer.cancel() }

    /// Keeps a packet.
    ///
    /// - Returns: Its offset.
    func append(_ packet: EventPacket, _ options: BroadcastOptions) -> String {
        let cost = packet.arguments.attachments.reduce(packet.arguments.json.count + 200) {
            $0 + $1.count
        }
        let kept = Kept(packet: packet, options: options)
        return "\(state.withLock { $0.log.append(kept, cost: cost, milliseconds: Self.now) })"
    }

    var position: String { "\(state.withLock { $0.log.newest })" }

    func persist(_ session: StoredSession) {
        state.withLock {
            $0.sessions.store(session, id: session.privateID, milliseconds: Self.now)
        }
    }

    /// Takes a session; what it has missed is asked for by `packets(after:)`.
    func restore(_ privateID: String, offset: String?) -> RestoredSession? {
        state.withLock { state in
            guard let session = state.sessions.take(privateID, milliseconds: Self.now),
                let position = offset ?? session.since
            else { return nil }
            return RestoredSession(session: session, missed: [], position: position)
        }
    }

    func packets(after position: String) -> [StoredPacket]? {
        guard let offset = Offset(position) else { return nil }
        return state.withLock { state in
            state.log.packets(after: offset)?.map { offset, kept in
                StoredPacket(packet: kept.packet, options: kept.options, offset: "\(offset)")
            }
        }
    }

    private func startPurging() {
        timer.start(after: Self.purgeInterval) { [weak self] in
            guard let self else { return }
            state.withLock { state in
                state.log.purge(milliseconds: Self.now)
                state.sessions.purge(milliseconds: Self.now)
            }
            startPurging()
        }
    }

    private static var now: UInt64 { UInt64(max(Date().timeIntervalSince1970 * 1000, 0)) }
}
