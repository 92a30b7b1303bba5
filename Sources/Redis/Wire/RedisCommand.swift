package import Bytes
import CHiredis

/// A value that a command may carry.
package protocol RedisArgument: Sendable {
    /// The bytes as Redis gets them.
    var redisBytes: SharedBytes { get }
}

extension SharedBytes: RedisArgument {
    package var redisBytes: SharedBytes { self }
}

extension String: RedisArgument {
    package var redisBytes: SharedBytes { SharedBytes(self) }
}

extension Int: RedisArgument {
    package var redisBytes: SharedBytes { SharedBytes(String(self)) }
}

/// A command and its arguments: `RedisCommand("SET", key, "value", "EX", 60)`.
package struct RedisCommand: Sendable {
    /// The name first.
    package private(set) var arguments: [SharedBytes]

    /// A command of the given name.
    package init(_ name: String, _ arguments: any RedisArgument...) {
        self.arguments = [SharedBytes(name)]
        append(arguments)
    }

    /// A command of the given name; for lists whose length is not known in the source.
    package init(_ name: String, arguments: [any RedisArgument]) {
        self.arguments = [SharedBytes(name)]
        append(arguments)
    }

    /// Adds arguments at the end.
    package mutating func append(_ more: [any RedisArgument]) {
        arguments.reserveCapacity(arguments.count + more.count)
        for argument in more { arguments.append(argument.redisBytes) }
    }

    /// The command in RESP, copied out of what hiredis writes.
    func encoded() -> SharedBytes {
        encode { SharedBytes(copying: $0) }
    }

    /// Appends the command in RESP.
    func encode(into buffer: inout ByteBuffer) {
        encode { buffer.append($0) }
    }

    private func encode<Result>(_ body: (RawSpan) -> Result) -> Result {
        var pointers: [UnsafePointer<CChar>?] = []
        var lengths: [Int] = []
        pointers.reserveCapacity(arguments.count)
        lengths.reserveCapacity(arguments.count)
        // The pointers hold for as long as the arguments, which are in `self`.
        for argument in arguments {
            argument.withUnsafeBytes { memory in
                pointers.append(memory.baseAddress?.assumingMemoryBound(to: CChar.self))
                lengths.append(memory.count)
            }
        }
        var command: UnsafeMutablePointer<CChar>?
        let count = withExtendedLifetime(self) {
            chiredis_command_make(&command, CInt(arguments.count), &pointers, &lengths)
        }
        guard count >= 0, let command else { preconditionFailure("out of memory") }
        defer { chiredis_command_free(command) }
        return body(RawSpan(_unsafeStart: UnsafeRawPointer(command), byteCount: Int(count)))
    }
}

extension RedisCommand {
    /// `PING`, as it is sent again and again.
    static let ping = RedisCommand("PING").encoded()

    /// `PUBLISH` or `SPUBLISH` in RESP, in one allocation.
    ///
    /// By hiredis, with its copy of the payload, it takes 430 ns and not 86 (200 bytes, best of
    /// three million, -O).
    static func publish(
        _ channel: SharedBytes,
        _ payload: SharedBytes,
        sharded: Bool
    ) -> SharedBytes {
        // Two lengths of up to 20 digits beside the fixed text.
        SharedBytes(capacity: channel.count + payload.count + 80) { output in
            append(sharded ? "*3\r\n$8\r\nSPUBLISH\r\n" : "*3\r\n$7\r\nPUBLISH\r\n", to: &output)
            append(bulk: channel, to: &output)
            append(bulk: payload, to: &output)
        }
    }

    private static func append(_ text: StaticString, to output: inout OutputRawSpan) {
        output.append(
            copying: RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        )
    }

    private static func append(bulk bytes: SharedBytes, to output: inout OutputRawSpan) {
        append("$", to: &output)
        var digits = [20 of UInt8](repeating: 0)
        var index = 20
        var rest = bytes.count
        repeat {
            index -= 1
            digits[index] = UInt8(truncatingIfNeeded: rest % 10) + ASCII.zero
            rest /= 10
        } while rest > 0
        output.append(copying: digits.span.bytes.extracting(index..<20))
        append("\r\n", to: &output)
        output.append(copying: bytes.bytes)
        append("\r\n", to: &output)
    }
}
