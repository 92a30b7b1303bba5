import Bytes
import Loop
import Synchronization

@testable import Redis

/// A peer on a TCP port that is no Redis, or a broken one: it answers as the test wants.
final class FakeRedis: Sendable {
    /// What has come on a connection so far, and which number the connection has.
    typealias Answer = @Sendable (_ number: Int, _ received: String) -> String?

    private final class Peer: ConnectionHandler {
        let connection: Connection
        let answer: (String) -> String?
        private var received = ""

        init(_ connection: Connection, _ answer: @escaping (String) -> String?) {
            self.connection = connection
            self.answer = answer
        }

        func received(_ bytes: inout MutableRawSpan) {
            received += bytes.bytes.text
            guard let text = answer(received) else { return }
            received = ""
            connection.write(SharedBytes(text))
        }

        func drained() {}
        func ended(_ end: ConnectionEnd) {}
    }

    let address: RedisAddress
    private let group: LoopGroup

    /// Listens; `answer` is asked with all that came since the last answer.
    ///
    /// - Throws: `SystemCallError`.
    init(_ answer: @escaping Answer) throws {
        let bound = try BoundAddress(host: "127.0.0.1", port: 0)
        address = RedisAddress(endpoint: .tcp(host: "127.0.0.1", port: bound.port))
        group = try LoopGroup(count: 1)
        let loop = group.loops[0]
        let descriptor = Mutex<Descriptor?>(try bound.listen(backlog: 64))
        let count = Atomic<Int>(0)
        let shared = Shared(descriptor, count)
        loop.post {
            guard let listening = shared.descriptor.withLock({ $0.take() }) else { return }
            // Kept by the loop until it ends.
            _ = try? Listener(
                listening,
                loop: loop,
                onAccept: { accepted, peer in
                    let number = shared.count.wrappingAdd(1, ordering: .relaxed).newValue
                    let connection = Connection(
                        accepted,
                        peer: peer,
                        loop: loop
                    )
                    try? connection.start(Peer(connection) { answer(number, $0) })
                },
                onExhausted: { _ in }
            )
        }
    }

    deinit {
        group.stop()
    }

    private final class Shared: Sendable {
        let descriptor: Mutex<Descriptor?>
        let count: Atomic<Int>

        init(_ descriptor: consuming Mutex<Descriptor?>, _ count: consuming Atomic<Int>) {
            self.descriptor = descriptor
            self.count = count
        }
    }
}
