import Bytes

/// The fuzz entry point: any bytes, in any pieces, must be read alike and never trap.
package enum WebSocketFuzz {
    /// Reads `input` whole, byte by byte and in pieces of many sizes; whether all agree.
    package static func run(_ input: [UInt8]) -> Bool {
        let whole = outcome(of: input, pieces: { input.count })
        guard outcome(of: input, pieces: { 1 }) == whole else { return false }
        // A xorshift generator seeded by the input, so that a failure can be repeated.
        var seed = input.reduce(into: 0x9E37_79B9_7F4A_7C15 as UInt64) { seed, byte in
            seed = (seed ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        let cut = outcome(of: input) {
            seed ^= seed << 13
            seed ^= seed >> 7
            seed ^= seed << 17
            return Int(seed % 23) + 1
        }
        return cut == whole
    }

    /// What a reader makes of a whole connection, without regard to how messages were stored.
    enum Outcome: Equatable {
        case message(Opcode, [UInt8])
        case ping([UInt8])
        case pong([UInt8])
        case close(CloseCode?, reason: String)
        case violation(ProtocolViolation)
    }

    /// Reads `input` in pieces of the sizes that `pieces` gives, with a small limit, and
    /// decompresses its messages if that has been agreed upon.
    static func outcome(
        of input: [UInt8],
        maxMessageBytes: Int = 70_000,
        deflate: DeflateParameters? = nil,
        pieces: () -> Int
    ) -> [Outcome] {
        var reader = MessageReader(
            maxMessageBytes: maxMessageBytes,
            allowedReservedBits: deflate == nil ? [] : .rsv1
        )
        var decompression = Decompression(deflate, limit: maxMessageBytes)
        var outcomes: [Outcome] = []
        var start = 0
        while start < input.count {
            let end = start + min(max(pieces(), 1), input.count - start)
            let isOpen = read(
                Array(input[start..<end]),
                by: &reader,
                &decompression,
                into: &outcomes
            )
            guard isOpen else { break }
            start = end
        }
        return outcomes
    }

    /// Reads one piece; false once the connection is over.
    private static func read(
        _ piece: [UInt8],
        by reader: inout MessageReader,
        _ decompression: inout Decompression,
        into outcomes: inout [Outcome]
    ) -> Bool {
        var buffer = ByteBuffer()
        buffer.append(SharedBytes(piece))
        var bytes = buffer.mutableBytes
        var offset = 0
        do throws(ProtocolViolation) {
            while true {
                switch try reader.next(in: &bytes, at: &offset) {
                case .needsMore:
                    precondition(offset == piece.count, "input was left over")
                    return true
                case .message(let opcode, let range):
                    let payload = bytes.bytes.extracting(range)
                    let bits = reader.reservedBits
                    outcomes.append(
                        .message(opcode, try decompression.message(opcode, payload, bits))
                    )
                case .assembledMessage(let opcode, let payload):
                    let bits = reader.reservedBits
                    outcomes.append(
                        .message(opcode, try decompression.message(opcode, payload.bytes, bits))
                    )
                case .ping(let payload): outcomes.append(.ping(payload.array))
                case .pong(let payload): outcomes.append(.pong(payload.array))
                case .close(let code, let reason):
                    outcomes.append(.close(code, reason: reason))
                    return false
                }
            }
        } catch {
            outcomes.append(.violation(error))
            return false
        }
    }
}

/// What decompresses the messages of a fuzzed connection.
private struct Decompression: ~Copyable {
    private var contexts = DeflateContexts(DeflatePolicy())
    private var deflate: PermessageDeflate
    private let limit: Int

    init(_ parameters: DeflateParameters?, limit: Int) {
        deflate = PermessageDeflate(parameters ?? DeflateParameters())
        self.limit = limit
    }

    mutating func message(
        _ opcode: Opcode,
        _ payload: RawSpan,
        _ bits: ReservedBits
    ) throws(ProtocolViolation) -> [UInt8] {
        guard bits.contains(.rsv1) else { return payload.array }
        let message = try deflate.inflate(opcode, payload, limit: limit, &contexts)
        precondition(message.count <= limit, "more than the limit was decompressed")
        return message.array
    }
}
