import Glibc

/// Fuzzes the parsers and measures them: `Bench fuzz`, `Bench micro` (style.md B10).
@main
struct Bench {
    static func main() {
        do throws(UsageError) {
            switch try BenchCommand(arguments: CommandLine.arguments.dropFirst()) {
            case .help: print(BenchCommand.usage)
            case .fuzz(let options): if !FuzzRun(options).run() { exit(1) }
            case .replay(let target, let path): try replay(path, target)
            case .micro(let isJSON): MicroReport.measured().write(isJSON: isJSON)
            }
        } catch {
            let line = "Bench: \(error.reason)\n"
            _ = write(STDERR_FILENO, line, line.utf8.count)
            exit(2)
        }
    }

    private static func replay(_ path: String, _ target: FuzzTarget) throws(UsageError) {
        guard let input = InputFile.read(path) else {
            throw UsageError(reason: "cannot read \(path)")
        }
        let agrees = target.run(input)
        print("\(target.rawValue): \(input.count) bytes, \(agrees ? "all agree" : "disagreement")")
        if !agrees { exit(1) }
    }
}
