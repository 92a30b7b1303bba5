import Foundation
import Testing

@testable import SocketIO

@Suite("protocol.md §17: events, arguments and acknowledgements", .timeLimit(.minutes(5)))
struct EventTests {
    private struct File: Codable, Equatable {
        var name: String
        var parts: [Data]
    }
    private struct Odd: Error {}

    private static let setUp: @Sendable (Server) -> Void = { server in
        server.onConnection { socket in
            socket.on("void") {}
            socket.on("raw") { (arguments: Arguments) in arguments }
            socket.on("twice") { (value: Int) in value * 2 }
            socket.on("optional") { (value: Int?, text: String?) in
                "\(value.map(String.init) ?? "nil") \(text ?? "nil")"
            }
            socket.on("many") { (a: Int, b: Int, c: Int, d: Int) in [a, b, c, d] }
            socket.on("slow") { (value: Int) async in
                await Task.yield()
                return value
            }
            socket.on("odd") { () throws -> Int in throw Odd() }
            socket.on("coded") { () throws -> Int in
                throw AckError(code: "full", message: "no room")
            }
            socket.on("short") { () async throws -> Int in throw AckError(code: "full") }
            socket.on("a\nb") { "newline" }
            socket.on("7") { "seven" }
            socket.on("file") { (file: File) in
                File(name: file.name + "!", parts: file.parts.reversed())
            }
            socket.on("data") { (data: Data) in data }
            socket.on("null") { () -> String? in nil }
        }
    }

    struct Exchange: Sendable, CustomTestStringConvertible {
        let request: String
        let answer: String
        var testDescription: String { request }
    }

