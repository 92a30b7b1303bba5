import Bytes
import SocketIOProtocol
import Testing

@Suite("protocol.md §15 B, §16, §19: the namespaces of a connection")
struct NamespaceConnectionsTests {
    private func take(
        _ namespaces: inout NamespaceConnections<String>,
        _ wire: String
    ) throws -> String {
        let text = SharedBytes(wire)
        let head = try PacketParser.parse(text.bytes)
        return switch namespaces.take(head, in: text.bytes) {
        case .connect: "connect"
        case .deliver(let socket): "deliver \(socket)"
        case .disconnect(let socket): "disconnect \(socket)"
        case .ignore: "ignore"
        case .violation: "violation"
        }
    }

    private func isLeave(
        _ namespaces: borrowing NamespaceConnections<String>,
        _ wire: String
    ) throws -> Bool {
        let text = SharedBytes(wire)
        let head = try PacketParser.parse(text.bytes)
        return namespaces.isLeave(head, in: text.bytes)
    }

    @Test("§16: join, talk, leave, join again", arguments: [nil, "/admin"])
    func life(name: String?) throws {
        let prefix = name.map { $0 + "," } ?? ""
        let namespace = name.map { SharedBytes($0) }
        var namespaces = NamespaceConnections<String>()
        #expect(try !isLeave(namespaces, "1" + prefix))
        #expect(try take(&namespaces, "0" + prefix) == "connect")
        #expect(try !isLeave(namespaces, "1" + prefix))
        let isConnecting = namespaces.isConnecting(namespace)
        #expect(isConnecting)
        let accepted = namespaces.accept(namespace, "s")
        let acceptedTwice = namespaces.accept(namespace, "s")
        #expect(accepted && !acceptedTwice)
        #expect(try take(&namespaces, "2\(prefix)[\"a\"]") == "deliver s")
        #expect(try take(&namespaces, "3\(prefix)1[]") == "deliver s")
        #expect(try take(&namespaces, "51-\(prefix)[\"a\"]") == "deliver s")
        #expect(try isLeave(namespaces, "1" + prefix))
        #expect(try !isLeave(namespaces, "2\(prefix)[\"a\"]"))
        #expect(try take(&namespaces, "1" + prefix) == "disconnect s")
        #expect(try !isLeave(namespaces, "1" + prefix))
        for late in ["2\(prefix)[\"a\"]", "3\(prefix)1[]", "1\(prefix)", "61-\(prefix)1[]"] {
            #expect(try take(&namespaces, late) == "ignore")
        }
        #expect(try take(&namespaces, "0" + prefix) == "connect")
        #expect(try take(&namespaces, "2\(prefix)[\"a\"]") == "violation")
        let count = namespaces.count
        let hasEverConnected = namespaces.hasEverConnected
        #expect(count == 1 && hasEverConnected)
    }

    @Test("§15 B: violations", arguments: ["", "/admin,"])
    func violations(prefix: String) throws {
        var namespaces = NamespaceConnections<String>()
        for early in ["1\(prefix)", "2\(prefix)[\"a\"]", "3\(prefix)1[]", "4\(prefix)\"no\""] {
            #expect(try take(&namespaces, early) == "violation")
        }
        #expect(try take(&namespaces, "0" + prefix) == "connect")
        #expect(try take(&namespaces, "0" + prefix) == "violation")
        let accepted = namespaces.accept(prefix.isEmpty ? nil : SharedBytes("/admin"), "s")
        #expect(accepted)
        #expect(try take(&namespaces, "0" + prefix) == "violation")
        #expect(try take(&namespaces, "4\(prefix)\"no\"") == "violation")
        #expect(try take(&namespaces, "2/other,[\"a\"]") == "violation")
    }

    @Test("§19: late packets after the server disconnects are ignored")
    func serverLeaves() throws {
        var namespaces = NamespaceConnections<String>()
        let admin = SharedBytes("/admin")
        _ = try take(&namespaces, "0/admin,")
        let early = namespaces.leave(admin)
        #expect(early == nil)
        #expect(try take(&namespaces, "2/admin,[\"a\"]") == "ignore")
        _ = try take(&namespaces, "0/admin,")
        _ = namespaces.accept(admin, "s")
        let left = namespaces.leave(admin)
        let leftTwice = namespaces.leave(admin)
        #expect(left == "s" && leftTwice == nil)
        #expect(try take(&namespaces, "1/admin,") == "ignore")
        #expect(try take(&namespaces, "4/admin,\"no\"") == "violation")
    }

    @Test("§16: a refused client may try again")
    func refused() throws {
        var namespaces = NamespaceConnections<String>()
        for name in [nil, SharedBytes("/admin")] {
            let wire = name.map { "0\($0.text)" } ?? "0"
            #expect(try take(&namespaces, wire) == "connect")
            let refused = namespaces.refuse(name)
            let accepted = namespaces.accept(name, "s")
            #expect(refused && !accepted)
            #expect(try take(&namespaces, wire) == "connect")
        }
        let hasEverConnected = namespaces.hasEverConnected
        #expect(!hasEverConnected)
    }

    @Test("only the last 16 left are remembered, and namespaces are limited")
    func bounds() throws {
        var namespaces = NamespaceConnections<String>(maxNamespaces: 2)
        for number in 0..<17 {
            #expect(try take(&namespaces, "0/\(number)") == "connect")
            _ = namespaces.leave(SharedBytes("/\(number)"))
        }
        #expect(try take(&namespaces, "1/0") == "violation")
        #expect(try take(&namespaces, "1/1") == "ignore")
        #expect(try take(&namespaces, "0") == "connect")
        #expect(try take(&namespaces, "0/a") == "connect")
        #expect(try take(&namespaces, "0/b") == "violation")
        _ = namespaces.accept(nil, "root")
        _ = namespaces.accept(SharedBytes("/a"), "a")
        let sockets = namespaces.takeAll()
        let count = namespaces.count
        #expect(sockets == ["root", "a"] && count == 0)
    }
}
