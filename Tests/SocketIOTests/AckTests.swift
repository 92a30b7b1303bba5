import Bytes
import Foundation
import Loop
import Testing

@testable import SocketIO

@Suite("protocol.md §17–18: acknowledgements of clients", .timeLimit(.minutes(5)))
struct AckTests {
    @Test("emitWithAck gives the first argument, on the loop and off it", arguments: [true, false])
    func answer(onLoop: Bool) async throws {
        let sockets = Journal<Socket>()
        let answers = Journal<String>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    sockets.add(socket)
                    socket.on("ask") { () async throws in
                        answers.add(try await socket.emitWithAck("name?", 1, as: String.self))
                    }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                let socket = await sockets.first(1)[0]
                async let answer: Void = {
                    if onLoop {
                        try client.send(#"42["ask"]"#)
                    } else {
                        answers.add(try await socket.emitWithAck("name?", 1, as: String.self))
                    }
                }()
                #expect(try await client.text() == #"420["name?",1]"#)
                // Unknown and repeated ids are ignored.
                try client.send("437[]", #"430["ada","x"]"#, #"430["bob"]"#)
                try await answer
                #expect(await answers.first(1) == ["ada"])
            }
        )
    }

    @Test("an ack that does not come in time, or before the disconnect, fails; a wrong one too")
    func failures() async throws {
        let sockets = Journal<Socket>()
        try await withServer(
            setUp: { $0.onConnection { sockets.add($0) } },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                let socket = await sockets.first(1)[0]
                await #expect(throws: AckFailure.timedOut) {
                    try await socket.timeout(.milliseconds(20)).emitWithAck("a", as: Int.self)
                }
                #expect(try await client.text() == #"420["a"]"#)
                let wrong = Task { try await socket.emitWithAck("b", as: Int.self) }
                #expect(try await client.text() == #"421["b"]"#)
                try client.send("430[1]", #"431["x"]"#)
                await #expect(throws: ArgumentError.self) { try await wrong.value }
                let gone = Task { try await socket.emitWithAck("c", as: Int.self) }
                #expect(try await client.text() == #"422["c"]"#)
                try client.send("41")
                await #expect(throws: AckFailure.disconnected) { try await gone.value }
                await #expect(throws: AckFailure.disconnected) {
                    try await socket.emitWithAck("d", as: Int.self)
                }
            }
        )
    }

    @Test("cancelling the task ends the wait")
    func cancelled() async throws {
        let sockets = Journal<Socket>()
        try await withServer(
            setUp: { $0.onConnection { sockets.add($0) } },
            run: { server, port in
                let client = try TestClient(port: port)
                try await client.join()
                let socket = await sockets.first(1)[0]
                let one = Task { try await socket.emitWithAck("a", as: Int.self) }
                #expect(try await client.text() == #"420["a"]"#)
                one.cancel()
                await #expect(throws: CancellationError.self) { try await one.value }
                let all = Task {
                    try await server.timeout(.seconds(60)).emitWithAck("b", as: Int.self)
                }
                #expect(try await client.text() == #"421["b"]"#)
                all.cancel()
                await #expect(throws: CancellationError.self) { try await all.value }
            }
        )
    }

    @Test("a broadcast to nobody has its answers at once", arguments: [1, 2])
    func nobody(loops: Int) async throws {
        try await withServer(loops: loops) { server, _ in
            let answers = try await server.to("empty").timeout(.seconds(50))
                .emitWithAck("x", as: Int.self)
            #expect(answers == [])
        }
    }

    @Test("a broadcast gathers the answers of all loops under one id; who leaves has answered")
    func gathers() async throws {
        try await withServer(loops: 2) { server, port in
            var clients: [TestClient] = []
            for _ in 0..<6 {
                let client = try TestClient(port: port)
                try await client.join()
                clients.append(client)
            }
            async let answers = server.timeout(.seconds(50)).emitWithAck("x", as: Int.self)
            for (index, client) in clients.enumerated() {
                #expect(try await client.text() == #"420["x"]"#)
                if index == 0 { client.drop() } else { try client.send("430[\(index)]") }
            }
            #expect(try await answers.sorted() == [1, 2, 3, 4, 5])
        }
    }

    @Test("its timeout carries the decoded answers so far; late ones are ignored and forgotten")
    func partialAnswers() async throws {
        let sockets = Journal<Socket>()
        try await withServer(
            setUp: { $0.onConnection { sockets.add($0) } },
            run: { server, port in
                let quick = try TestClient(port: port)
                try await quick.join()
                let slow = try TestClient(port: port)
                try await slow.join()
                let answers = Task {
                    try await server.timeout(.seconds(3)).emitWithAck("x", as: Int.self)
                }
                #expect(try await quick.text() == #"420["x"]"#)
                try quick.send("430[7]")
                await #expect {
                    try await answers.value
                } throws: { error in
                    let timeout = error as? BroadcastTimeout<Int>
                    return timeout?.responses == [7] && timeout?.missing == 1
                }
                // Each socket forgets within a tick of the same timeout; the time limit is the deadline.
                for socket in sockets.entries {
                    var awaited = 1
                    while awaited > 0 {
                        awaited = await withCheckedContinuation { count in
                            socket.shared.state.post { count.resume(returning: $0.awaitedAcks) }
                        }
                    }
                }
                try slow.send("430[8]")
                async let second = server.timeout(.seconds(50)).emitWithAck("y", as: Int.self)
                _ = try await slow.messages(before: #"421["y"]"#)
                _ = try await quick.messages(before: #"421["y"]"#)
                try slow.send("431[2]")
                try quick.send("431[1]")
                #expect(try await second.sorted() == [1, 2])
            }
        )
    }
}

