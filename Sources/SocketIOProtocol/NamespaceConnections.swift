package import Bytes

/// What one client connection has to do with each namespace (protocol.md §15 B, §16, §19).
///
/// Knows the namespaces that are being joined, those joined with their `Socket`, and the last few
/// left, whose late packets are dropped where the reference closes the connection. Names are
/// compared byte by byte; nil is the name `/`, which costs no memory of its own.
package struct NamespaceConnections<Socket>: ~Copyable {
    /// What to do with a packet.
    package enum Verdict {
        /// The client wants to join; now `accept`, `refuse` or `leave` must follow some time.
        case connect
        /// An EVENT or ACK for a socket.
        case deliver(Socket)
        /// The client has left the namespace; it is already forgotten here.
        case disconnect(Socket)
        /// A late packet for a namespace that was left a moment ago: drop it.
        case ignore
        /// A valid packet in a state that does not allow it: close the connection.
        case violation
    }

    private enum Phase {
        case connecting
        case connected(Socket)
    }

    private struct Entry {
        var name: SharedBytes
        var phase: Phase
    }

    private static var mostRecentlyLeft: Int { 16 }

    private var root: Phase?
    private var hasLeftRoot = false
    private var others: [Entry] = []
    private var recentlyLeft: [SharedBytes] = []
    private let maxNamespaces: Int

    /// Whether the client has ever joined a namespace, which ends the connect timeout (§16).
    package private(set) var hasEverConnected = false

    /// No namespaces yet; of those being joined or joined there may be `maxNamespaces`.
    package init(maxNamespaces: Int = 100) {
        self.maxNamespaces = maxNamespaces
    }

    /// How many namespaces are being joined or joined.
    package var count: Int { others.count + (root == nil ? 0 : 1) }

    /// Says what to do with a packet, and notes what it changes.
    package mutating func take(_ head: PacketHead, in text: RawSpan) -> Verdict {
        guard let range = head.namespace else { return takeRoot(head.type) }
        let name = text.extracting(range)
        guard let index = index(of: name) else {
            return takeUnjoined(head.type, SharedBytes(copying: name))
        }
        let verdict = Self.verdict(head.type, others[index].phase)
        if case .disconnect = verdict { forget(index) }
        return verdict
    }

    /// The client has joined: call before CONNECT is sent.
    ///
    /// False if the name is not being joined any more; then nothing has changed.
    package mutating func accept(_ name: SharedBytes?, _ socket: Socket) -> Bool {
        guard case .connecting? = phase(of: name) else { return false }
        if let name, let index = index(of: name.bytes) {
            others[index].phase = .connected(socket)
        } else {
            root = .connected(socket)
        }
        hasEverConnected = true
        return true
    }

    /// The client may not join, though it may try again.
    ///
    /// False if the name is not being joined; then nothing has changed.
    package mutating func refuse(_ name: SharedBytes?) -> Bool {
        guard case .connecting? = phase(of: name) else { return false }
        if let name, let index = index(of: name.bytes) {
            others.remove(at: index)
        } else {
            root = nil
        }
        return true
    }

    /// The server disconnects the client from a namespace; gives its socket if it had joined.
    ///
    /// From now on, late packets for the namespace are ignored.
    package mutating func leave(_ name: SharedBytes?) -> Socket? {
        let old = phase(of: name)
        guard let old else { return nil }
        if let name, let index = index(of: name.bytes) {
            forget(index)
        } else {
            root = nil
            hasLeftRoot = true
        }
        guard case .connected(let socket) = old else { return nil }
        return socket
    }

    /// The socket of a joined namespace.
    package func socket(of name: SharedBytes?) -> Socket? {
        if case .connected(let socket)? = phase(of: name) { socket } else { nil }
    }

    /// Whether a packet is one by which the client leaves a namespace that it is in.
    package func isLeave(_ head: PacketHead, in text: RawSpan) -> Bool {
        guard head.type == .disconnect else { return false }
        let phase =
            if let range = head.namespace {
                index(of: text.extracting(range)).map { others[$0].phase }
            } else {
                root
            }
        guard case .connected? = phase else { return false }
        return true
    }

    /// Whether a namespace is being joined.
    package func isConnecting(_ name: SharedBytes?) -> Bool {
        if case .connecting? = phase(of: name) { true } else { false }
    }

    /// All sockets, `/` first, then in the order in which the client asked to join.
    package var sockets: [Socket] {
        ([root].compactMap(\.self) + others.map(\.phase)).compactMap { phase in
            if case .connected(let socket) = phase { socket } else { nil }
        }
    }

    /// Forgets everything at the end of the connection and gives all its sockets.
    package mutating func takeAll() -> [Socket] {
        let all = sockets
        root = nil
        others = []
        recentlyLeft = []
        hasLeftRoot = false
        return all
    }

    private mutating func takeRoot(_ type: PacketType) -> Verdict {
        if let root {
            let verdict = Self.verdict(type, root)
            if case .disconnect = verdict {
                self.root = nil
                hasLeftRoot = true
            }
            return verdict
        }
        switch type {
        case .connect:
            guard count < maxNamespaces else { return .violation }
            root = .connecting
            hasLeftRoot = false
            return .connect
        case .event, .ack, .disconnect, .binaryEvent, .binaryAck:
            return hasLeftRoot ? .ignore : .violation
        case .connectError:
            return .violation
        }
    }

    private mutating func takeUnjoined(_ type: PacketType, _ name: SharedBytes) -> Verdict {
        switch type {
        case .connect:
            guard count < maxNamespaces else { return .violation }
            others.append(Entry(name: name, phase: .connecting))
            recentlyLeft.removeAll { $0 == name }
            return .connect
        case .event, .ack, .disconnect, .binaryEvent, .binaryAck:
            return recentlyLeft.contains(name) ? .ignore : .violation
        case .connectError:
            return .violation
        }
    }

    private static func verdict(_ type: PacketType, _ phase: Phase) -> Verdict {
        switch phase {
        case .connecting:
            return .violation
        case .connected(let socket):
            switch type {
            case .event, .ack, .binaryEvent, .binaryAck: return .deliver(socket)
            case .disconnect: return .disconnect(socket)
            case .connect, .connectError: return .violation
            }
        }
    }

    private func phase(of name: SharedBytes?) -> Phase? {
        guard let name, name.count > 1 else { return root }
        return index(of: name.bytes).map { others[$0].phase }
    }

    private func index(of name: RawSpan) -> Int? {
        for index in others.indices {
            let candidate = others[index].name
            if candidate.bytes.isEqual(to: name) { return index }
        }
        return nil
    }

    private mutating func forget(_ index: Int) {
        let name = others.remove(at: index).name
        if recentlyLeft.count == Self.mostRecentlyLeft { recentlyLeft.removeFirst() }
        recentlyLeft.append(name)
    }
}
