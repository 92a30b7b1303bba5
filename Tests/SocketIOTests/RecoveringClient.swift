import Foundation
import Testing

@testable import SocketIO

/// A client with what it has after its CONNECT to a server whose clients recover.
struct RecoveringClient {
    let client: TestClient
    let sid: String
    let pid: String
    /// Events that came before CONNECT: what it had missed.
    let missed: [TestClient.Message]

    /// Connects, with the `auth` of one that comes back if there is one.
    static func connect(
        _ port: Int,
        _ namespace: String = "",
        auth: String = ""
    ) async throws -> RecoveringClient {
        let client = try TestClient(port: port)
        try client.send("40\(namespace)\(auth)")
        var missed: [TestClient.Message] = []
        while true {
            let message = try await client.next()
            guard case .text(let text) = message, text.hasPrefix("40") else {
                guard message != .closed else { throw TestClient.Failure(description: "closed") }
                missed.append(message)
                continue
            }
            let json = Data(text.drop { $0 != "{" }.utf8)
            let data = try JSONDecoder().decode([String: String].self, from: json)
            return RecoveringClient(
                client: client,
                sid: try #require(data["sid"]),
                pid: try #require(data["pid"]),
                missed: missed
            )
        }
    }

    /// What a client says that comes back.
    static func auth(_ pid: String, _ offset: String? = nil) -> String {
        offset.map { #"{"pid":"\#(pid)","offset":"\#($0)"}"# } ?? #"{"pid":"\#(pid)"}"#
    }

    /// The last argument of an event, which is its offset.
    static func offset(_ text: String) -> String {
        String(text.split(separator: "\"").dropLast().last ?? "")
    }
}

/// Runs `body` with a server whose clients recover.
func withRecovery(
    loops: Int = 1,
    _ change: (inout RecoveryOptions) -> Void = { _ in },
    setUp: (Server) throws -> Void = { _ in },
    run body: (Server, Int) async throws -> Void
) async throws {
    var recovery = RecoveryOptions()
    change(&recovery)
    try await withServer(
        loops: loops,
        options: { $0.connectionStateRecovery = recovery },
        setUp: setUp,
        run: body
    )
}
