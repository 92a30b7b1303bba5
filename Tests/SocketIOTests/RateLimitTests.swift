import Synchronization
import Testing

@testable import SocketIO

@Suite("Rate limits", .timeLimit(.minutes(5)))
struct RateLimitTests {
    /// So many at once, and then none while a test lasts.
    private static func first(_ burst: Int) -> RateLimit { RateLimit(perSecond: 0, burst: burst) }

    private static func limiting(
        _ change: @escaping (inout RateLimits) -> Void
    ) -> (inout ServerOptions) -> Void {
        { options in
            var limits = RateLimits()
            change(&limits)
            options.rateLimits = limits
        }
    }

    private static func counting(_ seen: Journal<Int>) -> (Server) -> Void {
        { server in
            for name in ["/", "/other"] {
                server.of(name).onConnection { socket in
                    socket.on("count") { (number: Int) in
                        seen.add(number)
                        return number
                    }
                    socket.on("file") { (arguments: Arguments) in
                        seen.add(try arguments.decode(Int.self, at: 0))
                    }
                }
            }
        }
    }

    /// Events for one write: the connection may be over before the last of them.
    private static func counts(_ numbers: ClosedRange<Int>) -> [UInt8] {
        numbers.flatMap { TestClient.frame(1, Array("42[\"count\",\($0)]".utf8)) }
    }

    @Test("a limit's burst is what comes in a second, unless it is given")
    func bursts() {
        #expect(RateLimit(perSecond: 20).burst == 20)
        #expect(RateLimit(perSecond: 0.1).burst == 1)
        #expect(RateLimit(perSecond: 2.5).burst == 3)
        #expect(RateLimit(perSecond: 20, burst: 7).burst == 7)
        #expect(RateLimit(perSecond: .infinity).burst == .max)
        #expect(RateLimit(perSecond: .nan).burst == .max)
    }

