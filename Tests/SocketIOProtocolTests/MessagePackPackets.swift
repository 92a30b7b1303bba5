import Bytes
import MessagePack

/// JSON as MessagePack; `attachments` are what placeholders in it stand for.
func messagePack(_ json: String, _ attachments: [SharedBytes] = []) -> SharedBytes {
    let text = SharedBytes(json)
    var buffer = ByteBuffer()
    buffer.appendMessagePack(json: text.bytes, attachments: attachments)
    return buffer.takeShared()
}

/// Bytes written as hexadecimal digits; a word that is none stands for itself as a string.
///
/// `81 nsp a12f` are a map of one, its key, and `/` in MessagePack.
func bytes(_ words: String) -> SharedBytes {
    var buffer = ByteBuffer()
    for word in words.split(separator: " ") {
        let digits = word.utf8.compactMap { ASCII.hexValue($0) }
        if digits.count == word.utf8.count, digits.count % 2 == 0 {
            for place in stride(from: 0, to: digits.count, by: 2) {
                buffer.append(digits[place] << 4 | digits[place + 1])
            }
        } else {
            buffer.appendMessagePack(text: String(word))
        }
    }
    return buffer.takeShared()
}
