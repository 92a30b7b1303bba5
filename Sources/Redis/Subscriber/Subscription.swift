import Bytes

/// How a subscription names what it wants.
package enum SubscriptionKind: Sendable, CaseIterable {
    /// One channel, `SUBSCRIBE`.
    case channel
    /// All channels whose names match, `PSUBSCRIBE`.
    case pattern
    /// One sharded channel, `SSUBSCRIBE` (Redis 7).
    case shard

    /// What begins it.
    var subscribe: String {
        switch self {
        case .channel: "SUBSCRIBE"
        case .pattern: "PSUBSCRIBE"
        case .shard: "SSUBSCRIBE"
        }
    }

    /// What ends it.
    var unsubscribe: String {
        switch self {
        case .channel: "UNSUBSCRIBE"
        case .pattern: "PUNSUBSCRIBE"
        case .shard: "SUNSUBSCRIBE"
        }
    }
}

/// A subscription's kind and name.
struct SubscriptionKey: Hashable, Sendable {
    let kind: SubscriptionKind
    let name: SharedBytes

    static func == (left: SubscriptionKey, right: SubscriptionKey) -> Bool {
        left.kind == right.kind && left.name == right.name
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        name.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

/// One push of Redis in subscriber mode, or an answer there (RESP2).
enum Push {
    case message(SubscriptionKey, channel: SharedBytes, payload: SharedBytes)
    case subscribed(SubscriptionKey)
    case unsubscribed(SubscriptionKey)
    case pong
    case error(String)

    /// Reads a reply; nil if it is none of these.
    init?(_ reply: borrowing RedisReply) {
        switch copy reply {
        case .error(let line):
            self = .error(line)
        case .status(let text):
            // Without a subscription Redis answers PING as to anybody.
            guard text.bytes.isEqual(to: "PONG") else { return nil }
            self = .pong
        case .array(let elements):
            guard let push = Push(elements) else { return nil }
            self = push
        case .null, .integer, .bulk:
            return nil
        }
    }

    private init?(_ elements: [RedisReply]) {
        guard elements.count > 1, case .bulk(let word) = elements[0] else { return nil }
        let bytes = word.bytes
        if bytes.isEqual(to: "pong") {
            self = .pong
            return
        }
        guard elements.count > 2, case .bulk(let name) = elements[1] else { return nil }
        // Most frequent first.
        if bytes.isEqual(to: "pmessage") {
            guard elements.count == 4, case .bulk(let channel) = elements[2],
                case .bulk(let payload) = elements[3]
            else { return nil }
            let key = SubscriptionKey(kind: .pattern, name: name)
            self = .message(key, channel: channel, payload: payload)
        } else if bytes.isEqual(to: "message") || bytes.isEqual(to: "smessage") {
            guard elements.count == 3, case .bulk(let payload) = elements[2] else { return nil }
            let kind: SubscriptionKind = word.count == 7 ? .channel : .shard
            let key = SubscriptionKey(kind: kind, name: name)
            self = .message(key, channel: name, payload: payload)
        } else {
            guard elements.count == 3, case .integer = elements[2] else { return nil }
            switch word.text {
            case "subscribe": self = .subscribed(SubscriptionKey(kind: .channel, name: name))
            case "psubscribe": self = .subscribed(SubscriptionKey(kind: .pattern, name: name))
            case "ssubscribe": self = .subscribed(SubscriptionKey(kind: .shard, name: name))
            case "unsubscribe": self = .unsubscribed(SubscriptionKey(kind: .channel, name: name))
            case "punsubscribe": self = .unsubscribed(SubscriptionKey(kind: .pattern, name: name))
            case "sunsubscribe": self = .unsubscribed(SubscriptionKey(kind: .shard, name: name))
            default: return nil
            }
        }
    }
}
