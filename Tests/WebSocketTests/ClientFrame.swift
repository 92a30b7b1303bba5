@testable import WebSocket

/// A frame as a client writes it, right or wrong.
struct ClientFrame {
    var firstByte: UInt8
    var payload: [UInt8]
    var key: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]

    init(_ opcode: Opcode, _ payload: [UInt8] = [], isFinal: Bool = true, rsv: UInt8 = 0) {
        firstByte = (isFinal ? 0x80 : 0) | rsv << 4 | opcode.rawValue
        self.payload = payload
    }

    init(_ opcode: Opcode, _ text: String, isFinal: Bool = true) {
        self.init(opcode, [UInt8](text.utf8), isFinal: isFinal)
    }

    /// The frame on the wire, with the shortest length.
    var wire: [UInt8] {
        let maskBit: UInt8 = key == nil ? 0 : 0x80
        var bytes = [firstByte]
        switch payload.count {
        case ...125: bytes.append(maskBit | UInt8(payload.count))
        case ...0xFFFF: bytes += [maskBit | 126] + bigEndian(payload.count, bytes: 2)
        default: bytes += [maskBit | 127] + bigEndian(payload.count, bytes: 8)
        }
        guard let key else { return bytes + payload }
        return bytes + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
    }

    private func bigEndian(_ value: Int, bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * (bytes - 1 - $0))) }
    }
}

extension [ClientFrame] {
    var wire: [UInt8] { flatMap(\.wire) }
}

typealias Outcome = WebSocketFuzz.Outcome

extension Outcome {
    static func text(_ text: String) -> Outcome { .message(.text, [UInt8](text.utf8)) }
}

/// The ways to cut a connection's bytes.
enum ByteSplit: CaseIterable {
    case whole
    case oneByOne
    case everyCut

    /// What is read from `wire` in each way of this kind; all of them should be the same.
    func outcomes(
        of wire: [UInt8],
        limit: Int = 70_000,
        deflate: DeflateParameters? = nil
    ) -> [[Outcome]] {
        switch self {
        case .whole:
            [read(wire, limit: limit, deflate) { wire.count }]
        case .oneByOne:
            [read(wire, limit: limit, deflate) { 1 }]
        case .everyCut:
            (0...wire.count).map { cut in
                var pieces = [wire.count, cut]
                return read(wire, limit: limit, deflate) { pieces.popLast() ?? wire.count }
            }
        }
    }

    private func read(
        _ wire: [UInt8],
        limit: Int,
        _ deflate: DeflateParameters?,
        pieces: () -> Int
    ) -> [Outcome] {
        WebSocketFuzz.outcome(
            of: wire,
            maxMessageBytes: limit,
            deflate: deflate,
            pieces: pieces
        )
    }
}
