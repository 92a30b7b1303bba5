package import SocketIO

/// The rooms of those who watch a room; no client can join or reach one by its name.
package enum WatchRoom {
    /// What their names begin with, and no client's room may.
    static let prefix: UInt8 = 0x01

    /// The room of those who watch `room`.
    package static func of(_ room: String) -> Room {
        Room("\u{1}presence:\(room)")
    }
}
