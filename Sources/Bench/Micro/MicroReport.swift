import Bytes
import Glibc

/// What the micro benchmarks measured, where, and with which command.
struct MicroReport {
    /// Nanoseconds per operation, in the order of measuring.
    let results: [(name: String, nanoseconds: Double)]
    let machine: Machine
    let command: String

    /// Measures everything.
    static func measured() -> MicroReport {
        MicroReport(
            results: MicroBenchmark.all.map { ($0.name, $0.nanosecondsPerOperation()) },
            machine: .current,
            command: CommandLine.arguments.joined(separator: " ")
        )
    }

    /// Prints the report, for people or as one JSON object.
    func write(isJSON: Bool) {
        if isJSON {
            print(json)
        } else {
            print(
                "\(command), on \(machine.cores) cores of \(machine.processor), \(machine.system)"
            )
            for (name, nanoseconds) in results {
                let figure = Self.figure(nanoseconds)
                print(String(repeating: " ", count: max(0, 9 - figure.count)) + figure, "ns", name)
            }
        }
    }

    /// `{"command", "machine": {"processor", "cores", "system"}, "nanoseconds": {name: figure}}`.
    private var json: String {
        var text = ByteBuffer()
        text.append("{\"command\":")
        text.append(jsonString: command)
        text.append(",\"machine\":{\"processor\":")
        text.append(jsonString: machine.processor)
        text.append(",\"cores\":")
        text.append(decimal: machine.cores.magnitude)
        text.append(",\"system\":")
        text.append(jsonString: machine.system)
        text.append("},\"nanoseconds\":{")
        for (index, result) in results.enumerated() {
            if index > 0 { text.append(ASCII.comma) }
            text.append(jsonString: result.name)
            text.append(ASCII.colon)
            text.append(text: Self.figure(result.nanoseconds))
        }
        text.append("}}")
        return text.bytes.text
    }

    /// A figure with two decimals.
    private static func figure(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}

/// The machine that a figure was measured on.
struct Machine {
    let processor: String
    let cores: Int
    let system: String

    /// This machine, as far as Linux tells.
    static var current: Machine {
        let lines = InputFile.read("/proc/cpuinfo").map { String(decoding: $0, as: UTF8.self) }
        let model = lines?.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = model?.split(separator: ":", maxSplits: 1).last?.drop { $0 == " " }
        let release = InputFile.read("/proc/sys/kernel/osrelease") ?? []
        return Machine(
            processor: name.map { String($0) } ?? "an unknown processor",
            cores: sysconf(CInt(_SC_NPROCESSORS_ONLN)),
            system: "Linux " + String(decoding: release.filter { $0 > 0x20 }, as: UTF8.self)
        )
    }
}
