import CLinux
import Glibc
import Synchronization

/// Turns host names into addresses.
///
/// `getaddrinfo` may take as long as a name server is silent, so it never runs on a loop or in the
/// pool of tasks: each look-up has a thread of its own.
package enum Resolver {
    /// How many look-ups may be under way at once; one that hangs holds a thread.
    private static let limit = 64
    private static let running = Atomic<Int>(0)

    /// Resolves `host` for TCP connections to `port`.
    ///
    /// - Parameters:
    ///   - host: A name, or an address, which is answered at once on the caller's thread.
    ///   - port: 1…65,535; another is `EINVAL`.
    ///   - completion: Called once, from any thread, perhaps before this returns; at least one
    ///     address, in the order in which they are to be tried (RFC 6724).
    package static func resolve(
        host: String,
        port: Int,
        _ completion: @escaping @Sendable (Result<[SocketAddress], ConnectError>) -> Void
    ) {
        // getaddrinfo would take the port modulo 65,536.
        guard (1...65_535).contains(port) else {
            completion(.failure(.failed(SystemCallError(call: "port \(port)", errno: EINVAL))))
            return
        }
        if let addresses = try? lookUp(host, port, flags: AI_NUMERICHOST) {
            // Otherwise it is a name, which is resolved below and fails there if it must.
            completion(.success(addresses))
            return
        }
        guard running.wrappingAdd(1, ordering: .relaxed).newValue <= limit else {
            running.wrappingSubtract(1, ordering: .relaxed)
            completion(.failure(.unresolvable(host: host, reason: "too many look-ups hang")))
            return
        }
        do {
            try DetachedThread.start("resolver") {
                do throws(ConnectError) {
                    completion(.success(try lookUp(host, port, flags: 0)))
                } catch {
                    completion(.failure(error))
                }
                running.wrappingSubtract(1, ordering: .relaxed)
            }
        } catch {
            running.wrappingSubtract(1, ordering: .relaxed)
            completion(.failure(.failed(error)))
        }
    }

    private static func lookUp(
        _ host: String,
        _ port: Int,
        flags: CInt
    ) throws(ConnectError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICSERV | flags
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        var addresses: [SocketAddress] = []
        var next = list
        while let info = next {
            if code == 0 { addresses.append(SocketAddress(info.pointee)) }
            next = info.pointee.ai_next
        }
        guard !addresses.isEmpty else {
            throw .unresolvable(host: host, reason: String(cString: gai_strerror(code)))
        }
        return addresses
    }
}
