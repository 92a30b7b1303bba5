import Glibc
import Testing

@testable import Loop

@Suite("Listening")
struct ListenerTests {
    /// Listens on `loop`; reports each connection, which is closed at once.
    private static func listen(
        _ test: TestLoop,
        _ address: BoundAddress,
        _ accepted: Inbox<String>
    ) throws -> LoopBound<Listener> {
        let loop = test.loop
        return try test.run {
            let listener = try Listener(
                address.listen(backlog: 128),
                loop: loop,
                onAccept: { descriptor, peer in accepted.put(peer.description) },
                onExhausted: { accepted.put("exhausted: \($0)") }
            )
            return LoopBound(listener, loop: loop)
        }
    }

    @Test("port 0 becomes the port the system chose")
    func anyPort() throws {
        let test = try TestLoop()
        let accepted = Inbox<String>()
        let address = try BoundAddress(host: "127.0.0.1", port: 0)
        #expect(address.port > 0)
        let listener = try Self.listen(test, address, accepted)
        let peer = try Peer(port: address.port)
        #expect(try accepted.next() == "127.0.0.1")
        #expect(try peer.receiveToEnd().isEmpty)
        listener.run { $0.stop() }
    }

    @Test("a port in use is refused although our listeners share it")
    func portInUse() throws {
        let address = try BoundAddress(host: "127.0.0.1", port: 0)
        let listener = try address.listen(backlog: 1)
        #expect(throws: SystemCallError(call: "bind", errno: EADDRINUSE)) {
            _ = try BoundAddress(host: "127.0.0.1", port: address.port)
        }
        _ = consume listener
        #expect(throws: Never.self) {
            _ = try BoundAddress(host: "127.0.0.1", port: address.port)
        }
    }

    @Test("a number that is no port is refused", arguments: [-1, 65_536, 70_000, .max, .min])
    func noPort(port: Int) {
        #expect(throws: SystemCallError.self) {
            _ = try BoundAddress(host: "127.0.0.1", port: port)
        }
    }

    @Test("an address that is not ours, and a name that is none, are refused")
    func noHost() {
        #expect(throws: SystemCallError(call: "bind", errno: EADDRNOTAVAIL)) {
            _ = try BoundAddress(host: "192.0.2.1", port: 0)
        }
        #expect(throws: SystemCallError.self) {
            _ = try BoundAddress(host: "not a host", port: 0)
        }
    }

    @Test("several loops share a port, and all of them accept")
    func shared() throws {
        let tests = try (0..<3).map { _ in try TestLoop() }
        let inboxes = tests.map { _ in Inbox<String>() }
        let address = try BoundAddress(host: "127.0.0.1", port: 0)
        let listeners = try zip(tests, inboxes).map { try Self.listen($0, address, $1) }
        var attempts = 0
        while inboxes.contains(where: { $0.waiting.isEmpty }), attempts < 500 {
            // The server closes what it has accepted, so its end says that it was counted.
            _ = try Peer(port: address.port).receiveToEnd()
            attempts += 1
        }
        #expect(inboxes.allSatisfy { !$0.waiting.isEmpty })
        for listener in listeners { listener.run { $0.stop() } }
    }

    @Test("a stopped listener frees its port")
    func stopped() throws {
        let test = try TestLoop()
        let address = try BoundAddress(host: "127.0.0.1", port: 0)
        let listener = try Self.listen(test, address, Inbox())
        try test.run {
            listener.value.stop()
            listener.value.stop()
        }
        #expect(throws: SystemCallError(call: "connect", errno: ECONNREFUSED)) {
            _ = try Peer(port: address.port)
        }
    }

    @Test("who is connected before a listener stops is accepted")
    func waiting() throws {
        let test = try TestLoop()
        let accepted = Inbox<String>()
        let address = try BoundAddress(host: "127.0.0.1", port: 0)
        let listener = try Self.listen(test, address, accepted)
        let peers = try test.run {
            // While the loop is here it accepts nobody, and then it stops at once.
            let peers = try (0..<100).map { _ in try Peer(port: address.port) }
            listener.value.stop()
            return peers
        }
        #expect(accepted.waiting.count == 100)
        for peer in peers { #expect(try peer.receiveToEnd().isEmpty) }
    }

    @Test("1,000 connections leave no descriptor behind")
    func noLeak() throws {
        let test = try TestLoop()
        let loop = test.loop
        let events = Inbox<ConnectionEvent>()
        let address = try BoundAddress(host: "127.0.0.1", port: 0)
        let listener = try test.run {
            LoopBound(
                try Listener(
                    address.listen(backlog: 128),
                    loop: loop,
                    onAccept: { descriptor, peer in
                        let connection = Connection(
                            descriptor,
                            peer: peer,
                            loop: loop
                        )
                        try? connection.start(Recorder(events, connection))
                    },
                    onExhausted: { _ in }
                ),
                loop: loop
            )
        }
        let before = openDescriptors()
        for _ in 0..<20 {
            let peers = try (0..<50).map { _ in try Peer(port: address.port) }
            for peer in peers { peer.endSending() }
            _ = try events.next(50)
            for peer in peers { #expect(try peer.receiveToEnd().isEmpty) }
        }
        // Other tests run meanwhile and have descriptors of their own, far fewer than 1,000.
        #expect(openDescriptors() - before < 200)
        listener.run { $0.stop() }
    }
}
