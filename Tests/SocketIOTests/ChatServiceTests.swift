import Chat
import Testing

@testable import SocketIO

@Suite("the chat on a server", .timeLimit(.minutes(5)))
struct ChatServiceTests {
    private func run(_ chat: ChatService) {
        chat.install()
        chat.start()
    }

    private func withChat(_ body: (Int) async throws -> Void) async throws {
        try await withServer(
            loops: 2,
            setUp: { server in
                var limits = ChatLimits()
                limits.maxRoomNameBytes = 4
                limits.maxRoomsPerSocket = 2
                let log = ChatLog(level: .error)
                var cluster = ChatCluster()
                cluster.replica = "solo"
                cluster.presence.tickPeriod = .milliseconds(10)
                run(ChatService(server: server, limits: limits, log: log, cluster: cluster))
            },
            run: { _, port in
                try await body(port)
            }
        )
    }

    @Test("the article's events reach who they are for, each request may have an ack")
    func article() async throws {
        try await withChat { port in
            let ada = try TestClient(port: port)
            try await ada.join(auth: #"{"name":"ada"}"#)
            let bob = try TestClient(port: port)
            try await bob.join(auth: #"{"name":""}"#)
            try ada.send(#"420["joinRoom",{"room":"r"}]"#)
            #expect(try await ada.text() == #"430[{"members":1,"room":"r"}]"#)
            try bob.send(#"421["joinRoom",{"room":"r"}]"#)
            #expect(try await bob.text() == #"431[{"members":2,"room":"r"}]"#)
            try bob.send(#"42["message",{"userId":7,"room":"r","message":"<b>"}]"#)
            for client in [ada, bob] {
                #expect(try await client.text() == #"42["message",{"message":"<b>","userId":7}]"#)
            }
            try ada.send(#"422["leaveRoom",{"room":"r"}]"#)
            #expect(try await ada.text() == #"432[{"members":1,"room":"r"}]"#)
            try bob.send(#"423["message",{"userId":"b","room":"r","message":"x"}]"#)
            #expect(try await bob.text() == #"42["message",{"message":"x","userId":"b"}]"#)
            #expect(try await bob.text() == "433[]")
            try bob.send(#"42["all",{"message":"y"}]"#)
            for client in [ada, bob] {
                #expect(try await client.text() == #"42["all",{"message":"y"}]"#)
            }
            bob.drop()
            var members = 0
            repeat {
                try ada.send(#"424["joinRoom",{"room":"r"}]"#, #"425["leaveRoom",{"room":"r"}]"#)
                members = try await ada.text() == #"434[{"members":1,"room":"r"}]"# ? 1 : 2
                _ = try await ada.text()
            } while members > 1
        }
    }

    @Test(
        "wrong input is answered by the ack, or by an error event",
        arguments: [
            (#""joinRoom""#, "bad_request"), (#""joinRoom",{"room":""}"#, "room_required"),
            (#""joinRoom",5"#, "bad_request"), (#""joinRoom",null"#, "bad_request"),
            (#""joinRoom",{"room":5}"#, "bad_request"),
            (#""joinRoom",{"room":"\ud800"}"#, "bad_request"),
            (#""joinRoom",{"room":"12345"}"#, "room_too_long"),
            (#""message",{"room":"r"}"#, "message_required"),
            (#""message",{"room":"r","message":"m"}"#, "bad_request"),
            (#""all",{"message":[]}"#, "bad_request"), (#""leaveRoom",[]"#, "bad_request"),
        ]
    )
    func wrongInput(_ event: String, code: String) async throws {
        try await withChat { port in
            let client = try TestClient(port: port)
            try await client.join()
            try client.send("421[\(event)]", "42[\(event)]")
            let ack = try await client.text()
            #expect(ack.hasPrefix("431[{\"error\":{\"code\":\"\(code)\",\"message\":"), "\(ack)")
            let error = try await client.text()
            #expect(error.hasPrefix("42[\"error\",{\"code\":\"\(code)\",\"message\":"), "\(error)")
        }
    }

    @Test("whoami tells the client's id, name and replica, and where the replicas are")
    func whoAmI() async throws {
        try await withServer(
            setUp: { server in
                var cluster = ChatCluster()
                cluster.replica = "app-1"
                let configuration = try Configuration.request(
                    arguments: ["--replicas", "app-1:3000,app-2:3001"],
                    environment: [:]
                )
                if case .run(let configuration) = configuration {
                    cluster.replicas = configuration.replicas
                }
                run(
                    ChatService(
                        server: server,
                        limits: ChatLimits(),
                        log: ChatLog(level: .error),
                        cluster: cluster
                    )
                )
            },
            run: { _, port in
                let client = try TestClient(port: port)
                let id = try await client.join(auth: #"{"name":"ada"}"#)
                try client.send(#"421["whoami"]"#)
                let text = try await client.text()
                let replicas =
                    #"[{"name":"app-1","port":3000},{"name":"app-2","port":3001}]"#
                let reply =
                    #"{"address":"127.0.0.1","id":"\#(id)","name":"ada","#
                    + #""replica":"app-1","replicas":\#(replicas)}"#
                #expect(text == "431[\(reply)]")
            }
        )
    }

    @Test("a client that asks for it hears who comes and goes; others hear nothing of it")
    func presence() async throws {
        try await withChat { port in
            let ada = try TestClient(port: port)
            let adaID = try await ada.join(auth: #"{"name":"ada"}"#)
            let bob = try TestClient(port: port)
            let bobID = try await bob.join(auth: #"{"name":"bob"}"#)
            try ada.send(#"421["joinRoom",{"room":"r","presence":true}]"#)
            let adaAlone =
                #""members":[{"id":"\#(adaID)","name":"ada","replica":"solo"}],"#
                + #""replicas":{"solo":1}"#
            #expect(
                try await ada.text()
                    == #"431[{"members":1,"presence":{"count":1,\#(adaAlone)},"room":"r"}]"#
            )
            try bob.send(#"421["joinRoom",{"room":"r"}]"#)
            #expect(try await bob.text() == #"431[{"members":2,"room":"r"}]"#)
            let both =
                #"{"id":"\#(adaID)","name":"ada","replica":"solo"},"#
                + #"{"id":"\#(bobID)","name":"bob","replica":"solo"}"#
            #expect(
                try await ada.text()
                    == #"42["presence",{"count":2,"members":[\#(both)],"#
                    + #""replicas":{"solo":2},"room":"r"}]"#
            )
            bob.drop()
            #expect(
                try await ada.text() == #"42["presence",{"count":1,\#(adaAlone),"room":"r"}]"#
            )
            // Nobody hears of a room that it has left, or of what it did not ask for.
            try ada.send(#"422["leaveRoom",{"room":"r"}]"#)
            #expect(try await ada.text() == #"432[{"members":0,"room":"r"}]"#)
            try ada.send(#"423["joinRoom",{"room":"r"}]"#)
            #expect(try await ada.text() == #"433[{"members":1,"room":"r"}]"#)
            let cy = try TestClient(port: port)
            try await cy.join()
            try cy.send(#"421["joinRoom",{"room":"r","presence":true}]"#)
            #expect(try await cy.text().hasPrefix(#"431[{"members":2,"presence":{"count":2,"#))
            try ada.send(#"424["leaveRoom",{"room":"r"}]"#)
            #expect(try await ada.text() == #"434[{"members":1,"room":"r"}]"#)
            #expect(try await cy.text().hasPrefix(#"42["presence",{"count":1,"#))
            try ada.send(#"425["echo"]"#)
            #expect(try await ada.text() == "435[]")
        }
    }

    @Test("members on all replicas are seen on each, and a shutdown takes its own at once")
    func presenceAcrossReplicas() async throws {
        let bus = Bus()
        let setUp = { @Sendable (server: Server, name: String) in
            var cluster = ChatCluster()
            cluster.replica = name
            cluster.isClustered = true
            cluster.presence.tickPeriod = .milliseconds(10)
            // Silence is not to help: the goodbye must do.
            cluster.presence.silenceLimit = .seconds(600)
            run(
                ChatService(
                    server: server,
                    limits: ChatLimits(),
                    log: ChatLog(level: .error),
                    cluster: cluster
                )
            )
        }
        try await withServer(
            options: { $0.adapter = bus.factory },
            setUp: { setUp($0, "app-1") },
            run: { _, first in
                let ada = try TestClient(port: first)
                try await ada.join(auth: #"{"name":"ada"}"#)
                try ada.send(#"421["joinRoom",{"room":"r","presence":true}]"#)
                #expect(try await ada.text().hasPrefix(#"431[{"members":1,"presence":"#))
                try await withServer(
                    options: { $0.adapter = bus.factory },
                    setUp: { setUp($0, "app-2") },
                    run: { _, second in
                        let bob = try TestClient(port: second)
                        try await bob.join(auth: #"{"name":"bob"}"#)
                        try bob.send(#"421["joinRoom",{"room":"r"}]"#)
                        #expect(try await bob.text().hasPrefix(#"431[{"members":"#))
                        let seen = try await ada.text()
                        #expect(seen.hasPrefix(#"42["presence",{"count":2,"members":[{"id":"#))
                        #expect(seen.contains(#""name":"bob","replica":"app-2"}],"#))
                        #expect(seen.hasSuffix(#""replicas":{"app-1":1,"app-2":1},"room":"r"}]"#))
                    }
                )
                #expect(
                    try await ada.text().hasSuffix(#""replicas":{"app-1":1},"room":"r"}]"#)
                )
            }
        )
    }

    @Test("echo answers with its arguments")
    func echo() async throws {
        try await withChat { port in
            let client = try TestClient(port: port)
            try await client.join()
            try client.send(#"421["echo",1,"a",{}]"#)
            #expect(try await client.text() == #"431[1,"a",{}]"#)
        }
    }
}
