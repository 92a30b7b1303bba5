import Foundation
import Testing

@testable import SocketIO

@Suite("A client that reads too slowly", .timeLimit(.minutes(5)))
struct SendQueuePolicyTests {
    /// What a flood has seen of its own connection while it was sent.
    private struct Sight: Sendable {
        var most = 0
        var dropped = 0
    }

    private static let side = (0..<20).map { "/side\($0)" }
    /// Nine of ten events are text of a kilobyte; the tenth has two attachments of 500 bytes.
    private static let padding = String(repeating: "x", count: 1000)

    /// `flood` sends that many events at once, and between them what must not be dropped.
    private static func install(
        _ server: Server,
        _ sights: Journal<Sight>,
        _ events: Journal<String>
    ) {
        for name in side { _ = server.of(name) }
        server.onConnection { socket in
            socket.conn.onDrain { events.add("drain \(socket.conn.bufferedAmount)") }
            socket.conn.onClose { events.add("\($0.rawValue): \($1 ?? "")") }
            socket.on("flood") { (count: Int, isVolatile: Bool) -> Int in
                var sight = Sight()
                let emitter = isVolatile ? socket.volatile : socket.compress(true)
                for index in 0..<count {
                    if index % 10 == 9 {
                        try emitter.emit(
                            "binary",
                            index,
                            attachment(index, 0),
                            attachment(index, 1)
                        )
                    } else {
                        try emitter.emit("text", index, padding)
                    }
                    if index % (count / side.count) == 0 {
                        server.of(side[index / (count / side.count)]).disconnectSockets()
                    }
                    sight.most = max(sight.most, socket.conn.bufferedAmount)
                }
                sight.dropped = socket.conn.droppedPackets
                sights.add(sight)
                return count
            }
            socket.on("plain") { (count: Int) in
                for index in 0..<count { try socket.emit("text", index, padding) }
            }
        }
    }

    private static func attachment(_ index: Int, _ part: UInt8) -> Data {
        Data([part] + withUnsafeBytes(of: Int32(index).littleEndian, Array.init))
            + Data(count: 495)
    }

    /// What has arrived of a flood, whole units only.
    private struct Arrival {
        var events: [Int] = []
        var disconnects: [String] = []

        /// The numbers of events that begin a run of those after another.
        var runs: [Int] {
            zip(events, [-2] + events).filter { $0 != $1 + 1 }.map(\.0)
        }
    }

    /// Reads up to the flood's acknowledgement.
    private static func read(_ next: () throws -> TestClient.Message) throws -> Arrival {
        var arrival = Arrival()
        while true {
            guard case .text(let text) = try next() else {
                throw TestClient.Failure(description: "an attachment without its packet")
            }
            if text.hasPrefix("43") { return arrival }
            if text == "2" { continue }
            if text.hasPrefix("41/") {
                arrival.disconnects.append(String(text.dropFirst(2).dropLast()))
                continue
            }
            let isBinary = text.hasPrefix("452-[\"binary\",")
            guard isBinary || text.hasPrefix("42[\"text\","),
                let index = Int(text.dropFirst(isBinary ? 14 : 10).prefix { $0 != "," })
            else { throw TestClient.Failure(description: String(text.prefix(50))) }
            arrival.events.append(index)
            guard isBinary else { continue }
            for part in UInt8(0)..<2 {
                #expect(try next() == .binary(Array(attachment(index, part))))
            }
        }
    }

    private static let count = 8000

    private func withFlood(
        _ sendQueue: SendQueueOptions,
        isVolatile: Bool = false,
        _ body: (Server, Sight, Journal<String>, Arrival) async throws -> Void
    ) async throws {
        let sights = Journal<Sight>()
        let events = Journal<String>()
        try await withServer(
            options: { $0.sendQueue = sendQueue },
            setUp: { Self.install($0, sights, events) },
            run: { server, port in
                let client = try SlowClient(port: port, namespaces: Self.side)
                try client.send("420[\"flood\",\(Self.count),\(isVolatile)]")
                let sight = await sights.first(1)[0]
                let arrival = try Self.read { try client.next() }
                #expect(arrival.disconnects == Self.side)
                #expect(await events.first(1) == ["drain 0"])
                try await body(server, sight, events, arrival)
            }
        )
    }

    @Test("`dropOldest`: what had begun to leave arrives, then the newest, whole and in order")
    func dropOldest() async throws {
        let options = SendQueueOptions(maxBytes: 1 << 20, policy: .dropOldest)
        try await withFlood(options) { server, sight, events, arrival in
            // What is on its way already does not count.
            #expect(sight.most < (1 << 20) + (64 << 10) + 4000)
            #expect(sight.dropped > 1000)
            #expect(arrival.events.count == Self.count - sight.dropped)
            #expect(server.statistics.droppedPackets == sight.dropped)
            #expect(server.statistics.sendQueueOverflows == 0)
            // One gap: what had been handed over, and the newest.
            let runs = arrival.runs
            #expect(runs.count == 2 && runs.first == 0)
            #expect(arrival.events.last == Self.count - 1)
            #expect(events.entries == ["drain 0"])
        }
    }

