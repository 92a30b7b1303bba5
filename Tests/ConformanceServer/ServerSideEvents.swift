import Foundation
import SocketIO

/// Events by which a client makes its server talk to the other servers, and what those answer.
extension ConformanceApp {
    /// Registers what a client may ask for.
    func installServerSide(_ socket: Socket, _ namespace: Namespace) {
        socket.on("set-data") { (data: JSONValue) in
            try socket.setData(data)
            return "kept"
        }
        socket.on("all-rooms") { () async -> FoundRooms in
            do {
                return FoundRooms(try await namespace.allRooms(), timeout: nil)
            } catch let timeout as ClusterTimeout<Room> {
                return FoundRooms(Set(timeout.responses), timeout: timeout.description)
            } catch {
                return FoundRooms([], timeout: String(describing: error))
            }
        }
        socket.on("server-count") { () async throws in try await namespace.serverCount() }
        socket.on("server-side") { (event: String, json: String) in
            try namespace.serverSideEmit(event, arguments: Arguments(json: json))
            return "sent"
        }
        socket.on("server-side-ack") {
            (event: String, value: JSONValue, milliseconds: Int) async -> ServerAnswers in
            do {
                let answers = try await namespace.serverSideEmitWithAck(
                    event,
                    value,
                    timeout: .milliseconds(milliseconds),
                    as: JSONValue.self
                )
                return ServerAnswers(answers: answers, timeout: nil)
            } catch let timeout as ClusterTimeout<JSONValue> {
                return ServerAnswers(answers: timeout.responses, timeout: timeout.description)
            } catch {
                return ServerAnswers(answers: [], timeout: String(describing: error))
            }
        }
    }

    /// Registers what other servers may send: a clients' event, a question, one never answered.
    func installServerSide(_ namespace: Namespace) {
        namespace.onServerSideEmit("tell") { arguments in
            try namespace.local.emit("told", arguments: arguments)
        }
        namespace.onServerSideEmit("question") { (arguments: Arguments) async throws -> Arguments in
            try Arguments(ServerAnswer(name: name, heard: arguments.decode(JSONValue.self, at: 0)))
        }
        namespace.onServerSideEmit("held") { (_: Arguments) async throws -> Arguments in
            await gate.wait()
            return try Arguments(name)
        }
        namespace.onServerSideEmit("broken") { (_: Arguments) async throws -> Arguments in
            throw Broken()
        }
    }
}

/// The rooms of the cluster, and what was missing.
struct FoundRooms: Encodable, Sendable {
    let rooms: [String]
    let timeout: String?

    init(_ rooms: Set<Room>, timeout: String?) {
        self.rooms = rooms.map(\.name).sorted()
        self.timeout = timeout
    }
}

/// One server's answer to `question`.
struct ServerAnswer: Encodable, Sendable {
    let name: String
    let heard: JSONValue
}

/// What the other servers answered.
struct ServerAnswers: Encodable, Sendable {
    let answers: [JSONValue]
    let timeout: String?
}
