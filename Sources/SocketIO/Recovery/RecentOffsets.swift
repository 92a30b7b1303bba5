/// The offsets of the last packets that were sent to a socket (protocol.md §20).
///
/// In place, as every event in order adds one for every receiver.
struct RecentOffsets {
    /// How many it holds.
    static let capacity = 8

    private var offsets: [8 of String] = .init(repeating: "")
    private var total = 0

    /// None yet.
    init() {}

    /// Those of a session whose client names `offset`: what it was sent later comes again.
    init(of session: StoredSession, upTo offset: String?) {
        let sent = session.lastOffsets
        // Who was never sent one has none, whatever it names.
        guard let offset, !sent.isEmpty else { return }
        let last = sent.lastIndex(of: offset)
        for earlier in last.map({ sent[...$0] }) ?? [offset] { append(earlier) }
    }

    /// Adds one; the oldest goes.
    mutating func append(_ offset: String) {
        offsets[total % Self.capacity] = offset
        total += 1
    }

    /// Oldest first.
    var list: [String] {
        (max(total - Self.capacity, 0)..<total).map { offsets[$0 % Self.capacity] }
    }
}
