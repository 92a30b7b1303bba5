import Foundation
import Synchronization
import Testing

@testable import EngineIO
@testable import Loop
@testable import SocketIO

@Suite("style.md B3: nothing outlives its connection", .timeLimit(.minutes(5)), .serialized)
struct LeakTests {
    /// What must be gone: weak references to loop-owned objects, looked at when the loops have
    /// ended; hence `@unchecked`.
    private final class Watch: @unchecked Sendable {
        weak var state: SocketState?
        weak var client: Client?
        weak var session: EngineSession?

        init(_ state: SocketState) {
            self.state = state
            client = state.client
            session = state.session
        }

        var isThere: Bool { state != nil || client != nil || session != nil }
    }

    @Test("10,000 connections come and go, and leave nothing behind")
    func connections() async throws {
        let watches = Mutex<[Watch]>([])
        let gone = Journal<Void>()
        weak var core: ServerCore?
        try await withServer(
            loops: 2,
            setUp: { server in
                server.onConnection { socket in
                    watches.withLock { $0.append(Watch(socket.shared.state.value)) }
                    socket.join("room", Room("own \(socket.id)"))
                    socket.on("echo") { (text: String) in "\(socket.id) \(text)" }
                    socket.onDisconnect { _ in
                        _ = socket.id
                        gone.add(())
                    }
                    // Never answered.
                    Task { try? await socket.emitWithAck("x", as: Int.self) }
                }
            },
            run: { server, port in
                core = server.main.core
                for batch in 1...50 {
                    for index in 0..<200 {
                        let descriptor = try TestClient.connect(port)
                        defer { close(descriptor) }
                        let request = """
                            GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r
                            Host: localhost\r
                            Connection: Upgrade\r
                            Upgrade: websocket\r
                            Sec-WebSocket-Version: 13\r
                            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                            \r

                            """
                        try TestClient.write(
                            descriptor,
                            Array(request.utf8) + TestClient.frame(1, Array("40".utf8))
                                + TestClient.frame(1, Array(#"421["echo","x"]"#.utf8))
                        )
                        var buffer = [UInt8](repeating: 0, count: 4096)
                        var seen = ""
                        // Goes when the ack is there, each in one of three ways.
                        while !seen.contains("431[") {
                            let count = recv(descriptor, &buffer, buffer.count, 0)
                            try #require(count > 0)
                            seen += String(decoding: buffer[..<count], as: UTF8.self)
                        }
                        switch index % 3 {
                        case 0:
                            try TestClient.write(descriptor, TestClient.frame(1, Array("1".utf8)))
                        case 1: try TestClient.write(descriptor, TestClient.frame(8, []))
                        default: break
                        }
                    }
                    _ = await gone.first(batch * 200)
                }
                for loop in server.main.core.group.loops {
                    let namespace = server.main
                    let isEmpty = await withCheckedContinuation { answer in
                        loop.post { answer.resume(returning: namespace.local(on: loop).isEmpty) }
                    }
                    #expect(isEmpty)
                }
                #expect(server.clientsCount == 0)
                #expect(server.main.localCount(of: "room") == 0)
            }
        )
        let all = watches.withLock { $0 }
        #expect(all.count == 10_000)
        // The tasks that waited for an ack may take a moment to end.
        let end = ContinuousClock.now + .seconds(120)
        while core != nil || all.contains(where: \.isThere), ContinuousClock.now < end {
            await Task.yield()
        }
        #expect(all.count { $0.state != nil } == 0)
        #expect(all.count { $0.client != nil } == 0)
        #expect(all.count { $0.session != nil } == 0)
        #expect(core == nil)
    }

    @Test("a server whose handlers hold it is freed after its shutdown, with all descriptors")
    func server() async throws {
        weak var former: Server?
        weak var loop: EventLoop?
        func live() async throws {
            try await withServer(
                loops: 2,
                setUp: { server in
                    server.onConnection { socket in try server.emit("hello", socket.id) }
                    server.use { _, _ in _ = server.port }
                },
                run: { server, port in
                    former = server
                    loop = server.main.core.group.loops[1]
                    let client = try TestClient(port: port)
                    try await client.join()
                }
            )
        }
        try await live()
        #expect(former == nil)
        // Its thread may take a moment to let go of it; the time limit is the deadline.
        while loop != nil { await Task.yield() }
    }

    @Test("after a shutdown no descriptor is left open")
    func descriptors() async {
        // In a process of its own: other tests open descriptors as well.
        await #expect(processExitsWith: .success) {
            try await Self.useServer()
            let before = try Self.openDescriptors
            for _ in 0..<3 { try await Self.useServer() }
            // The loops' threads may take a moment to end.
            let deadline = ContinuousClock.now + .seconds(60)
            while try Self.openDescriptors > before, ContinuousClock.now < deadline {
                await Task.yield()
            }
            let after = try Self.openDescriptors
            precondition(after <= before, "\(before) descriptors before, \(after) after")
        }
    }

    private static var openDescriptors: Int {
        get throws { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
    }

    /// A server that is shut down with clients of both transports connected.
    private static func useServer() async throws {
        try await withServer(
            loops: 2,
            options: { $0.shutdownTimeout = .milliseconds(100) },
            run: {
                _,
                port in
                for _ in 0..<20 {
                    try await TestClient(port: port).join()
                    try PollingClient(port: port).post("40")
                }
                // Says nothing, and does not go when it is asked to.
                let idle = try TestClient.connect(port)
                close(idle)
            }
        )
    }
}
