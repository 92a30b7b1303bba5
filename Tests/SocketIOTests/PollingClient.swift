import Glibc

/// A long-polling client: one blocking request at a time.
struct PollingClient {
    private let port: Int
    let sid: String

    /// Opens a session.
    init(port: Int) throws {
        self.port = port
        let open = try Self.request("GET", "", port)
        let start = open.range(of: #""sid":""#)
        sid = String(open[start.upperBound...].prefix { $0 != "\"" })
    }

    func post(_ payload: String) throws {
        let answer = try Self.request("POST", "&sid=\(sid)", port, payload)
        guard answer == "ok" else { throw TestClient.Failure(description: answer) }
    }

    func poll() throws -> String { try Self.request("GET", "&sid=\(sid)", port) }

    private static func request(
        _ method: String,
        _ query: String,
        _ port: Int,
        _ body: String = ""
    ) throws -> String {
        let descriptor = try TestClient.connect(port)
        defer { close(descriptor) }
        let head = [
            "\(method) /socket.io/?EIO=4&transport=polling\(query) HTTP/1.1", "Host: localhost",
            "Connection: close", "Content-Length: \(body.utf8.count)", "", "",
        ]
        try TestClient.write(descriptor, Array((head.joined(separator: "\r\n") + body).utf8))
        var response: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw TestClient.Failure(description: "silence") }
            if count == 0 { break }
            response += buffer[..<count]
        }
        let text = String(decoding: response, as: UTF8.self)
        return String(text[text.range(of: "\r\n\r\n").upperBound...])
    }
}

extension String {
    /// Where `part` is; at the end if nowhere.
    fileprivate func range(of part: String) -> Range<Index> {
        firstRange(of: part) ?? endIndex..<endIndex
    }
}
