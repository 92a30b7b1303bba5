import Bytes

/// The fuzz entry point of compression: any bytes, as offers, compressed data, plain messages, and
/// frames, must be read alike however it is done, stay within the limit, and never trap.
package enum DeflateFuzz {
    /// Reads `input` in each of these ways; whether all agree.
    package static func run(_ input: [UInt8]) -> Bool {
        negotiates(input) && inflates(input) && survivesRoundTrip(input) && readsFrames(input)
    }

    /// What is agreed upon for `input` as the client's offers, offered again, is agreed upon again.
    private static func negotiates(_ input: [UInt8]) -> Bool {
        let offers = SharedBytes(input)
        var policy = DeflatePolicy()
        policy.serverNoContextTakeover = (input.first ?? 0) & 1 == 0
        guard let parameters = try? DeflateNegotiation.accept(offers.bytes, policy) else {
            return true
        }
        let field = SharedBytes(parameters.field)
        return (try? DeflateNegotiation.accept(field.bytes, policy)) == parameters
    }

    /// Compressed data gives the same in a context of its own as in a shared one that is not new.
    private static func inflates(_ input: [UInt8]) -> Bool {
        let payload = SharedBytes(input)
        var contexts = DeflateContexts(DeflatePolicy())
        let sharing = parameters(takeover: false)
        let small = outcome(payload, sharing, limit: 1000, &contexts)
        let large = outcome(payload, sharing, limit: 100_000, &contexts)
        let own = outcome(payload, parameters(takeover: true), limit: 100_000, &contexts)
        guard own == large, small == outcome(payload, sharing, limit: 1000, &contexts) else {
            return false
        }
        switch small {
        case .success(let message): return message.count <= 1000 && small == large
        case .failure(.messageTooBig):
            // What is wrong with the data may come after the first 1000 bytes.
            guard case .success(let message) = large else { return true }
            return message.count > 1000
        case .failure: return small == large
        }
    }

    private static func outcome(
        _ payload: SharedBytes,
        _ parameters: DeflateParameters,
        limit: Int,
        _ contexts: inout DeflateContexts
    ) -> Result<SharedBytes, ProtocolViolation> {
        var deflate = PermessageDeflate(parameters)
        do throws(ProtocolViolation) {
            return .success(
                try deflate.inflate(.binary, payload.bytes, limit: limit, &contexts)
            )
        } catch {
            return .failure(error)
        }
    }

    /// Messages that are compressed and decompressed come out as they were.
    private static func survivesRoundTrip(_ input: [UInt8]) -> Bool {
        var policy = DeflatePolicy()
        policy.level = 1 + Int(input.first ?? 0) % 9
        policy.memoryLevel = 1 + Int(input.last ?? 0) % 9
        var contexts = DeflateContexts(policy)
        for takeover in [false, true] {
            var parameters = parameters(takeover: takeover)
            parameters.serverMaxWindowBits = UInt8(9 + input.count % 7)
            parameters.clientMaxWindowBits = parameters.serverMaxWindowBits
            var server = PermessageDeflate(parameters)
            var client = PermessageDeflate(parameters)
            for repetitions in 1...3 {
                let message = SharedBytes(
                    [UInt8]((0..<repetitions * repetitions).map { _ in input }.joined())
                )
                guard let frame = server.frame(.binary, message.bytes, &contexts) else { continue }
                let length = frame.bytes.byte(at: 1)
                let payload = frame[(length < 126 ? 2 : length == 126 ? 4 : 10)..<frame.count]
                let back = try? client.inflate(
                    .binary,
                    payload.bytes,
                    limit: message.count,
                    &contexts
                )
                guard back == message else { return false }
            }
        }
        return true
    }

    /// Frames, of which RSV1 marks some as compressed, are read alike in all pieces.
    private static func readsFrames(_ input: [UInt8]) -> Bool {
        for takeover in [false, true] {
            let parameters = parameters(takeover: takeover)
            func outcome(_ size: Int) -> [WebSocketFuzz.Outcome] {
                WebSocketFuzz.outcome(
                    of: input,
                    maxMessageBytes: 5000,
                    deflate: parameters,
                    pieces: { size }
                )
            }
            let whole = outcome(input.count)
            guard outcome(1) == whole, outcome(7) == whole else { return false }
        }
        return true
    }

    private static func parameters(takeover: Bool) -> DeflateParameters {
        DeflateParameters(serverNoContextTakeover: !takeover, clientNoContextTakeover: !takeover)
    }
}
