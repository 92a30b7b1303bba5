import Glibc
import Loop

/// The other end of a connection: plain calls with deadlines, on the test's thread.
final class Peer: Sendable {
    enum Kind: CaseIterable {
        case tcp
        case unix
    }

    /// Our end, for a `Connection` to adopt.
    let server: CInt
    private let number: CInt

    /// Connects a pair of the given kind.
    ///
    /// - Throws: `SystemCallError`.
    init(_ kind: Kind = .tcp) throws {
        switch kind {
        case .unix:
            var pair: [CInt] = [-1, -1]
            let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            guard socketpair(AF_UNIX, type, 0, &pair) == 0 else {
                throw SystemCallError(call: "socketpair", errno: errno)
            }
            server = pair[0]
            number = pair[1]
        case .tcp:
            let address = try BoundAddress(host: "127.0.0.1", port: 0)
            let listener = try address.listen(backlog: 1)
            number = try Peer.connect(port: address.port)
            guard Peer.poll(listener.number, POLLIN) else { throw DeadlinePassed() }
            let accepted = accept(listener.number, nil, nil)
            guard accepted >= 0 else { throw SystemCallError(call: "accept", errno: errno) }
            _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
            server = accepted
        }
    }

    /// Connects to a listener on the loopback.
    ///
    /// - Throws: `SystemCallError`.
    init(port: Int) throws {
        server = -1
        number = try Peer.connect(port: port)
    }

    deinit {
        _ = Glibc.close(number)
    }

    /// Sends all of `bytes`.
    ///
    /// - Throws: `SystemCallError`, `DeadlinePassed`.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    number,
                    $0.baseAddress! + sent,
                    $0.count - sent,
                    CInt(MSG_NOSIGNAL)
                )
            }
            if count < 0 {
                guard errno == EAGAIN else { throw SystemCallError(call: "send", errno: errno) }
                guard Peer.poll(number, POLLOUT) else { throw DeadlinePassed() }
            } else {
                sent += count
            }
        }
    }

    /// Sends what the kernel takes of `bytes` at once, if anything.
    func sendSome(_ bytes: [UInt8]) {
        _ = Glibc.send(number, bytes, bytes.count, CInt(MSG_NOSIGNAL))
    }

    /// Receives up to `limit` bytes, waiting for some; none means the other side has ended.
    ///
    /// - Throws: `SystemCallError`, `DeadlinePassed`.
    func receive(upTo limit: Int) throws -> [UInt8] {
        guard Peer.poll(number, POLLIN) else { throw DeadlinePassed() }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = recv(number, &bytes, limit, 0)
        guard count >= 0 else { throw SystemCallError(call: "recv", errno: errno) }
        return Array(bytes.prefix(count))
    }

    /// Receives exactly `count` bytes.
    ///
    /// - Throws: `SystemCallError`, `DeadlinePassed`.
    func receive(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try receive(upTo: min(count - bytes.count, 65_536))
            guard !more.isEmpty else { return bytes }
            bytes += more
        }
        return bytes
    }

    /// Receives until the other side ends.
    ///
    /// - Throws: `SystemCallError`, `DeadlinePassed`.
    func receiveToEnd() throws -> [UInt8] {
        try receive(exactly: .max)
    }

    /// Ends our sending side only.
    func endSending() {
        shutdown(number, CInt(SHUT_WR))
    }

    /// Breaks the connection with a TCP reset; the peer is not to be used any more.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            number,
            SOL_SOCKET,
            SO_LINGER,
            &linger,
            socklen_t(MemoryLayout.size(ofValue: linger))
        )
        var address = sockaddr()
        address.sa_family = sa_family_t(AF_UNSPEC)
        // Connecting to "nowhere" resets and keeps the number ours until `deinit`.
        Glibc.connect(number, &address, socklen_t(MemoryLayout<sockaddr>.size))
    }

    private static func connect(port: Int) throws -> CInt {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let number = socket(AF_INET, type, 0)
        guard number >= 0 else { throw SystemCallError(call: "socket", errno: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafeBytes(of: &address) {
            Glibc.connect(
                number,
                $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t($0.count)
            )
        }
        guard result == 0 else {
            let code = errno
            _ = Glibc.close(number)
            throw SystemCallError(call: "connect", errno: code)
        }
        _ = fcntl(number, F_SETFL, O_NONBLOCK)
        return number
    }

    private static func poll(_ number: CInt, _ events: CInt) -> Bool {
        var item = pollfd(fd: number, events: CShort(events), revents: 0)
        return Glibc.poll(&item, 1, CInt(deadlineInSeconds * 1000)) == 1
    }
}
