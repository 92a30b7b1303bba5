import CLinux
import Glibc

/// An address as the system's calls take it: IPv4, IPv6 or a path.
package struct SocketAddress: Hashable, Sendable {
    let family: CInt
    private let storage: [UInt8]

    /// Copies one of the addresses that `getaddrinfo` has found.
    init(_ info: addrinfo) {
        family = info.ai_family
        storage = [UInt8](
            UnsafeRawBufferPointer(start: info.ai_addr, count: Int(info.ai_addrlen))
        )
    }

    /// The address of a Unix-domain socket.
    ///
    /// - Throws: `SystemCallError` (`ENAMETOOLONG`, `EINVAL`) for what is no path of a socket: over
    ///   107 bytes, empty, or with a zero byte in it.
    init(path: String) throws(SystemCallError) {
        let capacity = MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, !bytes.contains(0) else {
            throw SystemCallError(call: "connect to \(path)", errno: EINVAL)
        }
        guard bytes.count < capacity else {
            throw SystemCallError(call: "connect to \(path)", errno: ENAMETOOLONG)
        }
        family = AF_UNIX
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        storage = withUnsafeBytes(of: address) { Array($0) }
    }

    /// Runs `body` with the address as the system's calls take it.
    func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        storage.withUnsafeBytes { memory in
            // `sockaddr` asks for two bytes of alignment, an array's memory has sixteen.
            body(
                memory.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(memory.count)
            )
        }
    }
}
