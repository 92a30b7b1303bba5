import Loop

@testable import Redis

/// Three real masters that form a cluster, and what an operator does with them.
final class ClusterServers: Sendable {
    let servers: [RedisServer]
    let endpoints: [Endpoint]
    let admins: [TestClient]
    let ids: [String]

    /// Starts the servers, deals the slots out and waits until all agree.
    init(masters: Int = 3, replicas: Int = 0) async throws {
        var servers: [RedisServer] = []
        var endpoints: [Endpoint] = []
        var buses: [Int] = []
        while servers.count < masters + replicas {
            let ports = try [freePort(), freePort()]
            let server = try RedisServer([
                "--port", "\(ports[0])", "--cluster-port", "\(ports[1])",
                "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                "--cluster-config-file", "nodes.conf", "--bind", "127.0.0.1",
                "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0",
            ])
            servers.append(server)
            endpoints.append(.tcp(host: "127.0.0.1", port: ports[0]))
            buses.append(ports[1])
        }
        let admins = try servers.map { try TestClient($0.options) }
        var ids: [String] = []
        for (index, admin) in admins.enumerated() {
            ids.append(try await admin.send("CLUSTER", "MYID").text ?? "")
            try await admin.send("CLUSTER", "SET-CONFIG-EPOCH", "\(index + 1)")
            guard index < masters else { continue }
            let (first, end) = (index * 16_384 / masters, (index + 1) * 16_384 / masters)
            try await admin.send("CLUSTER", "ADDSLOTSRANGE", "\(first)", "\(end - 1)")
        }
        for (endpoint, bus) in zip(endpoints, buses).dropFirst() {
            guard case .tcp(let host, let port) = endpoint else { continue }
            try await admins[0].send("CLUSTER", "MEET", host, "\(port)", "\(bus)")
        }
        self.servers = servers
        self.endpoints = endpoints
        self.admins = admins
        self.ids = ids
        for admin in admins {
            try await Self.wait(admin, "cluster_known_nodes:\(masters + replicas)")
        }
        for replica in 0..<replicas {
            try await admins[masters + replica].send("CLUSTER", "REPLICATE", ids[replica])
        }
        for admin in admins { try await Self.wait(admin, "cluster_state:ok") }
        // Nodes relay no messages to those they still shake hands with.
        for admin in admins { try await Self.waitForLinks(admin, masters + replicas - 1) }
        for replica in 0..<replicas {
            try await Self.wait(admins[masters + replica], "master_link_status:up", "INFO")
        }
    }

    /// Moves an empty slot from one master to another, as `redis-cli --cluster reshard` does.
    func move(_ slot: KeySlot, from source: Int, to target: Int) async throws {
        let number = "\(slot.number)"
        try await admins[target].send("CLUSTER", "SETSLOT", number, "IMPORTING", ids[source])
        try await admins[source].send("CLUSTER", "SETSLOT", number, "MIGRATING", ids[target])
        for index in [target, source] {
            try await admins[index].send("CLUSTER", "SETSLOT", number, "NODE", ids[target])
        }
    }

    /// Waits until every node holds the cluster for whole.
    ///
    /// - Throws: `RedisError`, `DeadlinePassed`.
    func healed() async throws {
        for admin in admins { try await Self.wait(admin, "cluster_state:ok") }
    }

    /// Asks until a node has shaken hands with so many others, and is connected to them.
    private static func waitForLinks(_ admin: TestClient, _ count: Int) async throws {
        let end = ContinuousClock.now + deadline
        while true {
            let nodes = try await admin.send("CLUSTER", "NODES").text ?? ""
            let linked = nodes.split(separator: "\n").filter { line in
                !line.contains("myself") && !line.contains("handshake")
                    && line.split(separator: " ").contains("connected")
            }
            if linked.count == count { return }
            guard ContinuousClock.now < end else { throw DeadlinePassed(seen: nodes) }
        }
    }

    /// Asks until the answer holds `text`.
    private static func wait(
        _ admin: TestClient,
        _ text: String,
        _ command: String...
    ) async throws {
        let words = command.isEmpty ? ["CLUSTER", "INFO"] : command
        let end = ContinuousClock.now + deadline
        while true {
            let reply = try await admin.client.send(
                RedisCommand(words[0], arguments: Array(words.dropFirst()))
            )
            if reply.text?.contains(text) == true { return }
            guard ContinuousClock.now < end else {
                throw DeadlinePassed(seen: reply.text ?? "\(reply)")
            }
        }
    }
}

/// A cluster's client, its states and its messages on a loop of its own.
final class TestCluster: Sendable {
    let cluster: RedisCluster
    let states = Log<RedisState>()
    let messages = Log<String>()
    private let group: LoopGroup

    /// A client that is started and begins with the given nodes.
    ///
    /// - Throws: `SystemCallError`.
    init(_ first: Endpoint, seeds: [Endpoint] = [], holdsMessages: Bool = false) throws {
        group = try LoopGroup(count: 1)
        let states = states
        var options = RedisOptions(testing: RedisAddress(endpoint: first))
        options.holdsMessagesAfterLoss = holdsMessages
        cluster = RedisCluster(
            options: options,
            seeds: seeds,
            loop: group.loops[0],
            onChange: { states.put($0) }
        )
        cluster.start()
    }

    deinit {
        group.stop()
    }

    /// Waits until it is ready.
    ///
    /// - Throws: `DeadlinePassed`.
    func ready() async throws {
        try await states.next { $0 == .ready }
    }
}

/// A port that nobody listens on, below those that the system gives to other tests' servers.
///
/// - Throws: `DeadlinePassed` if there seems to be none.
func freePort() throws -> Int {
    for _ in 0..<100 {
        let port = Int.random(in: 10_000..<32_000)
        if (try? BoundAddress(host: "127.0.0.1", port: port)) != nil { return port }
    }
    throw DeadlinePassed(seen: "no free port")
}
