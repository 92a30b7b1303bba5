import Bytes

/// The event names that belong to the library (protocol.md §15, §17).
///
/// A client that sends one breaks the protocol; an app that emits one is mistaken.
package enum ReservedEvents {
    private static let longest = 14

    /// Whether the bytes are a reserved name.
    package static func contains(_ name: RawSpan) -> Bool {
        switch name.byteCount {
        case 7: name.isEqual(to: "connect")
        case 10: name.isEqual(to: "disconnect")
        case 11: name.isEqual(to: "newListener")
        case 13: name.isEqual(to: "connect_error") || name.isEqual(to: "disconnecting")
        case longest: name.isEqual(to: "removeListener")
        default: false
        }
    }

    /// Whether `name` is a reserved name.
    package static func contains(_ name: String) -> Bool {
        unsafe contains(name.utf8.span.bytes)
    }

    /// Whether the contents of a JSON string mean a reserved name; allocates nothing.
    static func containsEscaped(_ contents: RawSpan) -> Bool {
        var name = [14 of UInt8](repeating: 0)
        var count = 0
        var offset = 0
        while offset < contents.byteCount {
            var scalar = UInt32(contents.byte(at: offset))
            if scalar == ASCII.backslash {
                (scalar, offset) = JSONText.escape(in: contents, at: offset)
            } else {
                offset += 1
            }
            guard scalar < 0x80, count < longest else { return false }
            name[count] = UInt8(truncatingIfNeeded: scalar)
            count += 1
        }
        return unsafe contains(name.span.bytes.extracting(first: count))
    }
}
