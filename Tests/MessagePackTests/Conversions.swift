import Bytes
import MessagePack

/// The bytes of hexadecimal digits, among which white space does not matter.
func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.utf8.compactMap { ASCII.hexValue($0) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// The hexadecimal digits of what `write` appends.
func hex(_ write: (inout ByteBuffer) -> Void) -> String {
    var buffer = ByteBuffer()
    write(&buffer)
    return buffer.takeShared().array.hex
}

/// The MessagePack of one JSON value.
func messagePack(_ json: String, _ attachments: [SharedBytes] = []) -> SharedBytes {
    let text = SharedBytes(json)
    var buffer = ByteBuffer()
    buffer.appendMessagePack(json: text.bytes, attachments: attachments)
    return buffer.takeShared()
}

/// The JSON of the one MessagePack value that `bytes` are.
func json(
    _ bytes: SharedBytes,
    limits: MessagePackLimits = MessagePackLimits()
) throws(MessagePackError) -> (text: String, attachments: [SharedBytes]) {
    var reader = MessagePackReader(bytes, limits: limits)
    var json = ByteBuffer()
    var attachments: [SharedBytes] = []
    try reader.readJSON(to: &json, attachments: &attachments)
    guard reader.isAtEnd else { throw .unexpectedEnd }
    return (json.takeShared().text, attachments)
}

/// Whether text is valid JSON.
func isValid(_ json: String) -> Bool {
    let text = SharedBytes(json)
    return (try? JSONScanner.validate(text.bytes)) != nil
}

extension Sequence<UInt8> {
    /// Two digits for each byte.
    var hex: String {
        map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
