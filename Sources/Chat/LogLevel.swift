/// How much the chat server says, from least to most.
package enum LogLevel: String, CaseIterable, Comparable, Sendable {
    /// Something broke on our side.
    case error
    /// Something is wrong and the server goes on.
    case warning
    /// Who came, went, joined and said what.
    case info
    /// Everything else.
    case debug

    /// Orders the levels by how much they let through.
    package static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .error: 0
        case .warning: 1
        case .info: 2
        case .debug: 3
        }
    }
}
