import Bytes
import EngineIOProtocol
import HTTP1
import Loop
import WebSocket

// Requests that become WebSockets (protocol.md §§7–8, RFC 6455 §4.2).
extension HTTPConnection {
    /// Opens a WebSocket: a session of its own, or the upgrade of `session` (§§7–8).
    func upgrade(_ head: RequestHead, _ session: EngineSession?) {
        if session != nil {
            acceptWebSocket(head, session)
            return
        }
        guard let allowRequest = engine.server.hooks.allowRequest else {
            openWebSocketSession(head)
            return
        }
        decide(allowRequest, handshakeRequest(head)) { connection, decision in
            switch decision {
            case .allow: connection.openWebSocketSession(head)
            case .refuse(let message): connection.refuseWebSocket(.forbidden(message))
            }
        }
    }

    private func openWebSocketSession(_ head: RequestHead) {
        if head.query.value(of: "EIO") == "4" {
            acceptWebSocket(head, nil)
        } else {
            refuseWebSocket(.unsupportedProtocolVersion)
        }
    }

    private func acceptWebSocket(_ head: RequestHead, _ existing: EngineSession?) {
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
                    fields: error.fields,
                    keepsAlive: false,
                    date: engine.date
                )
            )
            closeWhenDrained()
            return
        }
        var fields = corsFields(head)
        if let deflate { fields.append(("Sec-WebSocket-Extensions", deflate.field)) }
        connection.write(UpgradeHandshake.response(for: key.bytes, fields: fields))
        let session = existing ?? engine.makeSession(handshakeRequest(head), .webSocket)
        let transport = WebSocketTransport(
            connection,
            session: session,
            takesBinary: head.query.value(of: "b64") ?? "" == "",
            deflate: deflate
        )
        let early = yieldToWebSocket()
        connection.setHandler(transport)
        connection.setReading(true)
        if existing == nil {
            session.adopt(transport)
            transport.send(OutgoingPacket(text: engine.openPacket(of: session).bytes))
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
        guard case .responding = exchange else { return }
        connection.write(
            ResponseWriter.response(
                400,
                fields: [("Content-type", "text/html")],
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
