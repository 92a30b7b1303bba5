package import Bytes

/// Writes a server's frames: whole messages, unmasked (RFC 6455 §5.2).
package enum FrameWriter {
    /// How many bytes the reason of a close frame may have (§5.5, less the code).
    package static let maxReasonBytes = 123

    /// How many bytes come before a payload of `payloadCount` bytes.
    package static func headerLength(payloadCount: Int) -> Int {
        switch payloadCount {
        case ...125: 2
        case ...0xFFFF: 4
        default: 10
        }
    }

    /// Writes the header of a final frame; traps when there is no room for it.
    package static func appendHeader(
        _ opcode: Opcode,
        payloadCount: Int,
        reservedBits: ReservedBits = [],
        to output: inout OutputRawSpan
    ) {
        let (header, count) = header(opcode, payloadCount, reservedBits)
        output.append(copying: RawSpan(_elements: header.span).extracting(0..<count))
    }

    /// Writes the header of a final frame.
    package static func appendHeader(
        _ opcode: Opcode,
        payloadCount: Int,
        reservedBits: ReservedBits = [],
        to buffer: inout ByteBuffer
    ) {
        let (header, count) = header(opcode, payloadCount, reservedBits)
        buffer.append(RawSpan(_elements: header.span).extracting(0..<count))
    }

    /// A frame with a copy of `payload`.
    package static func frame(
        _ opcode: Opcode,
        payload: RawSpan,
        reservedBits: ReservedBits = []
    ) -> SharedBytes {
        let count = payload.byteCount
        return SharedBytes(capacity: headerLength(payloadCount: count) + count) { output in
            appendHeader(opcode, payloadCount: count, reservedBits: reservedBits, to: &output)
            output.append(copying: payload)
        }
    }

    /// A frame whose payload is the byte `prefix`, then a copy of `payload`.
    ///
    /// So an Engine.IO packet is framed in one allocation, its type digit being the prefix.
    package static func frame(_ opcode: Opcode, prefix: UInt8, payload: RawSpan) -> SharedBytes {
        let count = payload.byteCount + 1
        return SharedBytes(capacity: headerLength(payloadCount: count) + count) { output in
            appendHeader(opcode, payloadCount: count, to: &output)
            output.append(prefix)
            output.append(copying: payload)
        }
    }

    /// A close frame (§5.5.1); without a code its payload is empty.
    ///
    /// A reason that is too long is cut between two characters. A code that is never on the wire,
    /// such as 1005, is left out together with the reason.
    package static func closeFrame(_ code: CloseCode? = nil, reason: String = "") -> SharedBytes {
        guard let code, code.isValidOnWire else { return frame(.close, payload: RawSpan()) }
        let reason = SharedBytes(reason)
        let kept = reason[0..<reason.bytes.utf8PrefixCount(atMost: maxReasonBytes)]
        return SharedBytes(capacity: 4 + kept.count) { output in
            appendHeader(.close, payloadCount: 2 + kept.count, to: &output)
            output.append(UInt8(code.rawValue >> 8))
            output.append(UInt8(code.rawValue & 0xFF))
            output.append(copying: kept.bytes)
        }
    }

    private static func header(
        _ opcode: Opcode,
        _ payloadCount: Int,
        _ reservedBits: ReservedBits
    ) -> ([10 of UInt8], count: Int) {
        precondition(payloadCount >= 0, "a payload has no negative length")
        var header = [10 of UInt8](repeating: 0)
        header[0] = 0x80 | reservedBits.rawValue | opcode.rawValue
        let count = headerLength(payloadCount: payloadCount)
        switch count {
        case 2: header[1] = UInt8(payloadCount)
        case 4: header[1] = 126
        default: header[1] = 127
        }
        for index in 2..<max(count, 2) {
            let shift = 8 * (count - 1 - index)
            header[index] = UInt8(truncatingIfNeeded: payloadCount >> shift)
        }
        return (header, count)
    }
}
