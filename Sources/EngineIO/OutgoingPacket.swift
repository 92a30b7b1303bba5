package import Bytes
import EngineIOProtocol
import WebSocket

/// One Engine.IO message encoded for every transport: a WebSocket frame whose payload is what
/// polling sends.
///
/// Text is the same in versions 3 and 4. Binary messages of version 3 have a type before them, for
/// which `WebSocketTransport` and `PayloadFormat` make room without a copy of the frame's payload.
/// Made once per message or broadcast and shared by all receivers. The seam for compression: a
/// compressed form of the same packet would stand beside `frame`.
package struct OutgoingPacket: Sendable {
    /// A complete unmasked frame.
    package let frame: SharedBytes
    private let payloadOffset: UInt8
    package let isBinary: Bool

    /// The payload without the frame's header: `4…`, or the bytes of a binary message.
    package var payload: SharedBytes { frame[Int(payloadOffset)..<frame.count] }

    /// Frames a text packet whose payload is `count` bytes long and is written by `fill`.
    package init(textByteCount count: Int, fill: (inout OutputRawSpan) -> Void) {
        let header = FrameWriter.headerLength(payloadCount: count)
        frame = SharedBytes(capacity: header + count) { output in
            FrameWriter.appendHeader(.text, payloadCount: count, to: &output)
            fill(&output)
        }
        payloadOffset = UInt8(header)
        isBinary = false
    }

    /// Frames a text packet that has been written already.
    package init(text: RawSpan) {
        frame = FrameWriter.frame(.text, payload: text)
        payloadOffset = UInt8(frame.count - text.byteCount)
        isBinary = false
    }

    /// Frames a binary message.
    package init(binary: RawSpan) {
        frame = FrameWriter.frame(.binary, payload: binary)
        payloadOffset = UInt8(frame.count - binary.byteCount)
        isBinary = true
    }

    static let ping = OutgoingPacket(literal: "2")
    static let pong = OutgoingPacket(literal: "3")
    static let noop = OutgoingPacket(literal: "6")
    static let close = OutgoingPacket(literal: "1")
    static let probeAnswer = OutgoingPacket(literal: "3probe")

    private init(literal: String) {
        self.init(text: SharedBytes(literal).bytes)
    }
}
