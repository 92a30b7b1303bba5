import Foundation
import SocketIO
import SocketIORedis

/// Events by which a client makes a backend beside the servers speak, see `Emitter`.
extension ConformanceApp {
    /// Registers them; `emitter` sends into the socket's namespace.
    func installEmitter(_ emitter: EmitterOperator, _ socket: Socket) {
        socket.on("emitter-cast") { (selection: Selection, event: String, json: String) in
            try selection.of(emitter).emit(event, arguments: Arguments(json: json))
            return "sent"
        }
        socket.on("emitter-cast-binary") { (selection: Selection, bytes: Data) in
            try selection.of(emitter).emit("said", bytes)
            return "sent"
        }
        socket.on("emitter-join") { (selection: Selection, room: String) in
            selection.of(emitter).socketsJoin(Room(room))
            return "sent"
        }
        socket.on("emitter-leave") { (selection: Selection, room: String) in
            selection.of(emitter).socketsLeave(Room(room))
            return "sent"
        }
        socket.on("emitter-disconnect") { (selection: Selection, close: Bool) in
            selection.of(emitter).disconnectSockets(close: close)
            return "sent"
        }
        socket.on("emitter-server-side") { (event: String, value: JSONValue) in
            try emitter.serverSideEmit(event, value)
            return "sent"
        }
    }
}

extension Selection {
    /// What an emitter makes of it; who asks is not known to it.
    func of(_ emitter: EmitterOperator) -> EmitterOperator {
        var target = emitter.to((rooms ?? []).map { Room($0) })
        target = target.except((except ?? []).map { Room($0) })
        return volatile == true ? target.volatile : target
    }
}
