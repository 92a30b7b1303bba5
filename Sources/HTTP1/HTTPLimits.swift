/// What a peer may send before it is refused.
package struct HTTPLimits: Equatable, Sendable {
    /// Bytes of a head, from the first byte of the request line to the empty line; more is 431.
    package var maxHeadBytes = 16 * 1024

    /// Field lines in a head; more is 431.
    package var maxFieldCount = 100

    /// Bytes of a request target; more is 414.
    package var maxTargetBytes = 8 * 1024

    /// Bytes of a body unless a request is given another limit; more is 413.
    package var maxBodyBytes = 1_000_000

    /// Bytes of all chunk extensions of one body; more is 400.
    package var maxChunkExtensionBytes = 4 * 1024

    /// Bytes of all trailer lines of one body; more is 431.
    package var maxTrailerBytes = 4 * 1024

    /// Empty lines skipped before a request line (RFC 9112 §2.2); more is 400.
    package var maxEmptyLines = 4

    /// The defaults.
    package init() {}
}
