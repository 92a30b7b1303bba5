import Bytes
import EngineIOProtocol
import HTTP1
import Loop
import WebSocket

// Requests that become WebSockets (protocol.md §§7–8, RFC 6455 §4.2).
extension HTTPConnection {
    /// What a WebSocket is opened for.
    private enum Purpose {
        case upgrade(EngineSession)
        case handshake(HandshakeRequest, SessionID)
    }

    /// Opens a WebSocket: a session of its own, or the upgrade of `session` (§§7–8).
    func upgrade(_ head: RequestHead, _ session: EngineSession?) {
        if let session {
            acceptWebSocket(head, .upgrade(session))
            return
        }
        admit(handshakeRequest(head)) { connection, request, admission in
            switch admission {
            case .success(let id): connection.acceptWebSocket(head, .handshake(request, id))
            case .failure(let error): connection.refuseWebSocket(error)
            }
        }
    }

    private func acceptWebSocket(_ head: RequestHead, _ purpose: Purpose) {
        guard case .responding = exchange else { return }
        let key: SharedBytes
        let deflate: DeflateParameters?
        do throws(UpgradeRefusal) {
            key = try UpgradeHandshake.validate(head.fields)
            deflate = try deflateParameters(head)
        } catch {
            connection.write(
                ResponseWriter.response(
                    error.status,
                    fields: withAdded(error.fields),
                    keepsAlive: false,
                    date: engine.date
                )
            )
            closeWhenDrained()
            return
        }
        let session: EngineSession
        let isInitial: Bool
        switch purpose {
        case .upgrade(let existing):
            session = existing
            isInitial = false
        case .handshake(let request, let id):
            guard let new = engine.makeSession(request, .webSocket, id) else {
                refuseWebSocket(.idTaken)
                return
            }
            session = new
            isInitial = true
        }
        var fields = withAdded(corsFields(head))
        addHeaders(to: &fields, head, isInitial: isInitial)
        // Last: what has been agreed upon is not the app's to change.
        fields.removeAll { !ResponseWriter.isFree($0.name) || UpgradeHandshake.isOwn($0.name) }
        if let deflate { fields.append(("Sec-WebSocket-Extensions", deflate.field)) }
        connection.write(UpgradeHandshake.response(for: key.bytes, fields: fields))
        let transport = WebSocketTransport(
            connection,
            session: session,
            binaryForm: BinaryForm(session.version, takesBinary: head.query.takesBinary),
            deflate: deflate
        )
        let early = yieldToWebSocket()
        connection.setHandler(transport)
        connection.setReading(true)
        if isInitial {
            session.adopt(transport)
            for packet in engine.firstPackets(of: session) { transport.send(packet) }
            session.open(engine.server.hooks.makeHandler)
        } else if !session.beginProbe(transport) {
            transport.close()
            return
        }
        if !early.isEmpty { transport.receivedEarly(early.bytes) }
    }

    /// What is agreed upon to compress messages; nil if nothing is, or compression is off (§7).
    private func deflateParameters(
        _ head: RequestHead
    ) throws(UpgradeRefusal) -> DeflateParameters? {
        guard let policy = engine.options.deflate else { return nil }
        var list = ByteBuffer()
        for value in head.fields.all("Sec-WebSocket-Extensions") {
            list.append(value)
            list.append(ASCII.comma)
        }
        let offers = list.takeShared()
        return try DeflateNegotiation.accept(offers.bytes, policy)
    }

    /// Answers in plain text and closes (§3).
    func refuseWebSocket(_ error: HandshakeError) {
        guard case .responding(let head) = exchange else { return }
        report(error, head)
        connection.write(
            ResponseWriter.response(
                error.upgradeStatus,
                fields: withAdded([("Content-type", "text/html")] + error.fields),
                body: SharedBytes(error.message),
                keepsAlive: false,
                date: engine.date
            )
        )
        closeWhenDrained()
    }
}

extension UpgradeHandshake {
    /// Checks the fields of a WebSocket request and gives back its key (RFC 6455 §4.2.1).
    fileprivate static func validate(_ fields: HeaderList) throws(UpgradeRefusal) -> SharedBytes {
        let upgrade = fields["Upgrade"] ?? SharedBytes()
        let connection = fields["Connection"] ?? SharedBytes()
        // Several keys are none (§11.3.1).
        let keys = fields.all("Sec-WebSocket-Key")
        let key = keys.count == 1 ? keys[0] : SharedBytes()
        let version = fields["Sec-WebSocket-Version"] ?? SharedBytes()
        try validate(
            upgrade: upgrade.bytes,
            connection: connection.bytes,
            key: key.bytes,
            version: version.bytes
        )
        return key
    }
}
