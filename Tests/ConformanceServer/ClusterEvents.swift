import Foundation
import SocketIO
import SocketIORedis

/// Events by which a client makes its server act on the sockets of the whole cluster.
///
/// Each acknowledges when the operation has been handed off, or with what it came to.
extension ConformanceApp {
    /// Registers everything on `namespace`.
    func installCluster(_ namespace: Namespace) {
        namespace.onConnection { socket in
            installCasts(socket, namespace)
            installQuestions(toSelectionsOf: namespace, on: socket)
            installOperations(socket, namespace)
            installRemotes(socket, namespace)
            installServerSide(socket, namespace)
            if let emitter { installEmitter(emitter.of(namespace.name), socket) }
        }
        installServerSide(namespace)
    }

    private func installCasts(_ socket: Socket, _ namespace: Namespace) {
        socket.on("cast") { (selection: Selection, event: String, json: String) in
            try selection.of(namespace, socket).emit(event, arguments: Arguments(json: json))
            return "sent"
        }
        socket.on("cast-many") { (selection: Selection, event: String, count: Int) in
            let target = selection.of(namespace, socket)
            for number in 0..<count { try target.emit(event, number) }
            return "sent"
        }
        socket.on("cast-binary") { (selection: Selection, event: String, upload: Upload) in
            try selection.of(namespace, socket).emit(event, upload.file, upload)
            return "sent"
        }
    }

    private func installQuestions(toSelectionsOf namespace: Namespace, on socket: Socket) {
        socket.on("cast-ack") {
            (selection: Selection, event: String, json: String) async -> Collected in
            await Collected.collecting {
                try await selection.of(namespace, socket)
                    .emitWithAck(event, arguments: Arguments(json: json))
                    .map(\.firstAsJSON)
            }
        }
        socket.on("cast-ack-binary") {
            (selection: Selection, event: String, bytes: Data) async throws -> [Data] in
            try await selection.of(namespace, socket).emitWithAck(event, bytes, as: Data.self)
        }
    }

    private func installOperations(_ socket: Socket, _ namespace: Namespace) {
        socket.on("sockets-join") { (selection: Selection, rooms: [String]) in
            selection.of(namespace, socket).socketsJoin(rooms.map { Room($0) })
            return "done"
        }
        socket.on("sockets-leave") { (selection: Selection, rooms: [String]) in
            selection.of(namespace, socket).socketsLeave(rooms.map { Room($0) })
            return "done"
        }
        socket.on("sockets-disconnect") { (selection: Selection, close: Bool) in
            selection.of(namespace, socket).disconnectSockets(close: close)
            return "done"
        }
        socket.on("fetch") { (selection: Selection) async -> Fetched in
            do {
                let sockets = try await selection.of(namespace, socket).fetchSockets()
                return Fetched(sockets: try sockets.map { try FetchedSocket($0) }, error: nil)
            } catch let timeout as ClusterTimeout<SocketSnapshot> {
                return Fetched(
                    partial: timeout.responses.map(\.id).sorted(),
                    error: timeout.description
                )
            } catch {
                return Fetched(error: String(describing: error))
            }
        }
    }

    /// What one fetched socket can be told, found by its id.
    private func installRemotes(_ socket: Socket, _ namespace: Namespace) {
        socket.on("remote") {
            (id: String, operation: String, value: String) async throws -> Bool in
            let found = try await namespace.in(Room(id)).fetchSockets().first { $0.id == id }
            guard let remote = found else { return false }
            switch operation {
            case "emit": try remote.emit("said", value)
            case "ask": return try await remote.emitWithAck("asked", value, as: Bool.self)
            case "join": remote.join(Room(value))
            case "leave": remote.leave(Room(value))
            case "disconnect": remote.disconnect(close: value == "close")
            default: throw AckError(code: "E_OPERATION")
            }
            return true
        }
    }
}

/// The sockets that an operation is for, as a client names them.
struct Selection: Decodable, Sendable {
    let rooms: [String]?
    let except: [String]?
    let local: Bool?
    let volatile: Bool?
    /// In milliseconds.
    let timeout: Int?
    /// Whether the asking socket is left out, as by `socket.to`.
    let others: Bool?

    /// The operator for it.
    func of(_ namespace: Namespace, _ socket: Socket) -> BroadcastOperator {
        var target = others == true ? socket.broadcast : namespace.everyone
        target = target.to((rooms ?? []).map { Room($0) })
        target = target.except((except ?? []).map { Room($0) })
        if local == true { target = target.local }
        if volatile == true { target = target.volatile }
        if let timeout { target = target.timeout(.milliseconds(timeout)) }
        return target
    }
}

/// The answers to a question, each as JSON text, and how many were still missing.
struct Collected: Encodable, Sendable {
    let answers: [String]
    let missing: Int
    let error: String?

    /// What `ask` comes to.
    static func collecting(_ ask: () async throws -> [String]) async -> Collected {
        do {
            return Collected(answers: try await ask(), missing: 0, error: nil)
        } catch let timeout as BroadcastTimeout<Arguments> {
            return Collected(
                answers: timeout.responses.map(\.firstAsJSON),
                missing: timeout.missing,
                error: nil
            )
        } catch {
            return Collected(answers: [], missing: 0, error: String(describing: error))
        }
    }
}

/// What `fetchSockets` came to.
struct Fetched: Encodable, Sendable {
    var sockets: [FetchedSocket] = []
    /// The ids that were found when servers did not answer.
    var partial: [String] = []
    var error: String?
}

/// A socket of any server as `fetchSockets` knows it.
struct FetchedSocket: Encodable, Sendable {
    let id: String
    let rooms: [String]
    /// The handshake's auth as JSON text.
    let auth: String
    let query: [String: String]
    let headers: [String: String]
    let address: String
    let url: String
    let data: JSONValue?

    /// The parts of `socket`.
    init(_ socket: RemoteSocket) throws {
        id = socket.id
        rooms = socket.rooms.map(\.name).filter { $0 != socket.id }.sorted()
        auth = socket.handshake.auth.json
        query = socket.handshake.query
        headers = socket.handshake.headers
        address = socket.handshake.address
        url = socket.handshake.url
        data = try socket.data(as: JSONValue.self)
    }
}

extension Arguments {
    /// The first argument, `null` if there is none.
    var firstAsJSON: String { json(at: 0) ?? "null" }
}
