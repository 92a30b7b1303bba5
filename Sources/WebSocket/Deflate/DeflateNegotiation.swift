import Bytes

/// Chooses among a client's offers of permessage-deflate (RFC 7692 §5.1, §7.1).
package enum DeflateNegotiation {
    static let name = "permessage-deflate"

    /// Takes the first offer that `policy` can live with; nil if there is none.
    ///
    /// An offer with a parameter that is unknown, repeated or has a value it cannot have is
    /// declined, and the next one looked at (RFC 7692 §7.1).
    /// - Parameters:
    ///   - offers: The value of `Sec-WebSocket-Extensions`, of several fields joined with commas.
    ///   - policy: What the server wants.
    /// - Returns: What to answer; nil if no offer is acceptable.
    /// - Throws: `badExtensions` when `offers` is no list of extensions (RFC 6455 §9.1).
    package static func accept(
        _ offers: RawSpan,
        _ policy: DeflatePolicy
    ) throws(UpgradeRefusal) -> DeflateParameters? {
        var accepted: DeflateParameters?
        var scanner = ExtensionScanner()
        while let extensionName = try scanner.nextExtension(in: offers) {
            let isDeflate = offers.extracting(extensionName).isEqual(to: "permessage-deflate")
            var offer = Offer()
            while let parameter = try scanner.nextParameter(in: offers) {
                if isDeflate, accepted == nil {
                    offer.take(parameter.name, parameter.value, in: offers)
                }
            }
            // Read on to the end: what follows must be well formed too.
            if isDeflate, accepted == nil { accepted = offer.accepted(policy) }
        }
        return accepted
    }
}

/// One offer's parameters.
private struct Offer {
    private var serverNoContextTakeover = false
    private var clientNoContextTakeover = false
    private var serverMaxWindowBits: UInt8?
    /// 15 where the client gives no value.
    private var clientMaxWindowBits: UInt8?
    private var isInvalid = false

    mutating func take(_ name: Range<Int>, _ value: Range<Int>?, in bytes: RawSpan) {
        let name = bytes.extracting(name)
        if name.isEqual(to: "server_no_context_takeover") {
            isInvalid = isInvalid || serverNoContextTakeover || value != nil
            serverNoContextTakeover = true
        } else if name.isEqual(to: "client_no_context_takeover") {
            isInvalid = isInvalid || clientNoContextTakeover || value != nil
            clientNoContextTakeover = true
        } else if name.isEqual(to: "server_max_window_bits"), let value {
            isInvalid = isInvalid || serverMaxWindowBits != nil
            serverMaxWindowBits = windowBits(bytes.extracting(value))
        } else if name.isEqual(to: "client_max_window_bits") {
            isInvalid = isInvalid || clientMaxWindowBits != nil
            clientMaxWindowBits = value.map { windowBits(bytes.extracting($0)) } ?? 15
        } else {
            isInvalid = true
        }
    }

    /// 8…15 in decimal without leading zeros (§7.1.2); else the offer is invalid.
    private mutating func windowBits(_ digits: RawSpan) -> UInt8 {
        switch digits.byteCount {
        case 1 where 0x38...0x39 ~= digits.byte(at: 0):
            return digits.byte(at: 0) - ASCII.zero
        case 2 where digits.byte(at: 0) == 0x31 && 0x30...0x35 ~= digits.byte(at: 1):
            return 10 + digits.byte(at: 1) - ASCII.zero
        default:
            isInvalid = true
            return 15
        }
    }

    /// What to agree upon; nil if it cannot be.
    func accepted(_ policy: DeflatePolicy) -> DeflateParameters? {
        let ownBits = UInt8(clamping: min(max(policy.serverMaxWindowBits, 9), 15))
        let peerBits = UInt8(clamping: min(max(policy.clientMaxWindowBits, 9), 15))
        // zlib promises no window of 8 bits for its raw format.
        guard !isInvalid, serverMaxWindowBits != 8 else { return nil }
        // What the client says of its own window is a hint. One of 8 bits is not asked for, as
        // clients on zlib would not keep to it.
        let hint = clientMaxWindowBits == 8 ? nil : clientMaxWindowBits
        // §7.1.2.2: only a client that mentions its window can be told to keep it small.
        if peerBits < 15, hint == nil { return nil }
        var parameters = DeflateParameters()
        parameters.serverNoContextTakeover =
            serverNoContextTakeover || policy.serverNoContextTakeover
        parameters.clientNoContextTakeover =
            clientNoContextTakeover || policy.clientNoContextTakeover
        parameters.serverMaxWindowBits = min(serverMaxWindowBits ?? 15, ownBits)
        parameters.clientMaxWindowBits = min(hint ?? 15, peerBits)
        return parameters
    }
}

/// Reads `Sec-WebSocket-Extensions` (RFC 6455 §9.1), whose elements may be empty (RFC 9110 §5.6.1).
private struct ExtensionScanner {
    private var offset = 0

    /// The name of the next extension, once the parameters of the last have been read.
    mutating func nextExtension(
        in bytes: RawSpan
    ) throws(UpgradeRefusal) -> Range<Int>? {
        skipBlanks(bytes)
        while take(ASCII.comma, bytes) { skipBlanks(bytes) }
        return offset == bytes.byteCount ? nil : try token(bytes)
    }

    /// The extension's next parameter; nil at the end of the extension.
    mutating func nextParameter(
        in bytes: RawSpan
    ) throws(UpgradeRefusal) -> (name: Range<Int>, value: Range<Int>?)? {
        skipBlanks(bytes)
        guard take(ASCII.semicolon, bytes) else {
            guard offset == bytes.byteCount || bytes.byte(at: offset) == ASCII.comma else {
                throw .badExtensions
            }
            return nil
        }
        skipBlanks(bytes)
        let name = try token(bytes)
        skipBlanks(bytes)
        guard take(ASCII.equals, bytes) else { return (name, nil) }
        skipBlanks(bytes)
        // A quoted value must be a token once unquoted, so there is nothing to unescape.
        guard take(ASCII.quote, bytes) else { return (name, try token(bytes)) }
        let value = try token(bytes)
        guard take(ASCII.quote, bytes) else { throw .badExtensions }
        return (name, value)
    }

    private mutating func take(_ byte: UInt8, _ bytes: RawSpan) -> Bool {
        guard offset < bytes.byteCount, bytes.byte(at: offset) == byte else { return false }
        offset += 1
        return true
    }

    private mutating func skipBlanks(_ bytes: RawSpan) {
        while offset < bytes.byteCount,
            bytes.byte(at: offset) == ASCII.space || bytes.byte(at: offset) == ASCII.tab
        {
            offset += 1
        }
    }

    private mutating func token(_ bytes: RawSpan) throws(UpgradeRefusal) -> Range<Int> {
        let start = offset
        while offset < bytes.byteCount, Self.isToken(bytes.byte(at: offset)) { offset += 1 }
        guard offset > start else { throw .badExtensions }
        return start..<offset
    }

    /// `tchar` (RFC 9110 §5.6.2).
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
        default: false
        }
    }
}
