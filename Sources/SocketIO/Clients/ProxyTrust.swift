import Bytes
import HTTP1
import Loop

/// Where a request came from, as the trusted proxies in front of the server say it.
struct ProxyTrust: Sendable {
    /// How many proxies have appended to `X-Forwarded-For`; 0 trusts nobody.
    let hops: Int

    /// The client's address: what the outermost trusted proxy has seen, else the peer's.
    ///
    /// Whatever stands left of that entry is the client's own claim and not looked at.
    func address(_ head: RequestHead, peer: PeerAddress) -> String {
        claimedAddress(head) ?? "\(peer)"
    }

    /// The same address as a number.
    func networkAddress(_ head: RequestHead, peer: PeerAddress) -> PeerAddress {
        claimedAddress(head).flatMap { PeerAddress($0) } ?? peer
    }

    /// What the outermost trusted proxy has seen; nil if there is none, or has said nothing.
    private func claimedAddress(_ head: RequestHead) -> String? {
        guard hops > 0 else { return nil }
        let entries = head.fields
            .filter { $0.name.text.lowercased() == "x-forwarded-for" }
            .flatMap { $0.value.text.split(separator: ",", omittingEmptySubsequences: false) }
        // With fewer entries than proxies the request has passed only some of them.
        return entries.suffix(hops).first.flatMap { Self.address(in: $0) }
    }

    /// Whether the client's connection to the outermost proxy was encrypted.
    func isSecure(_ head: RequestHead) -> Bool {
        hops > 0 && head.fields["X-Forwarded-Proto"]?.text.lowercased() == "https"
    }

    /// The IP address in one entry: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:1`.
    private static func address(in entry: Substring) -> String? {
        var text = entry.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            text = text[text.index(after: text.startIndex)..<end]
        } else if text.contains("."), let colon = text.firstIndex(of: ":"),
            !text[text.index(after: colon)...].contains(":")
        {
            text = text[..<colon]
        }
        return IPAddress.isValid(String(text)) ? String(text) : nil
    }
}
