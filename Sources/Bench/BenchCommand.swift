/// What is wrong with the command line.
struct UsageError: Error, Equatable {
    let reason: String
}

/// What the command line asks for.
enum BenchCommand: Equatable {
    case help
    case fuzz(FuzzOptions)
    case replay(FuzzTarget, path: String)
    case micro(isJSON: Bool)

    /// What `--help` prints.
    static let usage = """
        Bench fuzz <http|websocket|engineio|socketio|json|messagepack|redis|cluster|all> [options]
            --iterations N  inputs for each target (100000; without end where --seconds is given)
            --seconds T     at most this long for each target
            --seed S        the inputs follow from it and their number alone (1)
            --first I       the number of the first input (0)
            --dump FILE     write each input there before it is run, so that a trap leaves it
            --replay FILE   run this one input instead
        Bench micro [--json]
            nanoseconds per operation, the best of several runs
        """

    /// Reads the arguments after the program's name.
    ///
    /// - Throws: `UsageError` for what is unknown, missing or not a number.
    init(arguments: some Sequence<String>) throws(UsageError) {
        var rest = Array(arguments.reversed())
        switch rest.popLast() {
        case nil, "--help", "-h", "help":
            self = .help
        case "fuzz":
            self = try Self.fuzz(&rest)
        case "micro":
            let option = rest.popLast()
            guard option == nil || option == "--json", rest.isEmpty else {
                throw UsageError(reason: "micro takes --json only")
            }
            self = .micro(isJSON: option != nil)
        case let other?:
            throw UsageError(reason: "unknown command \(other), see --help")
        }
    }

    private static func fuzz(_ rest: inout [String]) throws(UsageError) -> BenchCommand {
        guard let name = rest.popLast() else { throw UsageError(reason: "fuzz what? See --help") }
        var options = FuzzOptions()
        if name != "all" {
            guard let target = FuzzTarget(rawValue: name) else {
                throw UsageError(reason: "unknown target \(name), see --help")
            }
            options.targets = [target]
        }
        var iterations: Int?
        var replayed: String?
        while let option = rest.popLast() {
            guard let value = rest.popLast() else {
                throw UsageError(reason: "\(option) needs a value")
            }
            switch option {
            case "--iterations": iterations = try number(value, of: option)
            case "--seconds": options.seconds = try number(value, of: option)
            case "--seed": options.seed = try number(value, of: option)
            case "--first": options.first = try number(value, of: option)
            case "--dump": options.dump = value
            case "--replay": replayed = value
            default: throw UsageError(reason: "unknown option \(option), see --help")
            }
        }
        options.iterations = iterations ?? (options.seconds == nil ? 100_000 : .max)
        guard let replayed else { return .fuzz(options) }
        guard options.targets.count == 1 else {
            throw UsageError(reason: "--replay needs one target")
        }
        return .replay(options.targets[0], path: replayed)
    }

    private static func number<Number: FixedWidthInteger>(
        _ text: String,
        of option: String
    ) throws(UsageError) -> Number {
        guard let number = Number(text), number >= 0 else {
            throw UsageError(reason: "\(option) takes a number, not \(text)")
        }
        return number
    }
}
