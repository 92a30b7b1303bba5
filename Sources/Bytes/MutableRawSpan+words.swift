/// Bounds-checked reading and writing in place, by byte and by word.
///
/// `@inlinable`, as those of `RawSpan`: without, each call from another module stays a call, and a
/// WebSocket text message of 152 bytes takes 57 ns to read instead of 39.
extension MutableRawSpan {
    /// The byte at `offset`; traps when out of bounds.
    @inlinable
    package func byte(at offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// The 8 bytes at `offset` as one word, first byte lowest; traps when out of bounds.
    @inlinable
    package func word(at offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Overwrites the byte at `offset`; traps when out of bounds.
    @inlinable
    package mutating func setByte(_ value: UInt8, at offset: Int) {
        storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
    }

    /// Overwrites the 8 bytes at `offset`, the lowest first; traps when out of bounds.
    @inlinable
    package mutating func setWord(_ value: UInt64, at offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
    }
}
