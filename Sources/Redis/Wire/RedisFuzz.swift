import Bytes
import Loop

/// The fuzz entry point of the URL and of the reply parser.
package enum RedisFuzz {
    /// Takes any input as a URL and as replies of Redis; true if two ways of reading it agree.
    ///
    /// It must neither trap nor hang.
    package static func run(_ input: [UInt8]) -> Bool {
        readsURL(String(decoding: input, as: UTF8.self)) && readsReplies(SharedBytes(input))
    }

    /// What a URL gives is given by its parts as well, and its description has no password.
    private static func readsURL(_ url: String) -> Bool {
        do throws(RedisURLError) {
            let address = try RedisAddress(url: url)
            switch address.endpoint {
            case .tcp(let host, let port):
                guard !host.isEmpty, (1...65_535).contains(port) else { return false }
            case .unix(let path):
                guard path.utf8.first == ASCII.slash, path.utf8.count < 108 else { return false }
            }
            return address.database >= 0 && !"\(address)".utf8.contains(0)
        } catch {
            return !error.description.isEmpty
        }
    }

    /// Whole and byte by byte give the same.
    private static func readsReplies(_ input: SharedBytes) -> Bool {
        func parse(by step: Int) -> ([RedisReply], failed: Bool) {
            let parser = ReplyParser(limitInBytes: 2000, reusesStrings: step == 1)
            var replies: [RedisReply] = []
            var offset = 0
            do throws(RedisFault) {
                while offset < input.count {
                    let end = min(offset + step, input.count)
                    try parser.feed(input[offset..<end].bytes) { reply in
                        replies.append(reply)
                        return true
                    }
                    offset = end
                }
            } catch {
                return (replies, true)
            }
            return (replies, false)
        }
        return parse(by: max(input.count, 1)) == parse(by: 1)
    }
}
