import Bytes
import Testing

@testable import WebSocket

@Suite("RFC 6455 §4.2: the opening handshake")
struct UpgradeHandshakeTests {
    static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    /// What is wrong with a request of these fields; nil where one is not sent.
    private func refusal(
        upgrade: String? = "websocket",
        connection: String? = "Upgrade",
        key: String? = key,
        version: String? = "13"
    ) -> UpgradeRefusal? {
        let upgrade = upgrade.map { SharedBytes($0) }
        let connection = connection.map { SharedBytes($0) }
        let key = key.map { SharedBytes($0) }
        let version = version.map { SharedBytes($0) }
        do throws(UpgradeRefusal) {
            try UpgradeHandshake.validate(
                upgrade: upgrade?.bytes,
                connection: connection?.bytes,
                key: key?.bytes,
                version: version?.bytes
            )
            return nil
        } catch {
            return error
        }
    }

    @Test("§1.3: the accept key of the sample nonce")
    func acceptKey() {
        let key = UpgradeHandshake.acceptKey(for: SharedBytes(Self.key).bytes)
        #expect(key.text == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test("§4.2.1: tokens are found in lists, in any case")
    func accepts() {
        #expect(refusal() == nil)
        #expect(refusal(upgrade: "WebSocket", connection: "keep-alive, upGrade") == nil)
        #expect(refusal(upgrade: "h2c,websocket ", connection: "Upgrade\t,,close") == nil)
    }

    @Test("§4.2.1: each missing or wrong field is named")
    func refuses() {
        #expect(refusal(upgrade: nil) == .noWebSocketUpgrade)
        #expect(refusal(upgrade: "websockets") == .noWebSocketUpgrade)
        #expect(refusal(upgrade: "") == .noWebSocketUpgrade)
        #expect(refusal(connection: nil) == .noConnectionUpgrade)
        #expect(refusal(connection: "keep-alive") == .noConnectionUpgrade)
        #expect(refusal(version: nil) == .unsupportedVersion)
        #expect(refusal(version: "8") == .unsupportedVersion)
        #expect(refusal(version: "13, 8") == .unsupportedVersion)
        #expect(refusal(key: nil) == .badKey)
        #expect(refusal(key: "") == .badKey)
        #expect(refusal(key: "dGhlIHNhbXBsZSBub25jZQ=") == .badKey)
        #expect(refusal(key: "dGhlIHNhbXBsZSBub25jZQAA") == .badKey)
        #expect(refusal(key: "dGhlIHNhbXBsZSBub25j-Q==") == .badKey)
        #expect(refusal(key: "dGhlIHNhbXBsZSBub25jZQ==AAAA") == .badKey)
    }

    @Test("§4.4: another version is told which one there is")
    func versions() {
        let refusal = UpgradeRefusal.unsupportedVersion
        #expect(refusal.status == 426)
        #expect(refusal.fields.contains { $0 == ("Sec-WebSocket-Version", "13") })
        #expect(UpgradeRefusal.badKey.status == 400)
        #expect(UpgradeRefusal.badKey.fields.isEmpty)
    }

    @Test("§4.2.2: the 101 response, no field of which can break the head")
    func response() {
        let response = UpgradeHandshake.response(
            for: SharedBytes(Self.key).bytes,
            fields: [("Vary", "Origin"), ("X", "a\r\nB: c")]
        )
        let expected = """
            HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
            Vary: Origin\r\nX: a  B: c\r\n\r\n
            """
        #expect(response.text == expected)
    }
}
