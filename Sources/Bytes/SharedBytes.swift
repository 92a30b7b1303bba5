/// Immutable bytes with shared ownership: an encoded frame sent to many, or a slice of one.
///
/// Two 32-bit bounds and a reference; copies and slices share the storage. Usable from any
/// thread: the storage is never written once a `SharedBytes` holds it, hence `@unchecked`.
package struct SharedBytes: @unchecked Sendable {
    let storage: Storage
    @usableFromInline let lower: UInt32
    @usableFromInline let upper: UInt32

    private init(storage: Storage, lower: Int, upper: Int) {
        self.storage = storage
        self.lower = UInt32(lower)
        self.upper = UInt32(upper)
    }

    /// No bytes; allocates nothing.
    package init() {
        unsafe self.init(storage: .empty, lower: 0, upper: 0)
    }

    /// Takes over what a `ByteBuffer` has written, without a copy.
    init(adopting storage: Storage, count: Int) {
        self.init(storage: storage, lower: 0, upper: count)
    }

    /// Makes room for `capacity` bytes, in one allocation, and has `fill` append at most that many.
    package init(capacity: Int, fill: (inout OutputRawSpan) -> Void) {
        let storage = Storage.make(capacity: capacity)
        let memory = unsafe UnsafeMutableRawBufferPointer(start: storage.base, count: capacity)
        var span = unsafe OutputRawSpan(buffer: memory, initializedCount: 0)
        fill(&span)
        let written = unsafe span.finalize(for: memory)
        self.init(storage: storage, lower: 0, upper: written)
    }

    /// Copies `bytes`.
    package init(copying bytes: RawSpan) {
        guard !bytes.isEmpty else {
            self.init()
            return
        }
        let storage = Storage.make(capacity: bytes.byteCount)
        unsafe bytes.withUnsafeBytes { source in
            unsafe UnsafeMutableRawBufferPointer(start: storage.base, count: source.count)
                .copyMemory(from: source)
        }
        self.init(storage: storage, lower: 0, upper: bytes.byteCount)
    }

    /// Copies the UTF-8 of `text`.
    package init(_ text: String) {
        var text = text
        self = text.withUTF8 { utf8 in
            unsafe SharedBytes(copying: RawSpan(_unsafeElements: utf8))
        }
    }

    /// Copies an array.
    package init(_ array: [UInt8]) {
        self = unsafe array.withUnsafeBytes { memory in
            unsafe SharedBytes(copying: RawSpan(_unsafeBytes: memory))
        }
    }

    @inlinable package var count: Int { Int(upper &- lower) }
    @inlinable package var isEmpty: Bool { upper == lower }

    /// The bytes, borrowed for as long as this value lives.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(
                _unsafeStart: UnsafeRawPointer(storage.base) + Int(lower),
                byteCount: count
            )
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// A `String` of the bytes; what is not UTF-8 becomes U+FFFD.
    package var text: String { bytes.text }

    /// The bytes copied into an array.
    package var array: [UInt8] { bytes.array }

    /// The bytes of `range` (relative to this value), sharing the storage.
    package subscript(range: Range<Int>) -> SharedBytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice out of bounds")
        return SharedBytes(
            storage: storage,
            lower: Int(lower) + range.lowerBound,
            upper: Int(lower) + range.upperBound
        )
    }
}

extension SharedBytes: Equatable {
    package static func == (left: SharedBytes, right: SharedBytes) -> Bool {
        left.bytes.isEqual(to: right.bytes)
    }
}

extension SharedBytes {
    /// The memory, for a system call; not to be kept beyond `body` without keeping the bytes.
    @unsafe package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe try body(
            UnsafeRawBufferPointer(
                start: UnsafeRawPointer(storage.base) + Int(lower),
                count: count
            )
        )
    }
}
