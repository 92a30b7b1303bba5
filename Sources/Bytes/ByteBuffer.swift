/// A growable byte buffer with one owner.
///
/// Empty, it owns no memory.
package struct ByteBuffer: ~Copyable {
    private var storage = unsafe Storage.empty

    /// How many bytes have been written.
    package private(set) var count = 0

    /// An empty buffer.
    package init() {}

    /// An empty buffer with room for `capacity` bytes.
    package init(capacity: Int) {
        reserve(capacity)
    }

    @inlinable package var isEmpty: Bool { count == 0 }

    /// The written bytes.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(
                _unsafeStart: UnsafeRawPointer(storage.base),
                byteCount: count
            )
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The written bytes, to change in place.
    package var mutableBytes: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            let span = unsafe MutableRawSpan(_unsafeStart: storage.base, byteCount: count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// Makes room for `additional` more bytes; grows by doubling.
    package mutating func reserve(_ additional: Int) {
        let needed = count + additional
        let room = storage.room
        guard needed > room else { return }
        let grown = Storage.make(capacity: max(needed, room * 2, 64))
        unsafe grown.base.copyMemory(from: storage.base, byteCount: count)
        storage = grown
    }

    /// Makes room for `capacity` bytes in all and not for more, unless there is already.
    package mutating func reserve(total capacity: Int) {
        guard capacity > storage.room else { return }
        let grown = Storage.make(capacity: capacity)
        unsafe grown.base.copyMemory(from: storage.base, byteCount: count)
        storage = grown
    }

    /// How many bytes fit before the buffer grows.
    package var capacity: Int { storage.room }

    /// How many more bytes fit before the buffer grows.
    package var freeCapacity: Int { storage.room - count }

    /// Has `fill` append up to `additional` bytes, for which there must be room.
    package mutating func append<Result>(
        atMost additional: Int,
        _ fill: (inout OutputRawSpan) -> Result
    ) -> Result {
        precondition(additional >= 0 && additional <= freeCapacity, "no room in the buffer")
        let memory = unsafe UnsafeMutableRawBufferPointer(
            start: storage.base + count,
            count: additional
        )
        var span = unsafe OutputRawSpan(buffer: memory, initializedCount: 0)
        let result = fill(&span)
        count += unsafe span.finalize(for: memory)
        return result
    }

    /// Appends one byte.
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe storage.base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Appends a copy of `bytes`.
    package mutating func append(_ bytes: RawSpan) {
        reserve(bytes.byteCount)
        unsafe bytes.withUnsafeBytes { source in
            unsafe UnsafeMutableRawBufferPointer(
                start: storage.base + count,
                count: source.count
            ).copyMemory(from: source)
        }
        count += bytes.byteCount
    }

    /// Appends a copy of `bytes`.
    package mutating func append(_ bytes: SharedBytes) {
        append(bytes.bytes)
    }

    /// Appends the UTF-8 of `text`; a literal costs a copy of its bytes and nothing else.
    package mutating func append(_ text: StaticString) {
        if text.hasPointerRepresentation {
            append(unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount))
        } else {
            text.withUTF8Buffer { append(unsafe RawSpan(_unsafeElements: $0)) }
        }
    }

    /// Appends the UTF-8 of `text`.
    package mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(unsafe RawSpan(_unsafeElements: $0)) }
    }

    /// Appends `number` in decimal, without making a `String`.
    package mutating func append(decimal number: some FixedWidthInteger & UnsignedInteger) {
        var digits = [20 of UInt8](repeating: 0)
        var index = 20
        var rest = UInt64(number)
        repeat {
            index -= 1
            digits[index] = UInt8(truncatingIfNeeded: rest % 10) + ASCII.zero
            rest /= 10
        } while rest > 0
        unsafe append(digits.span.bytes.extracting(index..<20))
    }

    /// Appends the bytes of `number`, the highest first.
    package mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
        let size = MemoryLayout<Number>.size
        reserve(size)
        unsafe storage.base.storeBytes(of: number.bigEndian, toByteOffset: count, as: Number.self)
        count += size
    }

    /// Appends `additional` bytes that are 0.
    package mutating func append(zeros additional: Int) {
        reserve(additional)
        unsafe UnsafeMutableRawBufferPointer(start: storage.base + count, count: additional)
            .initializeMemory(as: UInt8.self, repeating: 0)
        count += additional
    }

    /// Copies written bytes over others, which may overlap them; traps when out of bounds.
    package mutating func move(_ range: Range<Int>, to offset: Int) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count && offset >= 0
                && offset <= count - range.count,
            "moved out of bounds"
        )
        unsafe (storage.base + offset)
            .copyMemory(from: storage.base + range.lowerBound, byteCount: range.count)
    }

    /// Forgets the bytes from `newCount` on; the memory is kept.
    package mutating func truncate(to newCount: Int) {
        precondition(newCount >= 0 && newCount <= count, "more than the bytes written")
        count = newCount
    }

    /// Forgets the bytes.
    ///
    /// The memory is kept only when asked for.
    package mutating func removeAll(keepingCapacity: Bool = false) {
        count = 0
        if !keepingCapacity { storage = unsafe .empty }
    }

    /// Gives the bytes away without a copy and leaves the buffer empty.
    package mutating func takeShared() -> SharedBytes {
        defer { removeAll() }
        return SharedBytes(adopting: storage, count: count)
    }
}
