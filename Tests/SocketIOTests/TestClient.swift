import Foundation
import Glibc
import Synchronization

/// A WebSocket client as small as can be: text and binary messages, pings answered.
///
/// A thread reads; whoever waits for a message gets an error after two silent minutes.
final class TestClient: Sendable {
    enum Message: Equatable, Sendable {
        case text(String)
        case binary([UInt8])
        /// The server has closed the connection.
        case closed
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct Inbox {
        var messages: [Message] = []
        var waiter: CheckedContinuation<Message, any Error>?
        var end: Failure?
    }

    private let descriptor: CInt
    private let inbox = Mutex(Inbox())

    /// Opens a WebSocket and reads the Engine.IO handshake.
    init(port: Int, query: String = "EIO=4&transport=websocket", headers: String = "") throws {
        descriptor = try Self.connect(port)
        try Self.write(
            descriptor,
            Array(
                """
                GET /socket.io/?\(query) HTTP/1.1\r
                Host: localhost\r
                Connection: Upgrade\r
                Upgrade: websocket\r
                Sec-WebSocket-Version: 13\r
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                \(headers)\r

                """.utf8
            )
        )
        let descriptor = descriptor
        Thread.detachNewThread { [self] in
            do {
                try readHead()
                try readMessages()
            } catch {
                finish(error as? Failure ?? Failure(description: "\(error)"))
            }
            _ = shutdown(descriptor, CInt(SHUT_RDWR))
        }
    }

    deinit { Glibc.close(descriptor) }

    static func connect(_ port: Int, receiveBuffer: CInt? = nil) throws -> CInt {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "socket: \(errno)") }
        if var receiveBuffer {
            let length = socklen_t(MemoryLayout<CInt>.size)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, length)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let reason = errno
            Glibc.close(descriptor)
            throw Failure(description: "connect: \(reason)")
        }
        // Without it a second small write waits for the acknowledgement of the first, 40 ms.
        var isOn: CInt = 1
        setsockopt(
            descriptor,
            CInt(IPPROTO_TCP),
            TCP_NODELAY,
            &isOn,
            socklen_t(MemoryLayout<CInt>.size)
        )
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &limit,
            socklen_t(MemoryLayout<timeval>.size)
        )
        return descriptor
    }

    static func write(_ descriptor: CInt, _ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "send: \(errno)") }
            sent += count
        }
    }

    // MARK: Writing

    /// A frame masked with a key of zeros.
    static func frame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var bytes = [0x80 | opcode]
        switch payload.count {
        case ...125: bytes.append(0x80 | UInt8(payload.count))
        case ...0xFFFF:
            bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(0x80 | 127)
            for shift in 0..<8 {
                bytes.append(UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * shift)))
            }
        }
        return bytes + [0, 0, 0, 0] + payload
    }

    /// Sends texts in one write; each includes the Engine.IO digit, as in `42["hello"]`.
    func send(_ texts: String...) throws {
        try Self.write(descriptor, texts.flatMap { Self.frame(1, Array($0.utf8)) })
    }

    func send(frames: [UInt8]) throws {
        try Self.write(descriptor, frames)
    }

    func send(binary: [UInt8]) throws {
        try Self.write(descriptor, Self.frame(2, binary))
    }

    /// Ends the connection without a close frame.
    func drop() { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }

    // MARK: Reading

    /// The next message that is no ping.
    func next() async throws -> Message {
        try await withCheckedThrowingContinuation { waiter in
            let result: Result<Message, any Error>? = inbox.withLock { inbox in
                if !inbox.messages.isEmpty { return .success(inbox.messages.removeFirst()) }
                if let end = inbox.end { return .failure(end) }
                inbox.waiter = waiter
                return nil
            }
            if let result { waiter.resume(with: result) }
        }
    }

    func text() async throws -> String {
        switch try await next() {
        case .text(let text): return text
        case .binary, .closed: throw Failure(description: "no text")
        }
    }

    /// Joins a namespace.
    ///
    /// - Returns: The socket's id.
    @discardableResult
    func join(_ namespace: String = "/", auth: String = "") async throws -> String {
        let prefix = namespace == "/" ? "" : namespace + ","
        try send("40\(prefix)\(auth)")
        let answer = try await text()
        let start = "40\(prefix){\"sid\":\""
        guard answer.hasPrefix(start), answer.hasSuffix("\"}") else {
            throw Failure(description: "no CONNECT: \(answer)")
        }
        return String(answer.dropFirst(start.count).dropLast(2))
    }

    /// All messages up to `text`, which is left out.
    func messages(before text: String) async throws -> [Message] {
        var messages: [Message] = []
        while true {
            let message = try await next()
            if message == .text(text) { return messages }
            messages.append(message)
            if message == .closed { return messages }
        }
    }

    private func push(_ message: Message) {
        let waiter = inbox.withLock { inbox in
            guard let waiter = inbox.waiter else {
                inbox.messages.append(message)
                return CheckedContinuation<Message, any Error>?.none
            }
            inbox.waiter = nil
            return waiter
        }
        waiter?.resume(returning: message)
    }

    private func finish(_ failure: Failure) {
        let waiter = inbox.withLock { inbox in
            inbox.end = failure
            defer { inbox.waiter = nil }
            return inbox.waiter
        }
        waiter?.resume(throwing: failure)
    }

    private func readHead() throws {
        var head: [UInt8] = []
        while !head.ends(with: "\r\n\r\n".utf8) {
            guard let byte = try read(1)?.first else {
                throw Failure(description: "closed: \(String(decoding: head, as: UTF8.self))")
            }
            head.append(byte)
        }
        let text = String(decoding: head, as: UTF8.self)
        guard text.hasPrefix("HTTP/1.1 101") else {
            var body: [UInt8] = []
            while let byte = try read(1) { body += byte }
            throw Failure(description: text + String(decoding: body, as: UTF8.self))
        }
    }

    private func readMessages() throws {
        while let start = try read(2) {
            var count = Int(start[1] & 0x7F)
            if count >= 126 {
                guard let long = try read(count == 126 ? 2 : 8) else { break }
                count = long.reduce(0) { $0 << 8 | Int($1) }
            }
            guard let payload = try read(count) else { break }
            switch start[0] & 0xF {
            case 1:
                let text = String(decoding: payload, as: UTF8.self)
                if text == "2" {
                    try send("3")
                } else if !text.hasPrefix("0{") {
                    push(.text(text))
                }
            case 2:
                push(.binary(payload))
            case 8:
                push(.closed)
                return
            default:
                break
            }
        }
        push(.closed)
    }

    /// Exactly `count` bytes; nil at the end.
    private func read(_ count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let result = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress! + got, count - got, 0)
            }
            if result == 0 || result < 0 && errno == ECONNRESET { return nil }
            guard result > 0 else { throw Failure(description: "silence (\(errno))") }
            got += result
        }
        return bytes
    }
}

extension [UInt8] {
    fileprivate func ends(with bytes: String.UTF8View) -> Bool {
        count >= bytes.count && suffix(bytes.count).elementsEqual(bytes)
    }
}
