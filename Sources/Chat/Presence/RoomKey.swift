/// A room's name, equal to another only if both have the same bytes.
///
/// Swift's `String` takes "é" and "e" with an accent for one; Socket.IO's rooms are two.
struct RoomKey: Hashable, Sendable {
    let name: String

    init(_ name: String) {
        self.name = name
    }

    static func == (left: RoomKey, right: RoomKey) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8)
    }

    func hash(into hasher: inout Hasher) {
        for byte in name.utf8 { hasher.combine(byte) }
        hasher.combine(UInt8(0xff))
    }
}

extension RoomKey: Comparable {
    static func < (left: RoomKey, right: RoomKey) -> Bool {
        left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }
}
