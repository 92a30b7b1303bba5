import Bytes
import SocketIOProtocol
import Testing

@Suite("protocol.md §23: what a server writes in MessagePack, byte by byte")
struct MessagePackPacketWriterTests {
    private let format = PacketFormat.messagePack
    private let admin = SharedBytes("/admin")

    private func written(_ write: (inout ByteBuffer) -> Void) -> SharedBytes {
        var buffer = ByteBuffer()
        write(&buffer)
        return buffer.takeShared()
    }

    @Test("CONNECT, with and without a private id, and of revision 4")
    func connect() {
        let sid = SharedBytes("abc")
        #expect(
            written { format.appendConnect(namespace: nil, sid: sid, to: &$0) }
                == bytes("83 type 00 nsp a12f data 81 sid a3616263")
        )
        #expect(
            written {
                format.appendConnect(namespace: admin, sid: sid, pid: SharedBytes("p"), to: &$0)
            } == bytes("83 type 00 nsp /admin data 82 sid a3616263 pid a170")
        )
        #expect(
            written { format.appendConnect(namespace: nil, to: &$0) }
                == bytes("82 type 00 nsp a12f")
        )
    }

    @Test("DISCONNECT has no data")
    func disconnect() {
        #expect(
            written { format.appendDisconnect(namespace: admin, to: &$0) }
                == bytes("82 type 01 nsp /admin")
        )
    }

    @Test("CONNECT_ERROR, with and without data, and of revision 4")
    func connectError() {
        #expect(
            written {
                format.appendConnectError(namespace: nil, message: "no", data: nil, to: &$0)
            } == bytes("83 type 04 nsp a12f data 81 message a26e6f")
        )
        #expect(
            written {
                format.appendConnectError(
                    namespace: admin,
                    message: "no",
                    data: SharedBytes(#"{"code":[1,null]}"#),
                    to: &$0
                )
            } == bytes("83 type 04 nsp /admin data 82 message a26e6f data 81 code 92 01 c0")
        )
        #expect(
            written { format.appendError(namespace: nil, data: SharedBytes("\"no\""), to: &$0) }
                == bytes("83 type 04 nsp a12f data a26e6f")
        )
    }

    @Test("EVENT, with arguments, an id, and binary values inline")
    func event() {
        func event(
            _ arguments: String,
            _ attachments: [SharedBytes] = [],
            namespace: SharedBytes? = nil,
            id: UInt64? = nil
        ) -> SharedBytes {
            let json = SharedBytes(arguments)
            return written {
                format.appendEvent(
                    name: "name",
                    arguments: json.bytes,
                    attachments: attachments,
                    namespace: namespace,
                    id: id,
                    to: &$0
                )
            }
        }
        #expect(event("") == bytes("83 type 02 nsp a12f data 91 name"))
        #expect(
            event("1,-1.5,\"x\"", namespace: admin, id: 300)
                == bytes("84 type 02 nsp /admin data 94 name 01 cbbff8000000000000 a178 id cd012c")
        )
        #expect(
            event(#"{"k":[{"_placeholder":true,"num":0}]}"#, [SharedBytes([1, 2])])
                == bytes("83 type 02 nsp a12f data 92 name 81 a16b 91 c4020102")
        )
        #expect(
            event(#"{"_placeholder":true,"num":1}"#, [SharedBytes([1])])
                == bytes("83 type 02 nsp a12f data 92 name 82 _placeholder c3 num 01")
        )
    }

    @Test("ACK, without arguments and with binary values inline")
    func ack() {
        func ack(_ arguments: String, _ attachments: [SharedBytes] = []) -> SharedBytes {
            let json = SharedBytes(arguments)
            return written {
                format.appendAck(
                    id: 0,
                    arguments: json.bytes,
                    attachments: attachments,
                    namespace: nil,
                    to: &$0
                )
            }
        }
        #expect(ack("") == bytes("84 type 03 nsp a12f data 90 id 00"))
        #expect(
            ack(#"{"_placeholder":true,"num":0},null"#, [SharedBytes([7])])
                == bytes("84 type 03 nsp a12f data 92 c40107 c0 id 00")
        )
    }
}
