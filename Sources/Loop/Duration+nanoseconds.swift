extension Duration {
    /// The nanoseconds: none if negative, at most those of a billion seconds.
    package var clampedNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return seconds >= 1_000_000_000
            ? 1_000_000_000 * 1_000_000_000
            : UInt64(max(seconds, 0)) * 1_000_000_000 + UInt64(max(attoseconds, 0)) / 1_000_000_000
    }
}
