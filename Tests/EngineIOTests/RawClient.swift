import Bytes
import Glibc

/// A blocking TCP client on 127.0.0.1 that sends raw bytes and reads with a deadline.
final class RawClient {
    /// What a server did that no test expects here.
    enum Failure: Error {
        case cannotConnect(CInt)
        /// Nothing came in time.
        case deadline(read: String)
        /// The connection ended in the middle.
        case ended(read: String)
        case malformed(String)
    }

    /// One response as it came.
    struct Response {
        let status: Int
        /// The names in small letters.
        let fields: [(name: String, value: String)]
        let bytes: [UInt8]

        var body: String { String(decoding: bytes, as: UTF8.self) }

        subscript(_ name: String) -> String? {
            fields.first { $0.name == name }?.value
        }
    }

    /// One frame of a server.
    struct Frame: Equatable {
        let opcode: UInt8
        let payload: [UInt8]
        /// Whether RSV1 is set (RFC 7692 §6).
        var isCompressed = false

        var text: String { String(decoding: payload, as: UTF8.self) }
        /// The code of a close frame; nil if it has none, or is another frame.
        var closeCode: UInt16? {
            guard opcode == 8, payload.count >= 2 else { return nil }
            return UInt16(payload[0]) << 8 | UInt16(payload[1])
        }

        static func text(_ text: String) -> Frame { Frame(opcode: 1, payload: Array(text.utf8)) }
        static func close(_ code: UInt16? = nil) -> Frame {
            Frame(opcode: 8, payload: code.map { [UInt8($0 >> 8), UInt8($0 & 255)] } ?? [])
        }
    }

    private let number: CInt
    private var isOpen = true
    private var bytes: [UInt8] = []

    /// Connects; every read gives up after `deadline` seconds.
    init(port: Int, deadline: Int = 120) throws {
        number = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var time = timeval(tv_sec: deadline, tv_usec: 0)
        let length = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &time, length)
        setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &time, length)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(UInt32(0x7F00_0001).bigEndian)
        let result = withUnsafeBytes(of: &address) {
            connect(
                number,
                $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t($0.count)
            )
        }
        guard result == 0 else { throw Failure.cannotConnect(errno) }
    }

    deinit { close() }

    /// Ends the connection; a reset if bytes were left unread.
    func close() {
        if isOpen { _ = Glibc.close(number) }
        isOpen = false
    }

    /// Sends all of it, as far as the server lets.
    func send(_ text: String) { send(bytes: Array(text.utf8)) }

    func send(bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(number, $0.baseAddress! + sent, $0.count - sent, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    // MARK: HTTP

    /// Sends a request with its `Host` and the length of its body.
    func request(
        _ method: String,
        _ target: String,
        fields: [String] = [],
        body: String? = nil
    ) {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: a"] + fields
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        send(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
    }

    /// Sends a request and reads its response.
    func exchange(
        _ method: String,
        _ target: String,
        fields: [String] = [],
        body: String? = nil
    ) throws -> Response {
        request(method, target, fields: fields, body: body)
        return try response(isHead: method == "HEAD")
    }

    /// Reads one response, its body by `Content-Length`.
    func response(isHead: Bool = false) throws -> Response {
        var end = 0
        while true {
            if let found = headEnd() {
                end = found
                break
            }
            try more()
        }
        let lines = String(decoding: take(end), as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1.1 "),
            let status = Int(first.dropFirst(9).prefix(3))
        else { throw Failure.malformed("\(lines)") }
        let fields = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst().drop { $0 == " " }
            return (name: line[..<colon].lowercased(), value: String(value))
        }
        let count = fields.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        guard !isHead, status != 304 else {
            return Response(status: status, fields: fields, bytes: [])
        }
        while bytes.count < count { try more() }
        return Response(status: status, fields: fields, bytes: take(count))
    }

    private func headEnd() -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...bytes.count - 4 where bytes[index..<index + 4] == [13, 10, 13, 10] {
            return index + 4
        }
        return nil
    }

    // MARK: WebSocket

    static let upgradeFields = [
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]

    /// Asks for a WebSocket and reads the 101.
    @discardableResult
    func upgrade(_ target: String, fields: [String] = []) throws -> Response {
        let response = try exchange("GET", target, fields: Self.upgradeFields + fields)
        guard response.status == 101 else { throw Failure.malformed("\(response)") }
        return response
    }

    /// A client's frame, masked.
    static func frame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        let mask: [UInt8] = [1, 2, 3, 4]
        var frame = [(isFinal ? 0x80 : 0) | opcode]
        if payload.count < 126 {
            frame.append(0x80 | UInt8(payload.count))
        } else if payload.count < 65536 {
            frame += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        } else {
            frame.append(0xFF)
            for shift in stride(from: 56, through: 0, by: -8) {
                frame.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        frame += mask
        for (index, byte) in payload.enumerated() { frame.append(byte ^ mask[index & 3]) }
        return frame
    }

    func sendFrame(_ text: String) { send(bytes: Self.frame(1, Array(text.utf8))) }

    func readFrame() throws -> Frame {
        while bytes.count < 2 { try more() }
        var header = 2
        var count = Int(bytes[1])
        if count >= 126 {
            let width = count == 126 ? 2 : 8
            while bytes.count < 2 + width { try more() }
            header = 2 + width
            count = bytes[2..<header].reduce(0) { $0 << 8 | Int($1) }
        }
        while bytes.count < header + count { try more() }
        let first = bytes[0]
        return Frame(
            opcode: first & 15,
            payload: Array(take(header + count).dropFirst(header)),
            isCompressed: first & 0x40 != 0
        )
    }

    // MARK: Reading

    /// Whether the server ends the connection, by whatever means, without another byte.
    func readsEnd() -> Bool {
        guard bytes.isEmpty else { return false }
        do {
            try more()
            return false
        } catch Failure.ended {
            return true
        } catch {
            return false
        }
    }

    /// Whether bytes are here or come within `milliseconds`: to show that nothing does.
    func hasBytes(within milliseconds: CInt) -> Bool {
        var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        return !bytes.isEmpty || poll(&entry, 1, milliseconds) > 0
    }

    /// Reads some bytes, for what reads them later.
    func buffer(_ count: Int) throws {
        let target = bytes.count + count
        while bytes.count < target { try more() }
    }

    private func take(_ count: Int) -> [UInt8] {
        defer { bytes.removeFirst(count) }
        return Array(bytes[..<count])
    }

    private func more() throws {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = recv(number, &chunk, chunk.count, 0)
        if count > 0 {
            bytes += chunk[..<count]
            return
        }
        let text = String(decoding: bytes.prefix(500), as: UTF8.self)
        if count < 0, errno == EAGAIN { throw Failure.deadline(read: text) }
        throw Failure.ended(read: text)
    }
}
