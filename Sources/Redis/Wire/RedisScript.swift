package import Bytes

/// A Lua script that Redis knows by its SHA-1 once it has seen it.
package struct RedisScript: Sendable {
    package let source: SharedBytes
    /// The digest in hexadecimal.
    package let digest: SharedBytes

    /// A script of the given Lua source.
    package init(_ source: String) {
        let source = SharedBytes(source)
        let sum = SHA1.digest(of: source.bytes)
        var hex: [UInt8] = []
        for index in sum.indices {
            for nibble in [sum[index] >> 4, sum[index] & 15] {
                hex.append(nibble < 10 ? nibble + 0x30 : nibble - 10 + 0x61)
            }
        }
        self.source = source
        digest = SharedBytes(hex)
    }

    /// `EVALSHA`, for a Redis that knows the script, as part of a pipeline of one's own.
    package func evalsha(keys: [SharedBytes], _ arguments: [any RedisArgument]) -> RedisCommand {
        command("EVALSHA", digest, keys, arguments)
    }

    /// `EVAL`, which carries the source.
    package func eval(keys: [SharedBytes], _ arguments: [any RedisArgument]) -> RedisCommand {
        command("EVAL", source, keys, arguments)
    }

    private func command(
        _ name: String,
        _ script: SharedBytes,
        _ keys: [SharedBytes],
        _ arguments: [any RedisArgument]
    ) -> RedisCommand {
        var command = RedisCommand(name, script, keys.count)
        command.append(keys)
        command.append(arguments)
        return command
    }
}

extension RedisClient {
    /// Runs a script by its digest, and by its source where Redis does not know it yet.
    ///
    /// - Throws: `RedisError`; what the script itself raises is `.replied`.
    package func run(
        _ script: RedisScript,
        keys: [SharedBytes] = [],
        _ arguments: any RedisArgument...
    ) async throws(RedisError) -> RedisReply {
        do throws(RedisError) {
            return try await send(script.evalsha(keys: keys, arguments))
        } catch {
            guard case .replied(let line) = error, line.hasPrefix("NOSCRIPT") else { throw error }
            return try await send(script.eval(keys: keys, arguments))
        }
    }

    /// As the asynchronous form, with a completion on the loop.
    package func run(
        _ script: RedisScript,
        keys: [SharedBytes] = [],
        _ arguments: [any RedisArgument],
        _ completion: @escaping @Sendable (Result<RedisReply, RedisError>) -> Void
    ) {
        send(script.evalsha(keys: keys, arguments)) { [self] result in
            guard case .failure(.replied(let line)) = result, line.hasPrefix("NOSCRIPT") else {
                completion(result)
                return
            }
            send(script.eval(keys: keys, arguments), completion)
        }
    }
}
