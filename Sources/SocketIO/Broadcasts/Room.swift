/// The name of a group of sockets to broadcast to.
///
/// ```swift
/// socket.join("news")
/// try server.to("news").emit("headline", "Swift speaks Socket.IO")
/// ```
public struct Room: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name as it is known to every server of a cluster.
    public let name: String

    /// A room by its name.
    public init(_ name: String) {
        self.name = name
    }

    /// The room named by a literal.
    public init(stringLiteral name: String) {
        self.name = name
    }

    /// Names are the same only byte by byte, as JavaScript compares them.
    public static func == (left: Room, right: Room) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8)
    }

    /// The name.
    public var description: String { name }
}
