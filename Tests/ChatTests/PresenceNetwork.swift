@testable import Chat

/// Some replicas, a clock, and the messages between them, to lose, double and reorder.
struct PresenceNetwork {
    var replicas: [String: Presence] = [:]
    var now = Duration.zero
    var options: PresenceOptions
    /// Messages that were sent and not delivered, with their sender.
    var underway: [(from: String, message: PresenceMessage)] = []
    /// Everything that was sent.
    var sent: [PresenceMessage] = []
    /// What the replicas would log and publish.
    var news: [Presence.Action] = []
    private var starts = 0

    init(_ names: String..., options: PresenceOptions = PresenceOptions()) {
        self.options = options
        for name in names { start(name) }
        settle()
    }

    /// Starts a process of the replica `name`; `key` if it is not the only one of that name.
    mutating func start(_ name: String, as key: String? = nil) {
        starts += 1
        var presence = Presence(
            instance: "\(name)#\(starts)",
            replica: name,
            isClustered: true,
            maxRoomsPerSocket: 1000,
            options: options
        )
        let actions = presence.start(now: now)
        replicas[key ?? name] = presence
        perform(actions, from: key ?? name)
    }

    /// Ends a process without a word.
    mutating func crash(_ name: String) {
        replicas[name] = nil
        underway.removeAll { $0.from == name }
    }

    /// Ends a process properly.
    mutating func stop(_ name: String) {
        perform(replicas[name]?.stop() ?? [], from: name)
        deliver()
        replicas[name] = nil
    }

    /// Connects `socket` to `replica`, under its id as name, and joins rooms.
    mutating func join(_ replica: String, _ socket: String, _ rooms: String...) throws {
        replicas[replica]?.connect(socket, name: socket)
        for room in rooms { _ = try replicas[replica]?.join(room, socket: socket) }
    }

    /// Delivers what is under way to everybody but its sender.
    mutating func deliver() {
        let messages = underway
        underway = []
        for (sender, message) in messages {
            for name in replicas.keys where name != sender {
                replicas[name]?.receive(message, now: now)
            }
        }
    }

    /// One tick of all, a tenth of a second after the last; delivers nothing.
    mutating func tick() {
        now += .milliseconds(100)
        for name in replicas.keys.sorted() {
            perform(replicas[name]?.tick(now: now) ?? [], from: name)
        }
    }

    /// Ticks and delivers for `duration`.
    mutating func run(_ duration: Duration) {
        let end = now + duration
        while now < end {
            tick()
            deliver()
        }
    }

    /// Long enough for whatever was asked for to have come.
    mutating func settle() {
        run(.milliseconds(1500))
    }

    private mutating func perform(_ actions: [Presence.Action], from name: String) {
        for action in actions {
            switch action {
            case .send(let message):
                underway.append((name, message))
                sent.append(message)
            case .publish, .appeared, .lost:
                news.append(action)
            }
        }
    }

    /// Who `replica` thinks is in `room`: `socket@replica`, in order.
    mutating func members(_ room: String, seenBy replica: String) -> [String] {
        let presence = replicas[replica]?.presence(in: room)
        return presence?.members.map { "\($0.name)@\($0.replica)" } ?? []
    }
}
