import Bytes
import EngineIO
import EngineIOProtocol
import HTTP1
import SocketIOProtocol

// How clients of Socket.IO v2 connect otherwise than those since v3 (protocol.md §13, §16).
extension Client {
    /// Clients of v2 are in `/` without asking for it.
    func connectImplicitly() {
        switch revision {
        case .five:
            break
        case .four:
            guard !core.isStopping else { return }
            let connect = SharedBytes("0")
            dispatch(PacketHead(type: .connect), connect.bytes, [])
        }
    }

    /// What a CONNECT carries for the middlewares, as JSON.
    func auth(_ head: PacketHead, _ text: RawSpan) -> SharedBytes? {
        switch revision {
        case .five:
            return head.data.map { SharedBytes(copying: text.extracting($0)) }
        case .four:
            guard let query = head.namespaceQuery(in: text) else { return nil }
            return Query(SharedBytes(copying: text.extracting(query))).json
        }
    }

    /// The id of a new socket: v2 derives it from the session's, which is no secret then.
    func makeID(in namespace: Namespace) -> String {
        switch revision {
        case .five: core.makeID()
        case .four: namespace.wireName.map { "\($0.text)#\(session.id)" } ?? "\(session.id)"
        }
    }

    /// What recovery needs of a socket; v2 knows none.
    func recovery(
        in namespace: Namespace,
        _ restored: RestoredSession?,
        _ auth: Auth
    ) -> SocketRecovery? {
        if let restored {
            return SocketRecovery(restored, offset: RecoveryRequest(auth)?.offset)
        }
        guard revision == .five, namespace.isRecovering else { return nil }
        return SocketRecovery(privateID: core.makeID())
    }

    /// The packet that tells the client that it has joined.
    func acceptance(of namespace: SharedBytes?, _ entry: Entry) -> EncodedPacket {
        let format = core.packetFormat
        return EncodedPacket(format) { buffer in
            switch revision {
            case .five:
                format.appendConnect(
                    namespace: namespace,
                    sid: SharedBytes(entry.shared.id),
                    pid: entry.state.recovery.map { SharedBytes($0.privateID) },
                    to: &buffer
                )
            case .four:
                format.appendConnect(namespace: namespace, to: &buffer)
            }
        }
    }

    /// The packet that tells the client that it has not joined.
    ///
    /// v2 gets the error's data, or its message as a string; `asObject` is for what the server
    /// itself refuses, which has one form for all.
    func refusal(
        of namespace: SharedBytes?,
        _ error: ConnectError,
        asObject: Bool
    ) -> EncodedPacket {
        // Data that cannot be encoded is left out: the refusal matters more.
        let data = error.data.flatMap { try? Arguments(encoding: $0).json }
        let format = core.packetFormat
        return EncodedPacket(format) { buffer in
            switch revision {
            case .four where !asObject:
                format.appendError(
                    namespace: namespace,
                    data: data ?? SharedBytes(jsonString: error.message),
                    to: &buffer
                )
            case .four, .five:
                format.appendConnectError(
                    namespace: namespace,
                    message: error.message,
                    data: data,
                    to: &buffer
                )
            }
        }
    }
}

extension ProtocolRevision {
    /// The revision that comes with a version of the engine.
    init(_ version: EngineVersion) {
        switch version {
        case .v3: self = .four
        case .v4: self = .five
        }
    }
}

extension SharedBytes {
    fileprivate init(jsonString text: String) {
        var buffer = ByteBuffer(capacity: text.utf8.count + 2)
        buffer.append(jsonString: text)
        self = buffer.takeShared()
    }
}

extension Query {
    /// The parameters as a JSON object of strings; a name that repeats has an array of them.
    fileprivate var json: SharedBytes {
        var names: [String] = []
        var values: [String: [String]] = [:]
        for (name, value) in pairs {
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(value)
        }
        var json = ByteBuffer(capacity: bytes.count + 2)
        json.append(ASCII.openBrace)
        for (index, name) in names.enumerated() {
            if index > 0 { json.append(ASCII.comma) }
            json.append(jsonString: name)
            json.append(ASCII.colon)
            let list = values[name] ?? []
            if list.count > 1 { json.append(ASCII.openBracket) }
            for (index, value) in list.enumerated() {
                if index > 0 { json.append(ASCII.comma) }
                json.append(jsonString: value)
            }
            if list.count > 1 { json.append(ASCII.closeBracket) }
        }
        json.append(ASCII.closeBrace)
        return json.takeShared()
    }
}
