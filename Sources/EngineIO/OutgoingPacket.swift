package import Bytes
import EngineIOProtocol
import WebSocket

/// One Engine.IO message encoded for every transport: a WebSocket frame whose payload is what
/// polling sends.
///
/// Text is the same in versions 3 and 4; for binary messages see `BinaryForm` and `PayloadFormat`.
/// Made once per message or broadcast and shared by all receivers. Those of a loop that have agreed
/// upon compression, or that want binary messages otherwise, share a frame of theirs besides
/// (`EventLoop.variant`).
package struct OutgoingPacket: Sendable {
    /// What a packet is for, which decides whether a full send queue may drop it.
    package enum Role: UInt8, Sendable {
        /// The protocol needs it: never dropped.
        case required
        case event
        case volatileEvent
        /// A part of the packet before it.
        case attachment
    }

    /// A complete unmasked frame.
    package let frame: SharedBytes
    private let payloadOffset: UInt8
    package let isBinary: Bool
    /// Whether it may be compressed, alone or with others (protocol.md §§7, 11).
    package var isCompressible = true
    package var role = Role.required

    /// The payload without the frame's header: `4…`, or the bytes of a binary message.
    package var payload: SharedBytes { frame[Int(payloadOffset)..<frame.count] }

    /// How many bytes `payload` has.
    var payloadCount: Int { frame.count - Int(payloadOffset) }

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

    /// Frames a binary message as version 3 has it on a WebSocket, its type first (§13).
    init(typedBinary message: RawSpan) {
        frame = FrameWriter.frame(.binary, prefix: EnginePacket.typeByte, payload: message)
        payloadOffset = UInt8(frame.count - message.byteCount - 1)
        isBinary = true
    }

    static let ping = OutgoingPacket(literal: "2")
    static let pong = OutgoingPacket(literal: "3")
    static let noop = OutgoingPacket(literal: "6", isCompressible: false)
    static let close = OutgoingPacket(literal: "1", isCompressible: false)
    static let probeAnswer = OutgoingPacket(literal: "3probe")

    private init(literal: String, isCompressible: Bool = true) {
        self.init(text: SharedBytes(literal).bytes)
        self.isCompressible = isCompressible
    }
}
