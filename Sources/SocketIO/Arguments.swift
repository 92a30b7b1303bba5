package import Bytes
public import Foundation
import SocketIOProtocol

/// The arguments of an event or an acknowledgement: JSON values and binary attachments.
///
/// Received arguments are slices of the packet, decoded only when asked for; passing them on
/// copies nothing.
///
/// ```swift
/// socket.on("echo") { (arguments: Arguments) in arguments }
/// socket.on("sum") { (arguments: Arguments) -> Arguments in
///     let first = try arguments.decode(Int.self, at: 0)
///     return try Arguments(first + arguments.count)
/// }
/// ```
public struct Arguments: Sendable {
    /// The values joined by commas, without brackets; validated JSON.
    package let json: SharedBytes
    /// What the placeholders in `json` stand for.
    package let attachments: [SharedBytes]
    /// Whether the client waits for an acknowledgement of the event that brought these arguments.
    public let wantsAck: Bool

    package init(json: SharedBytes, attachments: [SharedBytes], wantsAck: Bool = false) {
        self.json = json
        self.attachments = attachments
        self.wantsAck = wantsAck
    }

    /// No arguments.
    public init() {
        self.init(json: SharedBytes(), attachments: [])
    }

    /// Encodes values, in order; `Data` anywhere in them becomes a binary attachment.
    ///
    /// - Throws: What an `Encodable` throws, such as for a number that JSON cannot hold.
    public init<each Value: Encodable>(_ values: repeat each Value) throws {
        var encoder = ArgumentEncoder()
        repeat try encoder.append(each values)
        self = encoder.finish()
    }

    /// Encodes one value of a type that is not known here.
    init(encoding value: any Encodable) throws {
        var encoder = ArgumentEncoder()
        try encoder.append(value)
        self = encoder.finish()
    }

    /// The elements of a JSON array, given as its text: `["a", 1]`.
    ///
    /// Placeholders in the text stand for `attachments`.
    /// - Throws: `EmitError.invalidJSON`.
    public init(json text: String, attachments: [Data] = []) throws {
        let bytes = SharedBytes(text)
        // As deep as a client's own, so that every server of a cluster reads it.
        guard let array = try? JSONSlice(validating: bytes, maxDepth: 500), array.kind == .array
        else {
            throw EmitError.invalidJSON
        }
        let content = array.bytes
        self.init(
            json: content[1..<content.count - 1],
            attachments: attachments.map { SharedBytes([UInt8]($0)) }
        )
    }

    /// Whether there are none.
    public var isEmpty: Bool { json.isEmpty }

    /// How many arguments there are.
    public var count: Int { slices.count }

    /// The JSON text of one argument; binary values are placeholders in it.
    public func json(at index: Int) -> String? {
        let slices = slices
        return slices.indices.contains(index) ? slices[index].bytes.text : nil
    }

    /// Decodes one argument; a missing one decodes as JSON `null`, so only optionals take it.
    ///
    /// - Throws: `ArgumentError` when the argument is missing or has another type.
    public func decode<Value: Decodable>(_ type: Value.Type, at index: Int) throws -> Value {
        let slices = slices
        return try decode(type, slices.indices.contains(index) ? slices[index] : nil, index)
    }

    /// All arguments as slices of the packet.
    package var slices: [JSONSlice] {
        json.isEmpty ? [] : JSONSlice.list(json)
    }

    package func decode<Value: Decodable>(
        _ type: Value.Type,
        _ slice: JSONSlice?,
        _ index: Int
    ) throws -> Value {
        guard let slice else {
            // Optional arguments may be left out; `null` is what Codable reads as their nil.
            guard let absent = try? JSONDecoder().decode(type, from: Data("null".utf8)) else {
                throw ArgumentError(index: index, problem: "missing")
            }
            return absent
        }
        if let value = fastDecode(type, slice) { return value }
        do {
            let decoder = JSONDecoder()
            let attachments = attachments
            decoder.dataDecodingStrategy = .custom { try Self.decodeData($0, attachments) }
            return try decoder.decode(type, from: Data(slice.bytes))
        } catch let error as DecodingError {
            throw ArgumentError(index: index, problem: error.summary)
        }
    }

