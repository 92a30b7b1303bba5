import Bytes

/// The fuzz entry point: any body must be split without a trap, and survive being written again.
package enum EngineFuzz {
    /// Splits `input`, joins its packets and splits again; whether both times give the same.
    package static func run(_ input: [UInt8]) -> Bool {
        let (packets, error) = outcome(of: SharedBytes(input))
        var writer = PayloadWriter()
        for packet in packets {
            switch packet {
            case .text(let type, let payload): writer.append(type, payload: payload.bytes)
            case .binary(let payload): writer.append(binary: payload.bytes)
            }
        }
        // Not even an empty body is without both: a unit that is empty is an error.
        guard !writer.isEmpty else { return error != nil }
        let (again, errorAgain) = outcome(of: writer.takeShared())
        guard again == packets, errorAgain == nil else { return false }

        let text = SharedBytes(input)
        guard let id = SessionID(parsing: text.bytes) else { return true }
        return SharedBytes(id.description) == text
    }

    /// A packet with its payload copied out.
    enum Outcome: Equatable {
        case text(EnginePacketType, SharedBytes)
        case binary(SharedBytes)
    }

    /// What a splitter makes of `body`.
    static func outcome(of body: SharedBytes) -> ([Outcome], EnginePacketError?) {
        var splitter = PayloadSplitter()
        var packets: [Outcome] = []
        do throws(EnginePacketError) {
            while let packet = try splitter.next(in: body.bytes) {
                switch packet {
                case .text(let type, let payload): packets.append(.text(type, body[payload]))
                case .binary(let payload): packets.append(.binary(payload))
                }
            }
        } catch {
            return (packets, error)
        }
        return (packets, nil)
    }
}
