package import Bytes

/// Why a request is not upgraded to WebSocket, and what answers it (RFC 6455 §4.2.1, §4.4).
package enum UpgradeRefusal: Error, Equatable, Sendable {
    /// No `websocket` in the `Upgrade` field.
    case noWebSocketUpgrade
    /// No `upgrade` in the `Connection` field.
    case noConnectionUpgrade
    /// A version other than 13, or none.
    case unsupportedVersion
    /// A `Sec-WebSocket-Key` that is missing or not 16 bytes in base64.
    case badKey
    /// A `Sec-WebSocket-Extensions` that is no list of extensions (§9.1).
    case badExtensions

    /// The HTTP status that answers it.
    package var status: Int {
        switch self {
        case .unsupportedVersion: 426
        case .noWebSocketUpgrade, .noConnectionUpgrade, .badKey, .badExtensions: 400
        }
    }

    /// The fields that the answer must have besides the usual ones (RFC 9110 §15.5.22).
    package var fields: [(String, String)] {
        switch self {
        case .unsupportedVersion: [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
        case .noWebSocketUpgrade, .noConnectionUpgrade, .badKey, .badExtensions: []
        }
    }
}

/// The server's side of the opening handshake (RFC 6455 §4.2).
///
/// Subprotocols are ignored, so none is chosen (§4.2.2, /subprotocol/ is null).
package enum UpgradeHandshake {
    /// Checks the fields of a GET request; a field sent several times is to be joined with commas.
    ///
    /// - Parameters:
    ///   - upgrade: The value of `Upgrade`.
    ///   - connection: The value of `Connection`.
    ///   - key: The value of `Sec-WebSocket-Key`.
    ///   - version: The value of `Sec-WebSocket-Version`.
    /// - Throws: The first thing that is wrong.
    package static func validate(
        upgrade: RawSpan?,
        connection: RawSpan?,
        key: RawSpan?,
        version: RawSpan?
    ) throws(UpgradeRefusal) {
        guard let upgrade, contains("websocket", in: upgrade) else { throw .noWebSocketUpgrade }
        guard let connection, contains("upgrade", in: connection) else {
            throw .noConnectionUpgrade
        }
        guard let version, version.isEqual(to: "13") else { throw .unsupportedVersion }
        guard let key, isKey(key) else { throw .badKey }
    }

    /// The value of `Sec-WebSocket-Accept` (§4.2.2, 5.4).
    package static func acceptKey(for key: RawSpan) -> SharedBytes {
        var text = ByteBuffer(capacity: key.byteCount + 36)
        text.append(key)
        text.append("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        let digest = SHA1.digest(of: text.bytes)
        return Base64.encode(RawSpan(_elements: digest.span))
    }

    /// The 101 response to a request that `validate` let pass (§4.2.2).
    ///
    /// A control character in an extra field, such as a line break that would end it early, becomes
    /// a space.
    package static func response(
        for key: RawSpan,
        fields: [(String, String)] = []
    ) -> SharedBytes {
        var head = ByteBuffer(capacity: 256)
        head.append(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        )
        head.append("Sec-WebSocket-Accept: ")
        head.append(acceptKey(for: key))
        head.append("\r\n")
        for (name, value) in fields {
            append(name, to: &head)
            head.append(": ")
            append(value, to: &head)
            head.append("\r\n")
        }
        head.append("\r\n")
        return head.takeShared()
    }

    private static func append(_ text: String, to head: inout ByteBuffer) {
        for byte in text.utf8 {
            let isControl = byte < ASCII.space && byte != ASCII.tab || byte == ASCII.delete
            head.append(isControl ? ASCII.space : byte)
        }
    }

    /// Whether a field of a 101 is part of the handshake, so that only the server may write it.
    package static func isOwn(_ name: String) -> Bool {
        let name = name.lowercased()
        return name == "upgrade" || name == "sec-websocket-accept"
            || name == "sec-websocket-extensions"
    }

    /// Whether a comma-separated list has `token`, in any case (RFC 9110 §5.6.1).
    private static func contains(_ token: StaticString, in list: RawSpan) -> Bool {
        var start = 0
        while start <= list.byteCount {
            let next = list.firstIndex(of: ASCII.comma, from: start) ?? list.byteCount
            var (lower, upper) = (start, next)
            while lower < upper, isBlank(list.byte(at: lower)) { lower += 1 }
            while lower < upper, isBlank(list.byte(at: upper - 1)) { upper -= 1 }
            if list.extracting(lower..<upper).isEqualIgnoringCase(to: token) { return true }
            start = next + 1
        }
        return false
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == ASCII.space || byte == ASCII.tab
    }

    /// Whether it is 16 bytes in base64: 22 characters and two of padding.
    private static func isKey(_ key: RawSpan) -> Bool {
        guard key.byteCount == 24 else { return false }
        for offset in 0..<22 {
            switch key.byte(at: offset) {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, ASCII.plus, ASCII.slash: continue
            default: return false
            }
        }
        return key.byte(at: 22) == ASCII.equals && key.byte(at: 23) == ASCII.equals
    }
}
