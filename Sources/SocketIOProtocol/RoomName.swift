import Bytes

/// A room's name, equal to another only if the bytes are.
///
/// `String` itself takes composed and decomposed letters for the same, JavaScript does not.
struct RoomName: Hashable {
    let text: String

    /// Whether the bytes are the same.
    static func == (left: RoomName, right: RoomName) -> Bool {
        unsafe left.text.utf8.span.bytes.isEqual(to: right.text.utf8.span.bytes)
    }

    /// Hashes the bytes.
    func hash(into hasher: inout Hasher) {
        let bytes = unsafe text.utf8.span.bytes
        var offset = 0
        while offset + 8 <= bytes.byteCount {
            hasher.combine(bytes.word(at: offset))
            offset += 8
        }
        while offset < bytes.byteCount {
            hasher.combine(bytes.byte(at: offset))
            offset += 1
        }
    }
}
