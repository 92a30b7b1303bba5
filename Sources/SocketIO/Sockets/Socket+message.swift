/// The event `message`, which needs no name (protocol.md §17).
extension Socket {
    /// Sends the event `message`.
    ///
    /// - Throws: What encoding an argument throws.
    public func send<each Value: Encodable>(_ values: repeat each Value) throws {
        try emit("message", repeat each values)
    }

    /// The same as `send`.
    ///
    /// - Throws: What encoding an argument throws.
    public func write<each Value: Encodable>(_ values: repeat each Value) throws {
        try emit("message", repeat each values)
    }
}
