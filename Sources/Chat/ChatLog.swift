import Glibc

/// The chat server's log: one line per event, to standard error unless told otherwise.
///
/// ```
/// 2026-11-21T08:30:00.250Z info joined who="Ada" room="general" members=2
/// ```
/// Usable from any thread: every line leaves in one `write(2)`, and lines below `PIPE_BUF`
/// (4096 bytes) do not mix even when several processes share a pipe.
package struct ChatLog: Sendable {
    /// What a field says beside its name.
    package enum Value: Sendable, ExpressibleByStringLiteral {
        /// Text of unknown origin: quoted, escaped and cut.
        case text(String)
        /// A number of our own, written as it is.
        case number(Int)

        /// A field with a constant text.
        package init(stringLiteral text: String) {
            self = .text(text)
        }
    }

    /// The most that is written.
    package let level: LogLevel
    /// Where the escaped text of one field is cut.
    package let maxValueBytes: Int
    private let descriptor: Int32

    /// A log to `descriptor` of what is not above `level`.
    package init(level: LogLevel, descriptor: Int32 = STDERR_FILENO, maxValueBytes: Int = 1000) {
        self.level = level
        self.descriptor = descriptor
        self.maxValueBytes = maxValueBytes
    }

    /// Something broke on our side.
    package func error(_ event: String, _ fields: @autoclosure () -> Fields = [:]) {
        write(.error, event, fields)
    }

    /// Something is wrong and the server goes on.
    package func warning(_ event: String, _ fields: @autoclosure () -> Fields = [:]) {
        write(.warning, event, fields)
    }

    /// Somebody came, went, joined or said something.
    package func info(_ event: String, _ fields: @autoclosure () -> Fields = [:]) {
        write(.info, event, fields)
    }

    /// What only a developer wants to know.
    package func debug(_ event: String, _ fields: @autoclosure () -> Fields = [:]) {
        write(.debug, event, fields)
    }

    /// Names and values, in the order in which the line shows them.
    package typealias Fields = KeyValuePairs<String, Value>

    private func write(_ level: LogLevel, _ event: String, _ fields: () -> Fields) {
        guard level <= self.level else { return }
        send(line(level, event, fields(), at: .now))
    }

    /// The line for one event, its line feed included.
    func line(_ level: LogLevel, _ event: String, _ fields: Fields, at time: Timestamp) -> String {
        var line = "\(time) \(level.rawValue) "
        OneLine.append(event, limitInBytes: maxValueBytes, to: &line)
        for (name, value) in fields {
            line.append(" \(name)=")
            switch value {
            case .text(let text):
                OneLine.appendQuoted(text, limitInBytes: maxValueBytes, to: &line)
            case .number(let number):
                line.append(String(number))
            }
        }
        line.append("\n")
        return line
    }

    /// Writes a whole line; what the descriptor refuses is lost, for a log has nobody to tell.
    private func send(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Glibc.write(
                    descriptor,
                    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[sent...])
                        .baseAddress,
                    bytes.count - sent
                )
                if count > 0 {
                    sent += count
                } else if count == 0 || errno != EINTR {
                    return
                }
            }
        }
    }
}