    @Test(
        "a handler's result is the ack, and so is what is wrong with the arguments",
        arguments: [
            Exchange(request: #"421["void"]"#, answer: "431[]"),
            Exchange(request: #"421["void",1,2]"#, answer: "431[]"),
            Exchange(
                request: #"421["raw",1,{"a":[ 2 ]},"\u0041"]"#,
                answer: #"431[1,{"a":[ 2 ]},"\u0041"]"#
            ),
            Exchange(request: #"421["raw"]"#, answer: "431[]"),
            Exchange(request: #"421["twice",21]"#, answer: "431[42]"),
            Exchange(request: #"421["twice",21,"surplus"]"#, answer: "431[42]"),
            Exchange(
                request: #"421["twice"]"#,
                answer:
                    #"431[{"error":{"code":"invalid_argument","message":"argument 0: missing"}}]"#
            ),
            Exchange(request: #"421["optional"]"#, answer: #"431["nil nil"]"#),
            Exchange(request: #"421["optional",null,"x"]"#, answer: #"431["nil x"]"#),
            Exchange(request: #"421["optional",3]"#, answer: #"431["3 nil"]"#),
            Exchange(request: #"421["many",1,2,3,4]"#, answer: "431[[1,2,3,4]]"),
            Exchange(request: #"429007199254740992["slow",5]"#, answer: "439007199254740992[5]"),
            Exchange(request: #"421["odd"]"#, answer: #"431[{"error":{"code":"internal"}}]"#),
            Exchange(
                request: #"421["short"]"#,
                answer: #"431[{"error":{"code":"full"}}]"#
            ),
            Exchange(request: #"421["a\nb"]"#, answer: #"431["newline"]"#),
            Exchange(request: #"421["\u0076oid"]"#, answer: "431[]"),
            Exchange(request: "421[7]", answer: #"431["seven"]"#),
            Exchange(request: #"421["null"]"#, answer: "431[null]"),
            Exchange(request: #"421["data","aGk="]"#, answer: ""),
        ]
    )
    func acknowledges(_ exchange: Exchange) async throws {
        try await withServer(setUp: Self.setUp) { _, port in
            let client = try TestClient(port: port)
            try await client.join()
            try client.send(exchange.request)
            if exchange.answer.isEmpty {
                #expect(try await client.text() == #"461-1[{"_placeholder":true,"num":0}]"#)
                #expect(try await client.next() == .binary(Array("hi".utf8)))
            } else {
                #expect(try await client.text() == exchange.answer)
            }
        }
    }

    @Test("an AckError is the ack as it is")
    func ackError() async throws {
        try await withServer(setUp: Self.setUp) { _, port in
            let client = try TestClient(port: port)
            try await client.join()
            try client.send(#"421["coded"]"#)
            let ack = try await client.text()
            #expect(
                ack == #"431[{"error":{"code":"full","message":"no room"}}]"#
            )
        }
    }

    @Test("a wrong type is an ArgumentError, seen by onError and in the ack")
    func wrongType() async throws {
        let errors = Journal<Failure>()
        try await withServer(
            options: { $0.onError = { errors.add(Failure($0)) } },
            setUp: Self.setUp,
            run: {
                _,
                port in
                let client = try TestClient(port: port)
                let id = try await client.join()
                try client.send(#"42["twice",21,1]"#, #"42["twice","x"]"#, #"429["twice",{}]"#)
                #expect(
                    try await client.text().hasPrefix(#"439[{"error":{"code":"invalid_argument""#)
                )
                let entries = await errors.first(2)
                #expect(entries.map(\.event) == ["twice", "twice"])
                #expect(entries.allSatisfy { ($0.error as? ArgumentError)?.index == 0 })
                #expect(entries[0].socket == id)
            }
        )
    }

    @Test("the first value of several handlers is the ack; without a value it is empty, once")
    func severalHandlers() async throws {
        let order = Journal<Int>()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    socket.on("x") { order.add(1) }
                    socket.on("x") { () -> String in
                        order.add(2)
                        return "two"
                    }
                    socket.on("x") { () -> String in
                        order.add(3)
                        return "three"
                    }
                    socket.on("y") {}
                    socket.on("y") { () async in await Task.yield() }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(#"421["x"]"#, #"422["y"]"#)
                #expect(try await client.text() == #"431["two"]"#)
                #expect(try await client.text() == "432[]")
                #expect(order.entries == [1, 2, 3])
            }
        )
    }

    @Test("Data nested in Codable travels as attachments in both directions")
    func nestedData() async throws {
        try await withServer(setUp: Self.setUp) { _, port in
            let client = try TestClient(port: port)
            try await client.join()
            try client.send(
                #"452-3["file",{"parts":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}],"name":"a"}]"#
            )
            try client.send(binary: [1, 2])
            try client.send(binary: [])
            let ack = try await client.text()
            #expect(ack.hasPrefix("462-3[{"))
            #expect(ack.contains(#""name":"a!""#))
            #expect(
                ack.contains(
                    #""parts":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#
                )
            )
            // The client's first part was attachment 1, which is empty; they come back reversed.
            #expect(try await client.next() == .binary([1, 2]))
            #expect(try await client.next() == .binary([]))
        }
    }

    @Test(
        "a placeholder that stands for nothing is a wrong argument",
        arguments: [
            #"{"_placeholder":true,"num":0}"#, #"{"_placeholder":true,"num":-1}"#,
            #"{"_placeholder":false,"num":0}"#, #"{"_placeholder":true}"#, "[]", #""***""#,
        ]
    )
    func wrongPlaceholder(_ json: String) async throws {
        try await withServer(setUp: Self.setUp) { _, port in
            let client = try TestClient(port: port)
            try await client.join()
            try client.send("421[\"data\",\(json)]")
            #expect(try await client.text().hasPrefix(#"431[{"error":{"code":"invalid_argument""#))
        }
    }

    @Test("handlers of one socket start in the order of arrival; one that suspends holds up nobody")
    func order() async throws {
        let gate = Gate()
        try await withServer(
            setUp: { server in
                server.onConnection { socket in
                    socket.on("wait") { () async -> String in
                        await gate.pass()
                        return "waited"
                    }
                    socket.on("now") { () -> String in
                        gate.open()
                        return "now"
                    }
                }
            },
            run: { _, port in
                let client = try TestClient(port: port)
                try await client.join()
                try client.send(#"421["wait"]"#, #"422["now"]"#)
                #expect(try await client.text() == #"432["now"]"#)
                #expect(try await client.text() == #"431["waited"]"#)
            }
        )
    }

    @Test(
        "emit refuses reserved names",
        arguments: [
            "connect", "connect_error", "disconnect", "disconnecting", "newListener",
            "removeListener",
        ]
    )
    func reservedNames(_ name: String) async throws {
        try await withServer { server, _ in
            #expect(throws: EmitError.reservedEvent(name)) { try server.emit(name, 1) }
            await #expect(throws: EmitError.reservedEvent(name)) {
                try await server.timeout(.seconds(1)).emitWithAck(name, as: Int.self)
            }
        }
    }

    @Test("on with a reserved name traps")
    func reservedHandler() async {
        await #expect(processExitsWith: .failure) {
            try await withServer(
                setUp: { server in
                    server.onConnection { $0.on("disconnect") {} }
                },
                run: { _, port in
                    let client = try TestClient(port: port)
                    try await client.join()
                    _ = try await client.next()
                }
            )
        }
    }

    @Test("Arguments: text in, text out, decoded by index")
    func arguments() throws {
        let arguments = try Arguments(json: #" [ 1 , "a", null,{"b":[true]} ] "#)
        #expect(arguments.count == 4)
        #expect(!arguments.isEmpty)
        #expect(try arguments.decode(Int.self, at: 0) == 1)
        #expect(try arguments.decode(String.self, at: 1) == "a")
        #expect(try arguments.decode(Int?.self, at: 2) == nil)
        #expect(try arguments.decode([String: [Bool]].self, at: 3) == ["b": [true]])
        #expect(arguments.json(at: 3) == #"{"b":[true]}"#)
        #expect(arguments.json(at: 4) == nil)
        #expect(arguments.json(at: -1) == nil)
        #expect(try arguments.decode(Int?.self, at: 9) == nil)
        #expect(throws: ArgumentError(index: 9, problem: "missing")) {
            try arguments.decode(Int.self, at: 9)
        }
        #expect(Arguments().isEmpty)
        #expect(try Arguments(json: "[]").count == 0)
        #expect(throws: EmitError.invalidJSON) { try Arguments(json: "{}") }
        #expect(throws: EmitError.invalidJSON) { try Arguments(json: "[1") }
        #expect(throws: (any Error).self) { try Arguments(Double.nan) }
    }
}
