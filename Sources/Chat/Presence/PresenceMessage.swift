/// What one replica tells the others about its members.
///
/// On the wire an object: `{"instance", "replica", "seq", "kind", …}`, the argument of the
/// server-side event ``event``.
package struct PresenceMessage: Equatable, Sendable {
    /// The name of the server-side event.
    package static let event = "chat:presence"
    /// The largest sequence number: what every JSON reader takes as a whole number.
    static let maxSequence = 9_007_199_254_740_991

    /// What it says.
    package enum Body: Equatable, Sendable {
        /// The sender has just started, has no members, and wants to hear of everybody's.
        case hello
        /// The sender lives.
        case beat
        /// What has changed since the previous delta; this one's number is `sequence`.
        case delta([PresenceChange])
        /// The instance `of` is asked for its snapshot.
        case ask(of: String)
        /// A part of the sender's snapshot, which holds all up to the delta `sequence`.
        case state(part: Int, parts: Int, [PresenceChange])
        /// The sender ends, and its members with it.
        case bye
    }

    /// The sender's process: another one after each start.
    package let instance: String
    /// The sender's name.
    package let replica: String
    /// The number of the sender's latest delta, 0 before the first.
    package let sequence: Int
    /// What it says.
    package let body: Body

    /// A message by its parts.
    package init(instance: String, replica: String, sequence: Int, body: Body) {
        self.instance = instance
        self.replica = replica
        self.sequence = sequence
        self.body = body
    }
}

/// What has changed about one socket.
package struct PresenceChange: Equatable, Sendable {
    /// The socket.
    package let id: String
    /// Its name; nil where it is known already.
    package var name: String?
    /// Rooms that it has joined.
    package var joins: [String] = []
    /// Rooms that it has left.
    package var leaves: [String] = []
    /// Whether it has left all its rooms.
    package var isGone = false

    /// A change of `id`, without anything changed so far.
    package init(id: String, name: String? = nil) {
        self.id = id
        self.name = name
    }
}

extension PresenceMessage: Codable {
    private enum Key: String, CodingKey {
        case instance
        case replica
        case sequence = "seq"
        case kind
        case of
        case part
        case parts
        case changes
    }

    private enum Kind: String, Codable {
        case hello
        case beat
        case delta
        case ask
        case state
        case bye
    }

    /// Reads a message.
    ///
    /// - Throws: `DecodingError` for anything that no replica sends.
    package init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        instance = try Self.identifier(object, .instance)
        replica = try Self.identifier(object, .replica)
        sequence = try Self.number(object, .sequence, in: 0...Self.maxSequence)
        switch try object.decode(Kind.self, forKey: .kind) {
        case .hello: body = .hello
        case .beat: body = .beat
        case .delta: body = .delta(try object.decode([PresenceChange].self, forKey: .changes))
        case .ask: body = .ask(of: try Self.identifier(object, .of))
        case .state:
            let parts = try Self.number(object, .parts, in: 1...1_000_000)
            body = .state(
                part: try Self.number(object, .part, in: 0...parts - 1),
                parts: parts,
                try object.decode([PresenceChange].self, forKey: .changes)
            )
        case .bye: body = .bye
        }
    }

    private static func identifier(
        _ object: KeyedDecodingContainer<Key>,
        _ key: Key
    ) throws -> String {
        let text = try object.decode(String.self, forKey: key)
        guard (1...64).contains(text.utf8.count) else {
            throw DecodingError.dataCorruptedError(
                forKey: key,
                in: object,
                debugDescription: "1 to 64 bytes"
            )
        }
        return text
    }

    private static func number(
        _ object: KeyedDecodingContainer<Key>,
        _ key: Key,
        in range: ClosedRange<Int>
    ) throws -> Int {
        let number = try object.decode(Int.self, forKey: key)
        guard range.contains(number) else {
            throw DecodingError.dataCorruptedError(
                forKey: key,
                in: object,
                debugDescription: "\(range)"
            )
        }
        return number
    }

    /// Writes the message.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(instance, forKey: .instance)
        try object.encode(replica, forKey: .replica)
        try object.encode(sequence, forKey: .sequence)
        switch body {
        case .hello: try object.encode(Kind.hello, forKey: .kind)
        case .beat: try object.encode(Kind.beat, forKey: .kind)
        case .delta(let changes):
            try object.encode(Kind.delta, forKey: .kind)
            try object.encode(changes, forKey: .changes)
        case .ask(let instance):
            try object.encode(Kind.ask, forKey: .kind)
            try object.encode(instance, forKey: .of)
        case .state(let part, let parts, let changes):
            try object.encode(Kind.state, forKey: .kind)
            try object.encode(part, forKey: .part)
            try object.encode(parts, forKey: .parts)
            try object.encode(changes, forKey: .changes)
        case .bye: try object.encode(Kind.bye, forKey: .kind)
        }
    }
}

extension PresenceChange: Codable {
    private enum Key: String, CodingKey {
        case id
        case name
        case joins = "in"
        case leaves = "out"
        case isGone = "gone"
    }

    /// Reads a change; what is left out is empty.
    ///
    /// - Throws: `DecodingError`.
    package init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        id = try object.decode(String.self, forKey: .id)
        name = try object.decodeIfPresent(String.self, forKey: .name)
        joins = try object.decodeIfPresent([String].self, forKey: .joins) ?? []
        leaves = try object.decodeIfPresent([String].self, forKey: .leaves) ?? []
        isGone = try object.decodeIfPresent(Bool.self, forKey: .isGone) ?? false
    }

    /// Writes the change without what is empty.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(id, forKey: .id)
        try object.encodeIfPresent(name, forKey: .name)
        if !joins.isEmpty { try object.encode(joins, forKey: .joins) }
        if !leaves.isEmpty { try object.encode(leaves, forKey: .leaves) }
        if isGone { try object.encode(true, forKey: .isGone) }
    }
}
