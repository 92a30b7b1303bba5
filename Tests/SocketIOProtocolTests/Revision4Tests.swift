import Bytes
import Testing

@testable import SocketIOProtocol

@Suite("protocol.md §13: packets of Socket.IO v2")
struct Revision4Tests {
    /// A CONNECT's text, its namespace and its query.
    static let examples: [(String, String?, String?)] = [
        ("0", nil, nil), ("0/", nil, nil), ("0/,", nil, nil), ("0/admin", "/admin", nil),
        ("0/admin,", "/admin", nil), ("0/admin?token=abc", "/admin", "token=abc"),
        ("0/admin?token=abc,", "/admin", "token=abc"), ("0/admin?", "/admin", ""),
        ("0/admin?a=b?c#d,", "/admin", "a=b?c"), ("0/admin#d?a=b,", "/admin", nil),
        ("0/?a=b", nil, "a=b"), ("0/?a=b,", nil, "a=b"), ("0/#x", nil, nil),
        ("0/a/b?c=d,", "/a/b", "c=d"), ("0/ä?ü=€,", "/ä", "ü=€"), ("0?a=b", nil, nil),
    ]

    @Test("a namespace's name is cut where its query begins", arguments: examples)
    func connects(wire: String, namespace: String?, query: String?) throws {
        let text = SharedBytes(wire)
        guard wire != "0?a=b" else {
            // Without a slash there is no name, and this is no JSON.
            #expect(throws: PacketError.invalidPayload) {
                try PacketParser.parse(text.bytes, revision: .four)
            }
            return
        }
        let head = try PacketParser.parse(text.bytes, revision: .four)
        #expect(head.type == .connect)
        #expect(head.namespace.map { text[$0].text } == namespace)
        #expect(head.namespaceQuery(in: text.bytes).map { text[$0].text } == query)
    }

    @Test("so are the names in other packets")
    func events() throws {
        let text = SharedBytes(#"51-/admin?token=abc,7["x",{"_placeholder":true,"num":0}]"#)
        let head = try PacketParser.parse(text.bytes, revision: .four)
        #expect(head.namespace.map { text[$0].text } == "/admin")
        #expect(head.id == 7)
        #expect(head.attachments == 1)
        #expect(head.arguments.map { text[$0].text } == #"{"_placeholder":true,"num":0}"#)
        let five = try PacketParser.parse(text.bytes)
        #expect(five.namespace.map { text[$0].text } == "/admin?token=abc")
    }

    @Test("a name may be as long as credentials in it need, for these clients alone")
    func lengths() throws {
        let limits = PacketLimits()
        let long = SharedBytes("0/admin?token=" + String(repeating: "a", count: 5000))
        let tooLong = SharedBytes("0/" + String(repeating: "a", count: 8192))
        var four = BinaryAssembler(limits: limits, revision: .four)
        guard case .deliver(let head) = try four.take(text: long.bytes) else {
            Issue.record("attachments?")
            return
        }
        #expect(head.namespace.map { long[$0].text } == "/admin")
        #expect(throws: PacketError.namespaceTooLong(limitInBytes: 8192)) {
            try four.take(text: tooLong.bytes)
        }
        var five = BinaryAssembler(limits: limits)
        #expect(throws: PacketError.namespaceTooLong(limitInBytes: 1024)) {
            try five.take(text: long.bytes)
        }
    }

    @Test("the answers to CONNECT")
    func answers() {
        func text(_ write: (inout ByteBuffer) -> Void) -> String {
            var buffer = ByteBuffer()
            write(&buffer)
            return buffer.takeShared().text
        }
        let admin = SharedBytes("/admin")
        let message = SharedBytes(#""message""#)
        #expect(text { PacketWriter.appendConnect(to: &$0) } == "0")
        #expect(text { PacketWriter.appendConnect(namespace: admin, to: &$0) } == "0/admin,")
        #expect(text { PacketWriter.appendError(data: message, to: &$0) } == #"4"message""#)
        #expect(
            text { PacketWriter.appendError(namespace: admin, data: message, to: &$0) }
                == #"4/admin,"message""#
        )
    }
}
