import Bytes
import Testing

@testable import WebSocket

@Suite("RFC 6455 §5.2: a server's frames")
struct FrameWriterTests {
    @Test("§5.7: single-frame unmasked text and ping")
    func examples() {
        let hello = SharedBytes("Hello")
        let text = FrameWriter.frame(.text, payload: hello.bytes)
        #expect(text.array == [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        let ping = FrameWriter.frame(.ping, payload: hello.bytes)
        #expect(ping.array == [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        let prefixed = FrameWriter.frame(.text, prefix: 0x34, payload: hello.bytes)
        #expect(prefixed.array == [0x81, 0x06, 0x34, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        let compressed = FrameWriter.frame(.binary, payload: RawSpan(), reservedBits: .rsv1)
        #expect(compressed.array == [0xC2, 0x00])
    }

    @Test(
        "§5.2: the shortest length is written",
        arguments: [
            (0, [0x82, 0]), (125, [0x82, 125]), (126, [0x82, 126, 0, 126]),
            (256, [0x82, 126, 1, 0]), (65_535, [0x82, 126, 0xFF, 0xFF]),
            (65_536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (0x0102_0304_0506, [0x82, 127, 0, 0, 1, 2, 3, 4, 5, 6]),
        ] as [(Int, [UInt8])]
    )
    func lengths(count: Int, header: [UInt8]) {
        var buffer = ByteBuffer()
        FrameWriter.appendHeader(.binary, payloadCount: count, to: &buffer)
        let written = buffer.takeShared().array
        #expect(written == header)
        #expect(FrameWriter.headerLength(payloadCount: count) == header.count)
    }

    @Test("§5.5.1: close frames with and without a code; those never on the wire send none")
    func closeFrames() {
        let plain = FrameWriter.closeFrame().array
        #expect(plain == [0x88, 0x00])
        let reasoned = FrameWriter.closeFrame(.messageTooBig, reason: "big").array
        #expect(reasoned == [0x88, 0x05, 0x03, 0xF1, 0x62, 0x69, 0x67])
        let unsent = FrameWriter.closeFrame(.noStatusReceived, reason: "x").array
        #expect(unsent == [0x88, 0x00])
    }

    @Test("§5.5: a long reason is cut between characters", arguments: 0..<4)
    func longReason(padding: Int) {
        let reason = String(repeating: "a", count: padding) + String(repeating: "🎈", count: 40)
        let frame = FrameWriter.closeFrame(.goingAway, reason: reason).array
        let kept = [UInt8](frame[4...])
        #expect(frame.count <= 2 + 125)
        #expect(kept.count == padding + (123 - padding) / 4 * 4)
        #expect(reason.utf8.starts(with: kept))
        #expect(String(validating: kept, as: UTF8.self) != nil)
    }
}
