/// The one allocation behind `ByteBuffer` and `SharedBytes`: an object header, then the bytes.
///
/// Written only while a single `ByteBuffer` owns it (or inside `SharedBytes.init`), never after it
/// is shared. The header is the capacity.
@safe
final class Storage: ManagedBuffer<Int, UInt8> {
    /// Never written to, as it has no room: safe to share.
    nonisolated(unsafe) static let empty = make(capacity: 0)

    static func make(capacity: Int) -> Storage {
        let storage = Storage.create(minimumCapacity: max(capacity, 1)) { _ in capacity }
        return unsafe unsafeDowncast(storage, to: Storage.self)
    }

    /// How many bytes there is room for.
    ///
    /// Read through a pointer: `header` is a class's stored property, so that each read of it makes
    /// a dynamic exclusivity check, which is most of the cost of appending a byte.
    var room: Int {
        unsafe withUnsafeMutablePointerToHeader { unsafe $0.pointee }
    }

    /// The first byte; valid while the storage is alive.
    @unsafe var base: UnsafeMutableRawPointer {
        unsafe withUnsafeMutablePointerToElements { UnsafeMutableRawPointer($0) }
    }
}
