/// What one client of the chat may ask for.
package struct ChatLimits: Equatable, Sendable {
    /// The longest name of a room, in bytes of UTF-8.
    package var maxRoomNameBytes = 200
    /// The longest message, in bytes of UTF-8.
    package var maxMessageBytes = 65_536
    /// The longest user id given as text, in bytes of UTF-8.
    package var maxUserIDBytes = 200
    /// How many rooms one socket may be in.
    package var maxRoomsPerSocket = 100

    /// The defaults.
    package init() {}
}
