import Chat
import Testing

@testable import SocketIO

@Suite("the chat on a server", .timeLimit(.minutes(1)))
struct ChatServiceTests {
    private func withChat(_ body: (Int) async throws -> Void) async throws {
        try await withServer(
            loops: 2,
            setUp: { server in
                var limits = ChatLimits()
                limits.maxRoomNameBytes = 4
                limits.maxRoomsPerSocket = 2
                let log = ChatLog(level: .error)
                ChatService(server: server, limits: limits, log: log).install()
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
