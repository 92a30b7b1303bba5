import Bytes
import HTTP1
import Loop
import SocketIOProtocol
import WebSocket

extension MicroBenchmark {
    /// Everything that `Bench micro` measures.
    static let all = [
        httpHead, webSocketFrame, utf8ASCII, utf8Mixed, json, packet, assembledPacket,
        messagePackPacket, roomWalk, roomWalkExcept, broadcastFrame, messagePackFrame,
        messagePackWriting, messagePackReading, timer,
        tokenBucket, addressLimit, addressLimitByHint,
    ]

    /// 152 bytes, as the article's `message` event arrives.
    private static let eventText = SharedBytes(
        "42[\"message\",{\"room\":\"room-17\",\"userId\":\"user-4711\",\"message\":\""
            + String(repeating: "hello ", count: 14) + "!\"}]"
    )
    private static let packetText = eventText[1..<eventText.count]
    private static let jsonText = eventText[2..<eventText.count]

    private static let head = SharedBytes(
        "GET /socket.io/?EIO=4&transport=polling&t=PZ1a2b3&sid=lv_VI97HAXpY6yYWAAAC HTTP/1.1\r\n"
            + "Host: localhost:3000\r\nConnection: keep-alive\r\nAccept: */*\r\n"
            + "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0\r\n"
            + "Referer: http://localhost:3000/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
            + "Accept-Language: en-GB,en;q=0.9\r\nSec-Fetch-Mode: cors\r\n\r\n"
    )

    private static let httpHead = MicroBenchmark("HTTP head of \(head.count) bytes, 8 fields") {
        var parser = RequestParser()
        var sum = 0
        for _ in 0..<$0 {
            var offset = 0
            do throws(HTTPParseError) {
                if case .head(let head) = try parser.next(in: head.bytes, at: &offset) {
                    sum &+= head.fields.count
                }
                _ = try parser.next(in: head.bytes, at: &offset)
            } catch {
                return .min
            }
            sum &+= offset
        }
        return sum
    }

    /// The key is 0, so that unmasking leaves the frame as it was for the next round.
    private static let webSocketFrame = MicroBenchmark(
        "WebSocket text frame of \(eventText.count) bytes, unmasked and parsed"
    ) {
        var buffer = ByteBuffer()
        for byte: UInt8 in [0x81, 0xFE, 0, UInt8(eventText.count), 0, 0, 0, 0] {
            buffer.append(byte)
        }
        buffer.append(eventText)
        var bytes = buffer.mutableBytes
        var reader = MessageReader()
        var sum = 0
        for _ in 0..<$0 {
            var offset = 0
            do throws(ProtocolViolation) {
                guard case .message(_, let range) = try reader.next(in: &bytes, at: &offset),
                    case .needsMore = try reader.next(in: &bytes, at: &offset)
                else { return .min }
                sum &+= range.count
            } catch {
                return .min
            }
        }
        return sum
    }

    private static let utf8ASCII = MicroBenchmark("UTF-8 validation of 152 bytes, ASCII") { count in
        (0..<count).reduce(0) { sum, _ in sum &+ (eventText.bytes.isValidUTF8 ? 1 : .min) }
    }

    private static let mixedText = SharedBytes(String(repeating: "späte Grüße 👋 ", count: 7))

    private static let utf8Mixed = MicroBenchmark(
        "UTF-8 validation of \(mixedText.count) bytes, a quarter of the letters not ASCII"
    ) { count in
        (0..<count).reduce(0) { sum, _ in sum &+ (mixedText.bytes.isValidUTF8 ? 1 : .min) }
    }

    private static let json = MicroBenchmark("JSON validation of \(jsonText.count) bytes") {
        for _ in 0..<$0 {
            do throws(JSONError) {
                try JSONScanner.validate(jsonText.bytes)
            } catch {
                return .min
            }
        }
        return $0
    }

    private static let packet = MicroBenchmark("Socket.IO EVENT of \(packetText.count) bytes") {
        var sum = 0
        for _ in 0..<$0 {
            do throws(PacketError) {
                sum &+= try PacketParser.parse(packetText.bytes).arguments?.count ?? .min
            } catch {
                return .min
            }
        }
        return sum
    }

