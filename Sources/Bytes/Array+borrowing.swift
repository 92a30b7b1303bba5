extension Array where Element: AnyObject {
    /// Calls `body` with each element, without taking a reference to it.
    ///
    /// The array, which nobody can change meanwhile, keeps its elements alive. A `for` loop counts
    /// a reference up and down for each, which is most of its time; `Bench micro` has both.
    /// `@inlinable`: without, the caller's `body` is called through a pointer.
    @inlinable
    package func forEachBorrowed(_ body: (Element) -> Void) {
        unsafe withUnsafeBufferPointer { elements in
            // A class reference and `Unmanaged` are the same word in memory.
            unsafe elements.withMemoryRebound(to: Unmanaged<Element>.self) { references in
                for index in 0..<references.count {
                    unsafe references[index]._withUnsafeGuaranteedRef(body)
                }
            }
        }
    }
}