@Suite("protocol.md §18: the account of a broadcast's answers")
struct BroadcastAcksTests {
    enum Step: Sendable {
        case hold
        case release
        case expect(Int)
        case report(Int, String?)
        case answer(Int, String?)
        case gone(String?)
        case lost(String)
        case timeOut
    }

    struct Example: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let steps: [Step]
        /// nil when it is not complete.
        let answers: [Int]?
        var missing: Int?
    }

    @Test("another server hears how many clients there are before it hears their answers")
    func relayOrder() throws {
        let told = Journal<String>()
        let acks = BroadcastAcks(
            onClientCount: { told.add("count \($0)") },
            onResponse: { told.add($0?.json.text ?? "gone") }
        )
        acks.hold()
        acks.expectSources(2)
        acks.sourceReported(clients: 2)
        acks.received(try Arguments(1))
        acks.received(nil)
        acks.release()
        #expect(told.entries.isEmpty)
        acks.sourceReported(clients: 1)
        acks.received(try Arguments(3))
        #expect(told.entries == ["count 3", "1", "gone", "3"])
    }

    @Test(arguments: [
        Example(
            testDescription: "no clients anywhere",
            steps: [.expect(2), .report(0, nil), .report(0, nil)],
            answers: []
        ),
        Example(
            testDescription: "answers before their source's report",
            steps: [.expect(2), .answer(1, nil), .report(0, nil), .report(1, nil)],
            answers: [1]
        ),
        Example(
            testDescription: "one source has not reported",
            steps: [.expect(2), .report(1, nil), .answer(1, nil)],
            answers: nil
        ),
        Example(
            testDescription: "a report before it is expected, while held",
            steps: [
                .hold, .report(1, "b"), .answer(5, "b"), .expect(2), .release, .report(0, "c"),
            ],
            answers: [5]
        ),
        Example(
            testDescription: "a report twice counts once",
            steps: [
                .expect(2), .report(1, "b"), .report(1, "b"), .answer(1, "b"),
            ],
            answers: nil
        ),
        Example(
            testDescription: "a lost server is not waited for",
            steps: [.expect(2), .report(2, "b"), .answer(1, "b"), .lost("b"), .report(0, "c")],
            answers: [1]
        ),
        Example(
            testDescription: "a server lost before its report, which comes late",
            steps: [
                .expect(2), .lost("b"), .report(3, "b"), .answer(9, "b"), .report(0, "c"),
            ],
            answers: []
        ),
        Example(
            testDescription: "who disconnects has answered",
            steps: [.expect(1), .report(2, nil), .gone(nil), .answer(1, nil)],
            answers: [1]
        ),
        Example(
            testDescription: "after the timeout nothing counts",
            steps: [.expect(1), .report(2, nil), .answer(1, nil), .timeOut, .answer(2, nil)],
            answers: [1],
            missing: 1
        ),
    ])
    func counts(_ example: Example) throws {
        let results = Journal<Result<[Arguments], any Error>>()
        let acks = BroadcastAcks()
        acks.hold()
        acks.whenDone { results.add($0) }
        var isReleased = false
        for step in example.steps {
            switch step {
            case .hold: acks.hold()
            case .release: acks.release()
            case .expect(let count):
                acks.expectSources(count)
                if !isReleased {
                    isReleased = true
                    acks.release()
                }
            case .report(let count, let source): acks.sourceReported(clients: count, source: source)
            case .answer(let answer, let source):
                acks.received(try Arguments(answer), source: source)
            case .gone(let source): acks.received(nil, source: source)
            case .lost(let source): acks.sourceLost(source)
            case .timeOut: acks.timedOut()
            }
        }
        guard let expected = example.answers else {
            #expect(results.entries.isEmpty)
            return
        }
        try #require(results.entries.count == 1)
        do {
            let answers = try results.entries[0].get().map { try $0.decode(Int.self, at: 0) }
            #expect(answers == expected)
            #expect(example.missing == nil)
        } catch let timeout as BroadcastAcks.Timeout {
            #expect(try timeout.responses.map { try $0.decode(Int.self, at: 0) } == expected)
            #expect(timeout.missing == example.missing)
        }
    }
}
