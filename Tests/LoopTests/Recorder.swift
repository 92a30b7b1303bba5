import Bytes
import Glibc

@testable import Loop

/// What a connection told its handler.
enum ConnectionEvent: Equatable, Sendable {
    case received([UInt8])
    case drained
    case ended(ConnectionEnd)

    var isEnd: Bool {
        if case .ended = self { true } else { false }
    }
}

/// A handler that reports to the test and may act from inside its callbacks.
final class Recorder: ConnectionHandler {
    typealias Reaction = (Connection, [UInt8]) -> Void

    private let events: Inbox<ConnectionEvent>
    private let reaction: Reaction?
    private let onDrained: ((Connection) -> Void)?
    private unowned let connection: Connection

    init(
        _ events: Inbox<ConnectionEvent>,
        _ connection: Connection,
        onDrained: ((Connection) -> Void)? = nil,
        reaction: Reaction? = nil
    ) {
        self.events = events
        self.connection = connection
        self.onDrained = onDrained
        self.reaction = reaction
    }

    func received(_ bytes: inout MutableRawSpan) {
        let array = bytes.bytes.array
        reaction?(connection, array)
        events.put(.received(array))
    }

    func drained() {
        events.put(.drained)
        onDrained?(connection)
    }

    func ended(_ end: ConnectionEnd) {
        events.put(.ended(end))
    }
}

/// A connection on a loop of its own, its peer, and what its handler heard.
struct Fixture: Sendable {
    let test: TestLoop
    let peer: Peer
    let events = Inbox<ConnectionEvent>()
    let connection: LoopBound<Connection>

    /// Connects and starts.
    init(
        _ kind: Peer.Kind = .tcp,
        patience: Patience = Patience(),
        reaction: (@Sendable (Connection, [UInt8]) -> Void)? = nil,
        onDrained: (@Sendable (Connection) -> Void)? = nil
    ) throws {
        test = try TestLoop()
        peer = try Peer(kind)
        let (loop, number, events) = (test.loop, peer.server, events)
        connection = try test.run {
            let connection = Connection(
                Descriptor(adopting: number),
                peer: .none,
                loop: loop,
                patience: patience
            )
            try connection.start(
                Recorder(events, connection, onDrained: onDrained, reaction: reaction)
            )
            return LoopBound(connection, loop: loop)
        }
    }

    /// Runs `body` with the connection on its loop.
    ///
    /// - Throws: what `body` throws, or `DeadlinePassed`.
    func run<Result: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> Result
    ) throws -> Result {
        try test.run { [connection] in try body(connection.value) }
    }

    /// Writes until the kernel takes no more, and little more than that; returns how much.
    ///
    /// - Throws: `DeadlinePassed`.
    func fillOutput() throws -> Int {
        let frame = SharedBytes(pattern(8 << 10))
        var count = 0
        while try !run({ $0.isWriteBlocked }) {
            try run { $0.write(frame) }
            count += frame.count
        }
        return count
    }

    /// What has been received until the connection ended or `count` bytes are there.
    ///
    /// - Throws: `DeadlinePassed`.
    func received(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            switch try events.next() {
            case .received(let more): bytes += more
            case .drained: continue
            case .ended: return bytes
            }
        }
        return bytes
    }

    /// The reason with which the connection ended.
    ///
    /// - Throws: `DeadlinePassed`.
    func end() throws -> ConnectionEnd? {
        guard case .ended(let end) = try events.next(until: { $0.isEnd }) else { return nil }
        return end
    }
}

extension PeerAddress {
    /// No address at all.
    static let none = PeerAddress(sockaddr_storage())
}

/// `count` bytes that differ with `seed` and do not fall into step with any buffer's size.
func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
    let block = (0..<min(count, 65_521)).map {
        UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761 &+ seed &* 40_503) >> 8)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count { bytes += block.prefix(count - bytes.count) }
    return bytes
}
