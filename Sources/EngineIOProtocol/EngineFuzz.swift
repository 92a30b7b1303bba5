import Bytes

/// The fuzz entry point: any body must be split without a trap, and survive being written again.
package enum EngineFuzz {
    /// Splits `input`, joins its packets and splits again; whether both times give the same.
    ///
    /// As a body of version 4, and of both kinds of version 3.
    package static func run(_ input: [UInt8]) -> Bool {
        let body = SharedBytes(input)
        return surrogatesAgree(body) && idAgrees(body)
            && survives(outcome(of: body)) { packets in
                var writer = PayloadWriter()
                for packet in packets {
                    switch packet {
                    case .text(let type, let payload): writer.append(type, payload: payload.bytes)
                    case .binary(let payload): writer.append(binary: payload.bytes)
                    }
                }
                return outcome(of: writer.takeShared())
            }
            && survives(outcome(of: body, PayloadSplitterV3()), mayBeEmpty: true) { packets in
                var writer = PayloadWriterV3()
                for packet in packets {
                    switch packet {
                    case .text(let type, let payload):
                        let unit = unit(type, payload)
                        writer.append(unit: unit.bytes)
                    case .binary(let payload): writer.append(binary: payload.bytes)
                    }
                }
                return outcome(of: writer.takeShared(), PayloadSplitterV3())
            }
            && survives(outcome(of: body, BinaryPayloadSplitterV3())) { packets in
                var writer = BinaryPayloadWriterV3()
                for packet in packets {
                    switch packet {
                    case .text(let type, let payload):
                        let unit = unit(type, payload)
                        writer.append(unit: unit.bytes)
                    case .binary(let payload): writer.append(binary: payload.bytes)
                    }
                }
                return outcome(of: writer.takeShared(), BinaryPayloadSplitterV3())
            }
    }

    /// A packet with its payload copied out.
    enum Outcome: Equatable {
        case text(EnginePacketType, SharedBytes)
        case binary(SharedBytes)
    }

    /// What a splitter makes of `body`.
    static func outcome(
        of body: SharedBytes,
        _ splitter: some PacketSplitter = PayloadSplitter()
    ) -> ([Outcome], EnginePacketError?) {
        var splitter = splitter
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

    private static func survives(
        _ first: ([Outcome], EnginePacketError?),
        mayBeEmpty: Bool = false,
        _ rewritten: ([Outcome]) -> ([Outcome], EnginePacketError?)
    ) -> Bool {
        // Only version 3's text may have nothing but units that are skipped.
        guard !first.0.isEmpty else { return first.1 != nil || mayBeEmpty }
        let (again, error) = rewritten(first.0)
        return again == first.0 && error == nil
    }

    private static func unit(_ type: EnginePacketType, _ payload: SharedBytes) -> SharedBytes {
        var unit = ByteBuffer(capacity: 1 + payload.count)
        unit.append(type.rawValue)
        unit.append(payload)
        return unit.takeShared()
    }

    /// Whether lengths in UTF-16 are those of the standard library.
    private static func surrogatesAgree(_ body: SharedBytes) -> Bool {
        guard body.bytes.isValidUTF8 else { return true }
        let count = body.bytes.utf16Count
        return count == body.text.utf16.count
            && body.bytes.end(ofUTF16Units: count, from: 0) == body.count
    }

    private static func idAgrees(_ text: SharedBytes) -> Bool {
        guard let id = SessionID(parsing: text.bytes) else { return true }
        return SharedBytes(id.description) == text
    }
}
