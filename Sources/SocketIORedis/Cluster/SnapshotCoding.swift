import Bytes
import Foundation
import SocketIO

/// Sockets as servers describe them to each other (redis-wire.md §1.3 type 5, protocol.md §16).
extension ByteBuffer {
    /// Appends `{"id":…,"handshake":{…},"rooms":[…],"data":{…}}`.
    mutating func append(json socket: SocketSnapshot) {
        let handshake = socket.handshake
        append("{\"id\":")
        append(jsonString: socket.id)
        append(",\"handshake\":{\"headers\":")
        append(jsonStrings: handshake.headers)
        append(",\"time\":")
        append(jsonString: handshake.time)
        append(",\"address\":")
        append(jsonString: handshake.address)
        append(",\"xdomain\":")
        append(handshake.request.isCrossDomain ? "true" : "false")
        append(",\"secure\":")
        append(handshake.request.isSecure ? "true" : "false")
        append(",\"issued\":")
        append(jsonNumber: Int((handshake.issued.timeIntervalSince1970 * 1000).rounded()))
        append(",\"url\":")
        append(jsonString: handshake.url)
        append(",\"query\":")
        append(jsonStrings: handshake.query)
        append(",\"auth\":")
        append(text: handshake.auth.json)
        append("},\"rooms\":")
        append(jsonStrings: socket.rooms.map(\.name).sorted())
        append(",\"data\":")
        if let data = socket.data {
            append(SharedBytes([UInt8](data)))
        } else {
            // What a socket of Node has before the app has put anything there.
            append("{}")
        }
        append(ASCII.closeBrace)
    }
}

extension SocketSnapshot {
    /// A socket as another server has described it; nil without an id.
    ///
    /// Whatever else is missing or of another type is taken for empty.
    init?(json slice: JSONSlice) {
        guard let id = slice.member(named: "id")?.string else { return nil }
        let handshake = slice.member(named: "handshake")
        let data = slice.member(named: "data")
        self.init(
            id: id,
            handshake: Handshake(
                request: ConnectionRequest(
                    headers: handshake?.member(named: "headers")?.texts ?? [:],
                    query: handshake?.member(named: "query")?.texts ?? [:],
                    address: handshake?.member(named: "address")?.string ?? "",
                    url: handshake?.member(named: "url")?.string ?? "",
                    issued: handshake?.member(named: "issued")?.date
                        ?? Date(timeIntervalSince1970: 0),
                    isSecure: handshake?.member(named: "secure")?.boolean ?? false
                ),
                auth: handshake?.member(named: "auth").flatMap { try? Auth(json: $0.bytes.text) }
                    ?? Auth()
            ),
            rooms: Set(slice.member(named: "rooms")?.rooms ?? []),
            data: data.flatMap { $0.kind == .null ? nil : Data($0.bytes) }
        )
    }
}

extension JSONSlice {
    /// The members of an object whose values are strings, or lists of strings joined by commas.
    fileprivate var texts: [String: String] {
        var texts: [String: String] = [:]
        for (name, value) in members() {
            let text = value.name ?? value.elements().compactMap(\.name).joined(separator: ", ")
            texts[name] = text
        }
        return texts
    }

    /// Milliseconds since 1970.
    fileprivate var date: Date? {
        guard let number, number.isFinite, abs(number) < 1e15 else { return nil }
        return Date(timeIntervalSince1970: number / 1000)
    }
}