    @Test("`dropVolatile`: the newest volatile events arrive, and all others")
    func dropVolatile() async throws {
        let options = SendQueueOptions(maxBytes: 1 << 20, policy: .dropVolatile)
        try await withFlood(options, isVolatile: true) { server, sight, events, arrival in
            // What is on its way already does not count.
            #expect(sight.most < (1 << 20) + (64 << 10) + 4000)
            #expect(arrival.events.count == Self.count - sight.dropped)
            #expect(sight.dropped > 1000)
            #expect(arrival.runs.count == 2)
            #expect(arrival.events.last == Self.count - 1)
            #expect(server.statistics.droppedPackets == sight.dropped)
            #expect(events.entries == ["drain 0"])
        }
    }

    @Test("Volatile events are lost by default while the client cannot take them")
    func volatileByDefault() async throws {
        try await withFlood(SendQueueOptions(), isVolatile: true) { server, sight, _, arrival in
            // Those before the kernel's refusal; nothing leaves before the flood has ended.
            #expect(arrival.runs == [0])
            #expect(arrival.events.count < Self.count && sight.dropped == 0)
            #expect(server.statistics.droppedPackets == 0)
        }
    }

    @Test("With room for it everything arrives, and `drain` tells once that it has left")
    func everything() async throws {
        let options = SendQueueOptions(maxBytes: 1 << 30, policy: .dropOldest)
        try await withFlood(options) { _, sight, events, arrival in
            #expect(arrival.events == Array(0..<Self.count))
            #expect(sight.most > 2 << 20 && sight.dropped == 0)
            #expect(events.entries == ["drain 0"])
        }
    }

    @Test(
        "What may not be dropped ends the connection, with the reason, once it is too much",
        arguments: [
            SendQueueOptions(maxBytes: 1 << 20, policy: .disconnect),
            SendQueueOptions(maxPackets: 1000, policy: .disconnect),
            SendQueueOptions(maxBytes: 1 << 20, policy: .dropVolatile),
            SendQueueOptions(maxPackets: 1000, policy: .dropVolatile),
        ]
    )
    func disconnects(options: SendQueueOptions) async throws {
        let events = Journal<String>()
        let lines = Journal<String>()
        try await withServer(
            options: {
                $0.sendQueue = options
                $0.log = { if $0 != .debug { lines.add("\($0.rawValue) \($1)") } }
            },
            setUp: { Self.install($0, Journal(), events) },
            run: { server, port in
                let client = try SlowClient(port: port)
                try client.send("42[\"plain\",\(Self.count)]")
                #expect(await events.first(1) == ["transport error: send queue overflow"])
                #expect(server.statistics.sendQueueOverflows == 1)
                #expect(lines.entries == ["info send queue overflow: 127.0.0.1 is disconnected"])
                // What the kernel had taken still arrives, from the first on.
                var expected = 0
                while case .text(let text) = try client.next() {
                    #expect(text.hasPrefix("42[\"text\",\(expected),"))
                    expected += 1
                }
                #expect(expected < Self.count)
            }
        )
    }

    @Test(
        "A client that does not poll: the newest wait for it, or it is disconnected",
        arguments: [
            SendQueueOptions(maxBytes: 100_000, policy: .dropOldest),
            SendQueueOptions(maxPackets: 101, policy: .dropOldest),
            SendQueueOptions(maxBytes: 100_000, policy: .dropVolatile),
        ]
    )
    func polling(options: SendQueueOptions) async throws {
        let sights = Journal<Sight>()
        let events = Journal<String>()
        try await withServer(
            options: { $0.sendQueue = options },
            setUp: { Self.install($0, sights, events) },
            run: { server, port in
                let client = try PollingClient(port: port)
                try client.post("40")
                #expect(try client.poll().hasPrefix("40{"))
                for name in Self.side {
                    try client.post("40\(name),")
                    #expect(try client.poll().hasPrefix("40\(name),"))
                }
                let drains = events.entries.count
                let isVolatile = options.policy == .dropVolatile
                try client.post("420[\"flood\",\(Self.count),\(isVolatile)]")
                let sight = await sights.first(1)[0]
                #expect(sight.most < 104_000)
                var units = try client.poll().split(separator: "\u{1E}").map { unit in
                    unit.hasPrefix("b")
                        ? TestClient.Message.binary(
                            Array(Data(base64Encoded: String(unit.dropFirst())) ?? Data())
                        ) : .text(String(unit))
                }[...]
                let arrival = try Self.read { units.popFirst() ?? .closed }
                // The acknowledgement may have pushed out one more.
                let kept = Self.count - server.statistics.droppedPackets
                #expect((0...1).contains(server.statistics.droppedPackets - sight.dropped))
                #expect(arrival.events == Array(Self.count - kept..<Self.count))
                #expect(arrival.disconnects == Self.side)
                // The bound is used up to an event; 21 packets are none.
                #expect(options.maxPackets == 101 ? kept == 80 : (85...100).contains(kept))
                _ = await events.first(drains + 1)
                #expect(events.entries.count == drains + 1 && events.entries.last == "drain 0")
            }
        )
    }
}
