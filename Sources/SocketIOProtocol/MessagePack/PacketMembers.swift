import Bytes
import MessagePack

/// The members of a packet's map as they came, before they are looked at (protocol.md §23).
///
/// In any order; of two with one name the last counts, as in JavaScript, and others are ignored,
/// such as the `options` that the JS client adds. What is `undefined` for notepack 2 is absent.
struct PacketMembers {
    private static let largestID = 1 << 53

    private var type: SharedBytes?
    private var namespace: SharedBytes?
    private var id: SharedBytes?
    private(set) var data: SharedBytes?

    /// Takes a message apart: one map, and nothing behind it.
    ///
    /// - Throws: `PacketError.malformedMessagePack`.
    init(of message: SharedBytes) throws(PacketError) {
        do throws(MessagePackError) {
            var reader = MessagePackReader(message)
            try read(&reader)
            if reader.isAtEnd { return }
        } catch {
            throw .malformedMessagePack
        }
        throw .malformedMessagePack
    }

    private mutating func read(_ reader: inout MessagePackReader) throws(MessagePackError) {
        for _ in 0..<(try reader.readMapHeader()) {
            let name = try reader.readText()
            let value = try reader.readUndefined() ? nil : try reader.takeValue()
            let bytes = name.bytes
            if bytes.isEqual(to: "type") {
                type = value
            } else if bytes.isEqual(to: "nsp") {
                namespace = value
            } else if bytes.isEqual(to: "id") {
                id = value
            } else if bytes.isEqual(to: "data") {
                data = value
            }
        }
    }

    /// The type: one of the five that have no number of attachments.
    ///
    /// - Throws: `PacketError.invalidPacketType`.
    func packetType() throws(PacketError) -> PacketType {
        guard let number = Self.integer(type), 0...4 ~= number,
            let type = PacketType(rawValue: UInt8(number))
        else { throw .invalidPacketType }
        return type
    }

    /// The name of the namespace, with its slash.
    ///
    /// - Throws: `PacketError.invalidNamespace`, `.namespaceTooLong`.
    func namespaceName(_ limits: PacketLimits) throws(PacketError) -> SharedBytes {
        guard let namespace, let name = Self.string(namespace), name.bytes.hasPrefix("/") else {
            throw .invalidNamespace
        }
        guard name.count <= limits.maxNamespaceBytes else {
            throw .namespaceTooLong(limitInBytes: limits.maxNamespaceBytes)
        }
        return name
    }

    /// The ack id, if there is one.
    ///
    /// - Throws: `PacketError.invalidAckID`.
    func ackID() throws(PacketError) -> UInt64? {
        guard let id else { return nil }
        guard let number = Self.integer(id), 0...Self.largestID ~= number else {
            throw .invalidAckID
        }
        return UInt64(number)
    }

    /// The integer that a value is; nil for any other value.
    private static func integer(_ value: SharedBytes?) -> Int? {
        guard let value else { return nil }
        do throws(MessagePackError) {
            var reader = MessagePackReader(value)
            return try reader.readInteger()
        } catch {
            return nil
        }
    }

    /// The string that a value is; nil for any other value.
    private static func string(_ value: SharedBytes) -> SharedBytes? {
        do throws(MessagePackError) {
            var reader = MessagePackReader(value)
            return try reader.readString()
        } catch {
            return nil
        }
    }
}
