// Slices keep the whole storage alive: what is kept for long is to keep no more than it counts for.
extension SharedBytes {
    /// How many bytes this value keeps alive: those of its storage, used or not.
    package var storageByteCount: Int { storage.room }
}

extension Array where Element == SharedBytes {
    /// How much may be kept alive for nothing, since a copy has costs of its own.
    private static var slack: Int { 256 }

    /// Copies slices of a buffer that is more than three times as large as all of them together.
    ///
    /// For slices of one and the same buffer that do not overlap. Afterwards they keep at most
    /// three times their bytes alive, or 256 more. Those that are most of a message are not copied,
    /// though its buffer, having grown, may have room for twice the message.
    package mutating func compact() {
        guard !isEmpty else { return }
        var byteCount = 0
        for slice in self { byteCount += slice.count }
        for index in indices {
            let slice = self[index]
            let unused = slice.storageByteCount - byteCount
            guard unused > Swift.max(2 * byteCount, Self.slack) else { continue }
            self[index] = SharedBytes(copying: slice.bytes)
        }
    }
}
