import Bytes
import SocketIOProtocol
import Testing

@Suite("protocol.md §14: written packets")
struct PacketWriterTests {
    private func text(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return buffer.bytes.text
    }

    private let admin = SharedBytes("/admin")

    @Test("§14: CONNECT carries exactly sid, or sid and pid")
    func connect() {
        let sid = SharedBytes("abc")
        #expect(text { PacketWriter.appendConnect(sid: sid, to: &$0) } == "0{\"sid\":\"abc\"}")
        let recoverable = text {
            PacketWriter.appendConnect(
                namespace: admin,
                sid: sid,
                pid: SharedBytes("p"),
                to: &$0
            )
        }
        #expect(recoverable == "0/admin,{\"sid\":\"abc\",\"pid\":\"p\"}")
    }

    @Test("§14: the comma after a namespace is always there")
    func disconnect() {
        #expect(text { PacketWriter.appendDisconnect(to: &$0) } == "1")
        #expect(text { PacketWriter.appendDisconnect(namespace: admin, to: &$0) } == "1/admin,")
        let root = SharedBytes("/")
        #expect(text { PacketWriter.appendDisconnect(namespace: root, to: &$0) } == "1")
    }

    @Test("§14: EVENT and BINARY_EVENT")
    func event() {
        let none = SharedBytes()
        let arguments = SharedBytes("1,\"x\"")
        #expect(
            text { PacketWriter.appendEvent(name: "a\"b", arguments: none.bytes, to: &$0) }
                == "2[\"a\\\"b\"]"
        )
        let acked = text {
            PacketWriter.appendEvent(
                name: "foo",
                arguments: arguments.bytes,
                namespace: admin,
                id: 13,
                to: &$0
            )
        }
        #expect(acked == "2/admin,13[\"foo\",1,\"x\"]")
        let binary = text {
            var placeholder = ByteBuffer()
            PacketWriter.appendPlaceholder(0, to: &placeholder)
            PacketWriter.appendEvent(
                name: "baz",
                arguments: placeholder.bytes,
                attachments: 1,
                to: &$0
            )
        }
        #expect(binary == "51-[\"baz\",{\"_placeholder\":true,\"num\":0}]")
    }

    @Test("§14: ACK and BINARY_ACK")
    func ack() {
        let none = SharedBytes()
        #expect(
            text { PacketWriter.appendAck(id: 13, arguments: none.bytes, to: &$0) } == "313[]"
        )
        let binary = text {
            PacketWriter.appendAck(
                id: 1,
                arguments: SharedBytes("{\"_placeholder\":true,\"num\":0}").bytes,
                attachments: 1,
                namespace: admin,
                to: &$0
            )
        }
        #expect(binary == "61-/admin,1[{\"_placeholder\":true,\"num\":0}]")
    }

    @Test("§14, §16: CONNECT_ERROR with and without data")
    func connectError() {
        let random = SharedBytes("/random")
        let plain = text {
            PacketWriter.appendConnectError(
                namespace: random,
                message: "Invalid namespace",
                to: &$0
            )
        }
        #expect(plain == "4/random,{\"message\":\"Invalid namespace\"}")
        let data = text {
            PacketWriter.appendConnectError(
                message: "no",
                data: SharedBytes("{\"code\":1}"),
                to: &$0
            )
        }
        #expect(data == "4{\"message\":\"no\",\"data\":{\"code\":1}}")
    }

    @Test("headCount is what appendHead writes", arguments: [nil, 0, 9, 10, UInt64.max])
    func headCount(id: UInt64?) {
        for type in PacketType.allCases {
            for namespace in [nil, SharedBytes("/"), admin] {
                for attachments in [0, 9, 10, 100] {
                    var buffer = ByteBuffer()
                    PacketWriter.appendHead(
                        type,
                        attachments: attachments,
                        namespace: namespace,
                        id: id,
                        to: &buffer
                    )
                    let written = buffer.count
                    let count = PacketWriter.headCount(
                        type,
                        attachments: attachments,
                        namespace: namespace,
                        id: id
                    )
                    #expect(written == count)
                }
            }
        }
    }
}
