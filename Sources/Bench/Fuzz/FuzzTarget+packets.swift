import Bytes
import MessagePack

// What the fuzz inputs for packets in MessagePack are made of: protocol.md §23.
extension FuzzTarget {
    static let messagePackPackets: [[UInt8]] = [
        #"{"type":0,"nsp":"/"}"#, #"{"type":0,"data":{"token":["x",1]},"nsp":"/admin"}"#,
        #"{"type":0,"data":null,"nsp":"/a?b=c,d"}"#, #"{"type":1,"nsp":"/","data":null}"#,
        #"{"type":2,"data":["message",{"a":[1,-1.5,null,true]},"é"],"nsp":"/","id":13}"#,
        #"{"type":2,"nsp":"/","data":["b",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]}"#,
        #"{"type":2,"nsp":"/","data":["a\"b\n",{"_placeholder":true,"num":7}]}"#,
        #"{"options":{"compress":true},"type":2,"data":[1e22,"x"],"nsp":"/"}"#,
        #"{"type":2,"data":["connect"],"nsp":"/"}"#, #"{"type":2,"data":[{}],"nsp":"/"}"#,
        #"{"type":3,"id":9007199254740992,"data":[],"nsp":"/admin"}"#,
        #"{"type":3,"id":0,"data":[{"_placeholder":true,"num":0}],"nsp":"/"}"#,
        #"{"type":4,"data":"no","nsp":"/"}"#, #"{"type":4,"data":{"message":"no"},"nsp":"/"}"#,
        #"{"type":5,"data":[],"nsp":"/"}"#,
    ].map { encoded($0) }

    static let messagePackPacketTokens: [[UInt8]] =
        [
            #""type""#, #""nsp""#, #""id""#, #""data""#, #""/""#, #""/,""#, "0", "1", "2", "3",
            "4", "9007199254740993", "-1", "1.5", "[]", "{}", #"["name"]"#,
            #"{"_placeholder":true}"#, #"{"_placeholder":true,"num":0}"#,
        ].map { encoded($0) } + [[0x83], [0x84], [0x85], [0xDE, 0, 3], [0xD4, 0, 0]]

    /// JSON as MessagePack, with two attachments to stand for.
    private static func encoded(_ json: String) -> [UInt8] {
        let text = SharedBytes(json)
        var message = ByteBuffer()
        message.appendMessagePack(
            json: text.bytes,
            attachments: [SharedBytes([1, 2]), SharedBytes()]
        )
        return message.takeShared().array
    }
}
