/// What waits for acks from a client, by ack id (protocol.md §17).
///
/// Empty, it owns no memory worth speaking of: a table that has been large gives it back.
package struct AckTable<Value> {
    private var pending: [UInt64: Value] = [:]

    /// An empty table.
    package init() {}

    package var count: Int { pending.count }
    package var isEmpty: Bool { pending.isEmpty }

    /// Keeps `value` until the ack `id` comes; gives back what waited for the same id before.
    @discardableResult
    package mutating func register(_ id: UInt64, _ value: Value) -> Value? {
        pending.updateValue(value, forKey: id)
    }

    /// Removes what waits for `id`; nil for an unknown id, which a client may send at will.
    package mutating func take(_ id: UInt64) -> Value? {
        guard let value = pending.removeValue(forKey: id) else { return nil }
        if pending.isEmpty, pending.capacity > 16 { pending = [:] }
        return value
    }

    /// Removes everything, in the order of the ids; for the end of a socket.
    package mutating func takeAll() -> [Value] {
        let all = pending.sorted { $0.key < $1.key }.map(\.value)
        pending = [:]
        return all
    }
}
