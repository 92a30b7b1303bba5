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

    /// The first byte; valid while the storage is alive.
    @unsafe var base: UnsafeMutableRawPointer {
        unsafe withUnsafeMutablePointerToElements { UnsafeMutableRawPointer($0) }
    }
}