    /// What needs no `JSONDecoder` (1.7 µs each; style.md C4).
    private func fastDecode<Value>(_ type: Value.Type, _ slice: JSONSlice) -> Value? {
        switch slice.kind {
        case .string where type == String.self:
            slice.string as? Value
        case .number where type == Int.self:
            slice.integer as? Value
        default:
            nil
        }
    }

    private struct Placeholder: Decodable {
        let isPlaceholder: Bool
        let number: Int

        enum CodingKeys: String, CodingKey {
            case isPlaceholder = "_placeholder"
            case number = "num"
        }
    }

    private static func decodeData(
        _ decoder: any Decoder,
        _ attachments: [SharedBytes]
    ) throws
        -> Data
    {
        if let placeholder = try? Placeholder(from: decoder), placeholder.isPlaceholder,
            attachments.indices.contains(placeholder.number)
        {
            return Data(attachments[placeholder.number])
        }
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let data = Data(base64Encoded: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "neither binary nor base64")
            )
        }
        return data
    }
}

/// Encodes arguments one after the other.
struct ArgumentEncoder {
    private var json: [UInt8] = []
    private var attachments = AttachmentCollector()

    /// `Data` values met while encoding, in the order of their placeholders.
    ///
    /// Used by one encoder within one call, on one thread; hence `@unchecked`.
    private final class AttachmentCollector: @unchecked Sendable {
        var list: [SharedBytes] = []
    }

    private struct Placeholder: Encodable {
        let number: Int

        enum CodingKeys: String, CodingKey {
            case isPlaceholder = "_placeholder"
            case number = "num"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(true, forKey: .isPlaceholder)
            try container.encode(number, forKey: .number)
        }
    }

    mutating func append(_ value: some Encodable) throws {
        if !json.isEmpty { json.append(ASCII.comma) }
        if let text = value as? String {
            var buffer = ByteBuffer(capacity: text.utf8.count + 2)
            buffer.append(jsonString: text)
            json.append(contentsOf: buffer.takeShared().array)
        } else if let number = value as? Int {
            json.append(contentsOf: String(number).utf8)
        } else {
            json.append(contentsOf: try encode(value))
        }
    }

    private func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        let attachments = attachments
        // Sorted, or the order of members would change from call to call; 0.5 µs of 2.5 µs for
        // three members (200,000 × JSONEncoder().encode).
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        encoder.dataEncodingStrategy = .custom { data, encoder in
            let placeholder = Placeholder(number: attachments.list.count)
            attachments.list.append(SharedBytes([UInt8](data)))
            try placeholder.encode(to: encoder)
        }
        return try encoder.encode(value)
    }

    consuming func finish() -> Arguments {
        Arguments(json: SharedBytes(json), attachments: attachments.list)
    }
}

extension Data {
    /// Copies shared bytes.
    package init(_ bytes: SharedBytes) {
        self = bytes.withUnsafeBytes { Data($0) }
    }
}

extension DecodingError {
    /// One line for the client: where and what, without Swift's type names of the context.
    fileprivate var summary: String {
        switch self {
        case .typeMismatch(let type, let context):
            "\(context.path)expected \(type)"
        case .valueNotFound(let type, let context):
            "\(context.path)expected \(type), found null"
        case .keyNotFound(let key, let context):
            "\(context.path)\(key.stringValue) is missing"
        case .dataCorrupted(let context):
            "\(context.path)\(context.debugDescription)"
        @unknown default:
            "cannot be decoded"
        }
    }
}

extension DecodingError.Context {
    fileprivate var path: String {
        codingPath.isEmpty
            ? "" : codingPath.map(\.stringValue).joined(separator: ".") + ": "
    }
}