    @Test("events over the limit of their socket reach nobody and are not acknowledged")
    func events() async throws {
        let seen = Journal<Int>()
        try await withServer(
            options: Self.limiting { $0.events = Self.first(3) },
            setUp: Self.counting(seen),
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                try await client.join("/other")
                for number in 1...9 { try client.send("42\(number)[\"count\",\(number)]") }
                // The other namespace's socket has a limit of its own.
                try client.send(#"42/other,["count",100]"#, #"42/other,7["count",101]"#)
                #expect(
                    try await client.messages(before: "43/other,7[101]")
                        == (1...3).map { .text("43\($0)[\($0)]") }
                )
                #expect(seen.entries == [1, 2, 3, 100, 101])
                #expect(server.statistics.limitedPackets == 6)
                // What else there is goes on.
                try client.send("41", "40")
                #expect(try await client.text().hasPrefix("40{"))
            }
        )
    }

    @Test("leaving a namespace and joining it again gives no new burst", arguments: [true, false])
    func rejoining(byServer: Bool) async throws {
        let seen = Journal<Int>()
        try await withServer(
            options: Self.limiting { limits in
                limits.events = Self.first(10)
                limits.onLimit = { event in
                    if byServer, event.excess == 1 { event.socket?.disconnect() }
                    return .drop
                }
            },
            setUp: Self.counting(seen),
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join("/other")
                for round in 0..<4 {
                    for number in 0..<4 {
                        try client.send("42/other,[\"count\",\(4 * round + number)]")
                    }
                    if byServer, round == 2 {
                        #expect(try await client.text() == "41/other,")
                    } else {
                        try client.send("41/other,")
                    }
                    try await client.join("/other")
                }
                #expect(seen.entries == Array(0..<10))
            }
        )
    }

    @Test("an event counts once with its attachments, and is dropped with them")
    func attachments() async throws {
        let seen = Journal<Int>()
        try await withServer(
            options: Self.limiting { $0.events = Self.first(2) },
            setUp: Self.counting(seen),
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try await client.join("/other")
                for number in 1...4 {
                    try client.send(
                        "452-[\"file\",\(number),"
                            + #"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]"#
                    )
                    try client.send(binary: [1])
                    try client.send(binary: [2])
                }
                try client.send(#"42/other,1["count",100]"#)
                #expect(try await client.text() == "43/other,1[100]")
                #expect(seen.entries == [1, 2, 100])
            }
        )
    }

    @Test("the closure sees who is how far over which limit, and decides")
    func callback() async throws {
        let seen = Journal<Int>()
        let events = Journal<String>()
        try await withServer(
            options: Self.limiting { limits in
                limits.events = Self.first(1)
                limits.onLimit = { event in
                    let socket = event.socket == nil ? "no socket" : "a socket"
                    let wait = event.wait == nil ? "for ever" : "for a while"
                    events.add(
                        "\(event.limit) \(event.event ?? "-") \(event.address) \(event.excess) "
                            + "\(event.rate.burst) \(socket) \(wait)"
                    )
                    return event.excess == 2 ? .allow : event.excess > 3 ? .disconnect : .drop
                }
            },
            setUp: Self.counting(seen),
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(frames: Self.counts(1...9))
                #expect(try await client.next() == .closed)
                #expect(seen.entries == [1, 3])
                #expect(
                    events.entries
                        == (1...4).map { "events count 127.0.0.1 \($0) 1 a socket for ever" }
                )
                #expect(server.statistics.limitedPackets == 2)
                #expect(server.statistics.limitedClients == 1)
            }
        )
    }

    @Test(
        "a closure may disconnect the socket itself, whatever it answers",
        arguments: [true, false]
    )
    func disconnectInside(closing: Bool) async throws {
        let seen = Journal<Int>()
        try await withServer(
            options: Self.limiting { limits in
                limits.events = Self.first(1)
                limits.onLimit = { event in
                    event.socket?.disconnect(close: closing)
                    return .allow
                }
            },
            setUp: Self.counting(seen),
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(frames: Self.counts(1...9))
                #expect(try await client.next() == .text("41"))
                if closing {
                    #expect(try await client.next() == .closed)
                } else {
                    try await client.join()
                }
                #expect(seen.entries == [1])
            }
        )
    }

    @Test("namespaces asked for are limited, and refused with an error")
    func joins() async throws {
        try await withServer(
            options: Self.limiting { $0.events = Self.first(2) },
            setUp: { $0.of("/other").onConnection { _ in } },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send("40/nowhere,", "40/other,", "40/nowhere,")
                #expect(
                    try await client.text() == #"44/nowhere,{"message":"Invalid namespace"}"#
                )
                for name in ["/other", "/nowhere"] {
                    #expect(
                        try await client.text() == "44\(name),{\"message\":\"rate limit exceeded\"}"
                    )
                }
                #expect(server.statistics.limitedPackets == 2)
            }
        )
    }

    @Test("packets of a connection: events and joins of all namespaces; leaving is free")
    func packets() async throws {
        let seen = Journal<Int>()
        try await withServer(
            options: Self.limiting { limits in
                limits.packets = Self.first(4)
                limits.onLimit = { $0.event == "file" ? .disconnect : .drop }
            },
            setUp: Self.counting(seen),
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try await client.join("/other")
                try client.send(#"42["count",1]"#, #"42/other,["count",2]"#)
                try client.send(#"42["count",3]"#, #"42/other,["count",4]"#, "41", "41/other,")
                try client.send("40")
                #expect(try await client.text() == #"44{"message":"rate limit exceeded"}"#)
                #expect(seen.entries == [1, 2])
                try client.send(#"42["file",1,2]"#)
                #expect(try await client.next() == .closed)
            }
        )
    }

    @Test("leaving what was left already counts as any packet, whatever it is padded with")
    func lateLeaves() async throws {
        try await withServer(
            options: Self.limiting { $0.packets = Self.first(5) },
            setUp: { $0.of("/other").onConnection { _ in } },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                try await client.join("/other")
                for _ in 0..<100 { try client.send("41/other,") }
                try client.send("40/other,")
                #expect(
                    try await client.text() == #"44/other,{"message":"rate limit exceeded"}"#
                )
                // Two joins and three of the late ones have passed; the first has left.
                #expect(server.statistics.limitedPackets == 97)
            }
        )
    }

    @Test("leaving is charged for its bytes, though it always passes")
    func bytesOfLeaves() async throws {
        let left = Journal<String>()
        try await withServer(
            options: Self.limiting { $0.bytes = Self.first(20) },
            setUp: { server in
                server.of("/other").onConnection { socket in
                    socket.onDisconnect { left.add($0.rawValue) }
                }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                // 8 bytes each, then as many again.
                try await client.join("/other")
                try client.send("41/other,")
                _ = await left.first(1)
                try await client.join("/other")
                try client.send("41/other,", "40/other,")
                #expect(
                    try await client.text() == #"44/other,{"message":"rate limit exceeded"}"#
                )
                #expect(left.entries.count == 2)
                #expect(server.statistics.limitedPackets == 1)
            }
        )
    }

    @Test("bytes of a connection: one packet may be larger than the burst, the next one waits")
    func bytes() async throws {
        let seen = Journal<Int>()
        try await withServer(
            options: Self.limiting { limits in
                limits.bytes = RateLimit(perSecond: 0.001, burst: 100)
                limits.onLimit = { event in
                    // 2000 bytes and more at a thousandth a second.
                    event.limit == .bytes && event.wait ?? .zero > .seconds(1_900_000)
                        ? .disconnect : .allow
                }
            },
            setUp: Self.counting(seen),
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(#"451-["file",1,{"_placeholder":true,"num":0}]"#)
                try client.send(binary: [UInt8](repeating: 0, count: 2000))
                try client.send(#"42["count",2]"#)
                #expect(try await client.next() == .closed)
                #expect(seen.entries == [1])
            }
        )
    }

    @Test("clients of Socket.IO v2, whose join of / is not theirs, have limits as well")
    func version2() async throws {
        let seen = Journal<Int>()
        try await withServer(
            options: { options in
                options.allowEIO3 = true
                options.rateLimits = RateLimits()
                options.rateLimits?.packets = Self.first(1)
            },
            setUp: Self.counting(seen),
            run: { _, port in
                let client = try TestClient(port: port, query: "EIO=3&transport=websocket")
                #expect(try await client.text() == "40")
                try client.send(#"421["count",1]"#, #"422["count",2]"#, "40/other")
                #expect(try await client.text() == "431[1]")
                #expect(try await client.text().hasPrefix("44/other"))
                #expect(seen.entries == [1])
            }
        )
    }
}
