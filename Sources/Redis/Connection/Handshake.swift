import Bytes

/// What is said first on each connection: who we are, which database, and whether Redis is up.
///
/// All of it leaves at once; the answers are taken one by one.
struct Handshake {
    private enum Step {
        case authenticate
        case select
        case setName
        case ping

        var command: String {
            switch self {
            case .authenticate: "AUTH"
            case .select: "SELECT"
            case .setName: "CLIENT SETNAME"
            case .ping: "PING"
            }
        }
    }

    private var left: ArraySlice<Step>
    /// The commands in RESP.
    let request: SharedBytes

    init(_ options: RedisOptions) {
        var steps: [Step] = []
        var buffer = ByteBuffer()
        func add(_ step: Step, _ command: RedisCommand) {
            steps.append(step)
            command.encode(into: &buffer)
        }
        let address = options.address
        if let password = address.password {
            let command = address.user.map { RedisCommand("AUTH", $0, password) }
            add(.authenticate, command ?? RedisCommand("AUTH", password))
        }
        if address.database != 0 { add(.select, RedisCommand("SELECT", address.database)) }
        if let name = options.clientName { add(.setName, RedisCommand("CLIENT", "SETNAME", name)) }
        add(.ping, RedisCommand("PING"))
        left = steps[...]
        request = buffer.takeShared()
    }

    /// Takes the next answer; true when it was the last.
    ///
    /// - Throws: `RedisFault` when Redis refuses a command that matters, or answers nonsense.
    mutating func take(_ reply: RedisReply) throws(RedisFault) -> Bool {
        guard let step = left.popFirst() else { return true }
        switch (step, reply) {
        case (.setName, _):
            // Whether Redis shows our name is of no consequence.
            break
        case (.authenticate, .error(let line)), (.select, .error(let line)),
            (.ping, .error(let line)):
            throw .refused(command: step.command, line: line)
        case (.ping, _):
            guard reply.isStatus("PONG") else { throw .unexpected(reply, to: step.command) }
        case (.authenticate, _), (.select, _):
            guard reply.isStatus("OK") else { throw .unexpected(reply, to: step.command) }
        }
        return left.isEmpty
    }
}

extension RedisFault {
    /// A reply that no Redis gives to `command`.
    static func unexpected(_ reply: RedisReply, to command: String) -> RedisFault {
        .protocolViolation("\(command) was answered with \(String("\(reply)".prefix(80)))")
    }

    /// A message or a reply that nothing was sent for.
    static func unasked(_ reply: RedisReply) -> RedisFault {
        .protocolViolation("a reply that nobody asked for: \(String("\(reply)".prefix(80)))")
    }

    /// Whether trying again soon is of no use: somebody has to change something first.
    var isRefusal: Bool {
        switch self {
        case .refused: true
        case .unreachable, .disconnected, .silent, .unusable, .protocolViolation, .replyTooLong,
            .closed:
            false
        }
    }

    /// The fault that an error line to any command stands for: Redis cannot serve us any more.
    ///
    /// A new connection waits until it can (`LOADING`, `MASTERDOWN`), or leads to the new master
    /// (`READONLY`, where a name stands for whoever is the master).
    init?(unusable line: String) {
        let codes = ["LOADING ", "MASTERDOWN ", "READONLY ", "NOAUTH "]
        guard codes.contains(where: line.hasPrefix) else { return nil }
        self = .unusable(line: line)
    }
}
