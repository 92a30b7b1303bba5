import Glibc

@testable import SocketIO

/// A WebSocket client that reads only when it is asked to, with a small buffer in the kernel.
final class SlowClient {
    private let descriptor: CInt
    private var bytes: [UInt8] = []
    private var offset = 0

    /// Opens a WebSocket and joins `/` and then `namespaces`.
    init(port: Int, namespaces: [String] = []) throws {
        descriptor = try TestClient.connect(port, receiveBuffer: 4096)
        let request = [
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1", "Host: localhost",
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
        ]
        try TestClient.write(descriptor, Array(request.joined(separator: "\r\n").utf8))
        var head: [UInt8] = []
        while head.suffix(4) != [13, 10, 13, 10] { head.append(try read(1)[0]) }
        _ = try text()
        for name in [""] + namespaces.map({ $0 + "," }) {
            try send("40\(name)")
            _ = try text()
        }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        try TestClient.write(descriptor, TestClient.frame(1, Array(text.utf8)))
    }

    /// The next message; the server's end of the connection, by whatever means, is `closed`.
    func next() throws -> TestClient.Message {
        do {
            let start = try read(2)
            var count = Int(start[1] & 0x7F)
            if count >= 126 {
                count = try read(count == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
            }
            let payload = try read(count)
            switch start[0] & 15 {
            case 1: return .text(String(decoding: payload, as: UTF8.self))
            case 2: return .binary(payload)
            default: return .closed
            }
        } catch is Ended {
            return .closed
        }
    }

    func text() throws -> String {
        guard case .text(let text) = try next() else {
            throw TestClient.Failure(description: "no text")
        }
        return text
    }

    private struct Ended: Error {}

    private func read(_ count: Int) throws -> [UInt8] {
        while bytes.count - offset < count {
            bytes.removeFirst(offset)
            offset = 0
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let got = recv(descriptor, &chunk, chunk.count, 0)
            guard got >= 0 || errno == ECONNRESET else {
                throw TestClient.Failure(description: "silence (\(errno))")
            }
            guard got > 0 else { throw Ended() }
            bytes += chunk[..<got]
        }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }
}
