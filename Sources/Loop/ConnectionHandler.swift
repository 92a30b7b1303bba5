/// Why a connection ended without our asking.
package enum ConnectionEnd: Error, Equatable, Sendable {
    /// The peer closed its side.
    case peerClosed
    /// The kernel reports a failure, such as a reset.
    case failed(SystemCallError)
}

/// What a connection calls, on its loop.
package protocol ConnectionHandler: AnyObject {
    /// Bytes have arrived.
    ///
    /// They lie in the loop's read buffer, may be changed in place, and are gone when the call
    /// returns.
    func received(_ bytes: inout MutableRawSpan)

    /// Everything queued has been handed to the kernel.
    func drained()

    /// The kernel takes no more for now; `drained` follows, unless the connection ends first.
    ///
    /// Called also from inside `write`, so it is only to take note.
    func blocked()

    /// The connection has ended; not called after `close()` or `detach()`.
    ///
    /// It is closed, except that what was queued still leaves if the peer has only ended its side.
    func ended(_ end: ConnectionEnd)
}

extension ConnectionHandler {
    /// Most need not know.
    package func blocked() {}
}

/// Who began a connection.
package enum ConnectionRole: Sendable {
    /// The peer: it is counted among the loop's open connections and bounded by its own reading.
    case accepted
    /// We: it is not counted, as nobody waits for it at a shutdown; it reads whatever is stuck,
    /// as answers must come in for output to go on; it ends with its peer.
    case outgoing
}
