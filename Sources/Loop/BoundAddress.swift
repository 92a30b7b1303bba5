import CLinux
import Glibc

/// An address to listen on, resolved once; each loop opens its own listening socket on it.
package struct BoundAddress: Sendable {
    private let storage: [UInt8]
    private let family: CInt
    /// The port; the one the system chose if 0 was asked for.
    package let port: Int

    /// Resolves `host` and makes sure that nobody listens on `port` yet.
    ///
    /// A probe without SO_REUSEPORT: with it, a second server of the same user would silently share
    /// the port.
    /// - Throws: `SystemCallError`, with `EADDRINUSE` when the port is taken and `EINVAL` when it is
    ///   none.
    package init(host: String, port: Int) throws(SystemCallError) {
        // getaddrinfo would take the port modulo 65,536.
        guard (0...65_535).contains(port) else {
            throw SystemCallError(call: "listen on port \(port)", errno: EINVAL)
        }
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host.isEmpty ? nil : host, "\(port)", &hints, &list)
        guard code == 0, let list else {
            throw SystemCallError(
                call: "host \(host)",
                errno: EADDRNOTAVAIL,
                reason: String(cString: gai_strerror(code))
            )
        }
        defer { freeaddrinfo(list) }
        var address = [UInt8](
            UnsafeRawBufferPointer(start: list.pointee.ai_addr, count: Int(list.pointee.ai_addrlen))
        )
        let family = list.pointee.ai_family
        let probe = try Self.open(family)
        try Self.bind(probe, address)
        var bound = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = try SystemCall.run("getsockname") {
            withUnsafeMutableBytes(of: &bound) {
                getsockname(
                    probe.number,
                    $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                    &length
                )
            }
        }
        // Both families keep the port, in network order, at offset 2.
        withUnsafeBytes(of: bound) { bytes in
            address[2] = bytes[2]
            address[3] = bytes[3]
        }
        self.port = Int(address[2]) << 8 | Int(address[3])
        self.storage = address
        self.family = family
    }

    /// Opens a listening socket that shares the port with those of the other loops.
    ///
    /// - Throws: `SystemCallError`.
    package func listen(backlog: Int) throws(SystemCallError) -> Descriptor {
        let descriptor = try Self.open(family)
        try Self.set(descriptor, SOL_SOCKET, SO_REUSEPORT)
        try Self.bind(descriptor, storage)
        _ = try SystemCall.run("listen") { Glibc.listen(descriptor.number, CInt(backlog)) }
        return descriptor
    }

    private static func open(_ family: CInt) throws(SystemCallError) -> Descriptor {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = Descriptor(
            adopting: try SystemCall.run("socket") { socket(family, kind, 0) }
        )
        try set(descriptor, SOL_SOCKET, SO_REUSEADDR)
        return descriptor
    }

    private static func set(
        _ descriptor: borrowing Descriptor,
        _ level: CInt,
        _ option: CInt
    ) throws(SystemCallError) {
        let number = descriptor.number
        _ = try SystemCall.run("setsockopt") {
            var one: CInt = 1
            return setsockopt(number, level, option, &one, socklen_t(MemoryLayout<CInt>.size))
        }
    }

    private static func bind(
        _ descriptor: borrowing Descriptor,
        _ address: [UInt8]
    ) throws(SystemCallError) {
        let number = descriptor.number
        _ = try SystemCall.run("bind") {
            address.withUnsafeBytes {
                Glibc.bind(
                    number,
                    $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                    socklen_t($0.count)
                )
            }
        }
    }
}

extension Descriptor {
    /// Sends small packets at once (TCP_NODELAY); the loop gathers them already.
    package borrowing func disableNagle() {
        var one: CInt = 1
        // Fails only if the peer has gone already, which the next read reports.
        _ = setsockopt(
            number,
            CInt(IPPROTO_TCP),
            TCP_NODELAY,
            &one,
            socklen_t(MemoryLayout<CInt>.size)
        )
    }
}