    private static let assembledPacket = MicroBenchmark("the same through the assembler") {
        var assembler = BinaryAssembler()
        var sum = 0
        for _ in 0..<$0 {
            do throws(PacketError) {
                guard case .deliver(let head) = try assembler.take(text: packetText.bytes) else {
                    return .min
                }
                sum &+= head.arguments?.count ?? .min
            } catch {
                return .min
            }
        }
        return sum
    }

    /// The same EVENT as `socket.io-msgpack-parser` writes it.
    private static let messagePackBytes: SharedBytes = {
        var message = ByteBuffer()
        let arguments = jsonText[11..<(jsonText.count - 1)]
        MessagePackPacketWriter.appendEvent(
            name: "message",
            arguments: arguments.bytes,
            to: &message
        )
        return message.takeShared()
    }()

    private static let messagePackPacket = MicroBenchmark(
        "the same in MessagePack, \(messagePackBytes.count) bytes, made JSON"
    ) {
        var assembler = BinaryAssembler(format: .messagePack)
        var sum = 0
        for _ in 0..<$0 {
            do throws(PacketError) {
                guard case .deliver(let packet) = try assembler.take(binary: messagePackBytes)
                else { return .min }
                sum &+= packet.head.arguments?.count ?? .min
            } catch {
                return .min
            }
        }
        return sum
    }

    private final class Member {
        private var count = 0

        /// A call that is not inlined, as sending is not.
        @inline(never)
        func send() {
            count &+= 1
        }
    }

    /// A table with `count` members, all in `room`, the first in `first` too.
    private static func table(_ count: Int) -> RoomTable<Member> {
        var table = RoomTable<Member>()
        for index in 0..<count {
            let slot = table.add(Member())
            _ = table.join(slot, "room")
            if index == 0 { _ = table.join(slot, "first") }
        }
        return table
    }

    private static let roomWalk = MicroBenchmark(
        "a member of a room of 1000, walked and called",
        operationsPerRound: 1000
    ) {
        var table = table(1000)
        for _ in 0..<$0 {
            table.members(of: ["room"]).forEachMember { $0.send() }
        }
        return table.count
    }

    private static let roomWalkExcept = MicroBenchmark(
        "a member of a room of 1000 but one, walked and called",
        operationsPerRound: 999
    ) {
        var table = table(1000)
        for _ in 0..<$0 {
            table.members(of: ["room"], except: ["first"]).forEachMember { $0.send() }
        }
        return table.count
    }

    private static let broadcastFrame = MicroBenchmark(
        "a broadcast of \(eventText.count) bytes, encoded and framed"
    ) {
        let arguments = jsonText[11..<(jsonText.count - 1)]
        var sum = 0
        for _ in 0..<$0 {
            var text = ByteBuffer(capacity: 256)
            text.append(ASCII.zero + 4)
            PacketWriter.appendEvent(name: "message", arguments: arguments.bytes, to: &text)
            sum &+= FrameWriter.frame(.text, payload: text.bytes).count
        }
        return sum
    }

    private static let messagePackFrame = MicroBenchmark(
        "the same in MessagePack, encoded and framed"
    ) {
        let arguments = jsonText[11..<(jsonText.count - 1)]
        var sum = 0
        for _ in 0..<$0 {
            var message = ByteBuffer(capacity: 256)
            MessagePackPacketWriter.appendEvent(
                name: "message",
                arguments: arguments.bytes,
                to: &message
            )
            sum &+= FrameWriter.frame(.binary, payload: message.bytes).count
        }
        return sum
    }

    private final class Target: TimerTarget {
        func timerFired(_ tag: UInt8) {}
    }

    /// Through the loop that owns the wheel, whose clock it reads; the loop itself does not run.
    private static let timer = MicroBenchmark("a timer armed and cancelled, clock read included") {
        guard let loop = try? EventLoop(index: 0) else { return .min }
        let target = Target()
        for round in 0..<$0 {
            var token = loop.schedule(target, after: .milliseconds(25_000 + round & 1023))
            loop.cancel(&token)
        }
        return $0
    }
}
