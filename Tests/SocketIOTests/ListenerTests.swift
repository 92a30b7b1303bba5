import Foundation
import Testing

@testable import Loop
@testable import SocketIO

@Suite("protocol.md §17: listeners of every event, once, off", .timeLimit(.minutes(5)))
struct ListenerTests {
    private struct Odd: Error {}

    @Test("onAny sees every event first, in order; prependAny comes before; offAny ends them")
    func onAny() async throws {
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    socket.onAny { event, arguments in
                        journal.add("any \(event) \(arguments.count) \(arguments.wantsAck)")
                    }
                    let first = socket.prependAny { event, _ in journal.add("first \(event)") }
                    socket.on("known") { (value: Int) in journal.add("known \(value)") }
                    socket.on("off-first") { socket.offAny(first) }
                    socket.on("off-all") { socket.offAny() }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(#"42["known",1]"#)
                try client.send(#"427["unknown","\u0061",2]"#)
                try client.send(#"42["off-first"]"#)
                try client.send(#"42["\u0041\n"]"#)
                try client.send(#"42["off-all"]"#)
                try client.send(#"42["known",2]"#)
                #expect(
                    await journal.first(10) == [
                        "first known", "any known 1 false", "known 1",
                        "first unknown", "any unknown 2 true",
                        "first off-first", "any off-first 0 false",
                        "any A\n 0 false", "any off-all 0 false", "known 2",
                    ]
                )
            }
        )
    }

    @Test("what a listener of every event throws is reported, and the event goes on")
    func throwing() async throws {
        let failures = Journal<String>()
        try await withServer(
            options: { $0.onError = { failures.add("server \($0.event ?? "-")") } },
            setUp: { server in
                server.onConnection { socket in
                    socket.onAny { _, _ in throw Odd() }
                    socket.onAnyOutgoing { _, _ in throw Odd() }
                    socket.onError { failures.add("socket \(type(of: $0))") }
                    socket.on("x") { try socket.emit("y") }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(#"42["x"]"#)
                #expect(try await client.text() == #"42["y"]"#)
                #expect(
                    failures.entries == ["server x", "socket Odd", "server y", "socket Odd"]
                )
            }
        )
    }

    @Test("onAnyOutgoing sees emits and broadcasts that reach the socket, not acknowledgements")
    func onAnyOutgoing() async throws {
        let journal = Journal<String>()
        try await withServer(
            loops: 2,
            setUp: { server in
                server.onConnection { socket in
                    socket.on("ack") { 1 }
                    guard socket.handshake.auth["listens"] != nil else { return }
                    socket.join("room")
                    let second = socket.onAnyOutgoing { event, arguments in
                        journal.add("\(event) \(arguments.count)")
                    }
                    socket.prependAnyOutgoing { event, _ in journal.add("first \(event)") }
                    socket.on("off") {
                        socket.offAnyOutgoing(second)
                        try socket.emit("direct")
                        socket.offAnyOutgoing()
                        try socket.emit("silent")
                    }
                    socket.on("ask") { () async throws -> Int in
                        try await socket.emitWithAck("question", 1, 2, as: Int.self)
                    }
                }
            },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join(auth: #"{"listens":"yes"}"#)
                let other = try TestClient(port: port)
                try await other.join()
                try client.send(#"421["ack"]"#)
                #expect(try await client.text() == "431[1]")
                try server.emit("all", 1, Data([1]))
                try server.to("room").emit("room")
                try server.except("room").emit("others")
                try server.volatile.emit("volatile")
                #expect(
                    try await other.text() == #"451-["all",1,{"_placeholder":true,"num":0}]"#
                )
                #expect(try await other.next() == .binary([1]))
                #expect(try await other.text() == #"42["others"]"#)
                async let answers = server.in("room").emitWithAck("asked", as: Int.self)
                _ = try await client.messages(before: #"420["asked"]"#)
                try client.send("430[7]")
                #expect(try await answers == [7])
                try client.send(#"422["ask"]"#)
                #expect(try await client.text() == #"421["question",1,2]"#)
                try client.send("431[3]")
                #expect(try await client.text() == "432[3]")
                try client.send(#"42["off"]"#)
                #expect(try await client.text() == #"42["direct"]"#)
                #expect(try await client.text() == #"42["silent"]"#)
                #expect(
                    journal.entries == [
                        "first all", "all 2", "first room", "room 0", "first volatile",
                        "volatile 0", "first asked", "asked 0", "first question", "question 2",
                        "first direct",
                    ]
                )
                // Nobody is left to be shown what is sent.
                client.drop()
                for loop in server.main.core.group.loops {
                    let namespace = server.main
                    while await withCheckedContinuation({ answer in
                        loop.post {
                            let local = namespace.local(on: loop)
                            answer.resume(returning: local.outgoingObservers)
                        }
                    }) > 0 { await Task.yield() }
                }
            }
        )
    }

    @Test("once hears one event, with every kind of handler; off and removeAllListeners end them")
    func onceAndOff() async throws {
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    socket.once("once") { (value: Int) in value * 2 }
                    socket.once("once-async") { (a: Int, b: Int) async in a + b }
                    socket.once("once-raw") { (arguments: Arguments) in arguments }
                    // Registers itself again from within.
                    socket.once("again") { () -> String in
                        socket.once("again") { "second" }
                        return "first"
                    }
                    let listener = socket.on("off-one") { 1 }
                    socket.on("off-one") { 2 }
                    socket.on("remove-one") { socket.off(listener) }
                    socket.on("remove-name") { socket.off("off-one") }
                    socket.on("remove-all") { socket.removeAllListeners() }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                // Without a handler there is no answer; the next exchange shows it.
                for (request, answer) in [
                    (#"421["once",4]"#, "431[8]"), (#"422["once",4]"#, nil),
                    (#"423["once-async",4,5]"#, "433[9]"), (#"424["once-async",4,5]"#, nil),
                    (#"425["once-raw",[]]"#, "435[[]]"), (#"426["once-raw"]"#, nil),
                    (#"427["again"]"#, #"437["first"]"#), (#"428["again"]"#, #"438["second"]"#),
                    (#"429["again"]"#, nil),
                    (#"4210["off-one"]"#, "4310[1]"), (#"4211["remove-one"]"#, "4311[]"),
                    (#"4212["off-one"]"#, "4312[2]"), (#"4213["remove-name"]"#, "4313[]"),
                    (#"4214["off-one"]"#, nil), (#"4215["remove-all"]"#, "4315[]"),
                    (#"4216["remove-all"]"#, nil),
                ] as [(String, String?)] {
                    try client.send(request)
                    if let answer { #expect(try await client.text() == answer) }
                }
                try client.send("41")
                try await client.join()
            }
        )
    }

    @Test("handlers of the disconnect can be removed, one by one and by name")
    func offDisconnect() async throws {
        let journal = Journal<String>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    let listener = socket.onDisconnect { _ in journal.add("never") }
                    socket.onDisconnect { _ in journal.add("disconnect") }
                    socket.onDisconnecting { _ in journal.add("never") }
                    socket.off(listener)
                    socket.off("disconnecting")
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send("41")
                try await client.join()
                try client.send("41")
                #expect(await journal.first(2) == ["disconnect", "disconnect"])
            }
        )
    }

    @Test("send and write emit message")
    func send() async throws {
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    try socket.send("a", 1)
                    try socket.write("b")
                    try server.send("c")
                    try server.of("/").write("d")
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                #expect(try await client.text() == #"42["message","a",1]"#)
                for letter in ["b", "c", "d"] {
                    #expect(try await client.text() == #"42["message","\#(letter)"]"#)
                }
            }
        )
    }
}
