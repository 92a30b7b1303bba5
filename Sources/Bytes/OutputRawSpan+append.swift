/// Appending many bytes at once.
extension OutputRawSpan {
    /// Appends a copy of `bytes`; traps when there is no room for them.
    package mutating func append(copying bytes: RawSpan) {
        precondition(bytes.byteCount <= freeCapacity, "no room in the output span")
        unsafe withUnsafeMutableBytes { memory, count in
            unsafe bytes.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: memory[count...])
                    .copyMemory(from: source)
            }
            count += bytes.byteCount
        }
    }
}
