import Foundation
import SocketIO

/// Floods, and what became of them, for `test_slow_clients.py`.
extension ConformanceApp {
    /// Registers everything that these tests drive.
    func installFlow() {
        server.route(.get, "/statistics") { _ in
            let statistics = server.statistics
            return try HTTPResponse.json([
                "oversized": statistics.oversizedPayloads,
                "dropped": statistics.droppedPackets,
                "overflows": statistics.sendQueueOverflows,
            ])
        }
        let flow = server.of("/flow")
        flow.onConnection { socket in
            let id = socket.id
            socket.conn.onDrain { journal.note("drain \(id)") }
            socket.conn.onClose { reason, description in
                journal.note("close \(id) \(reason.rawValue): \(description ?? "")")
            }
            socket.on("flood") { (first: Int, count: Int, kind: String) in
                for index in first..<first + count {
                    if kind == "volatile" {
                        try flow.volatile.emit("text", index, Self.padding())
                    } else if index % 10 == 9 {
                        let part = Data("\(index)".utf8) + Data(count: 400)
                        try flow.emit("binary", index, part, part)
                    } else {
                        try flow.emit("text", index, Self.padding())
                    }
                }
            }
            socket.on("state") {
                ["buffered": socket.conn.bufferedAmount, "dropped": socket.conn.droppedPackets]
            }
        }
    }

    /// About a kilobyte that no window helps to compress much.
    private static func padding() -> String {
        (0..<80).map { _ in String(UInt64.random(in: 0...UInt64.max), radix: 36) }.joined()
    }
}
