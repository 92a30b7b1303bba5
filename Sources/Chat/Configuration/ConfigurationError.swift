/// What is wrong with a command line or an environment; ``description`` says it in one line.
package enum ConfigurationError: Error, Equatable, Sendable {
    /// There is no such flag.
    case unknownFlag(String)
    /// Something that is no flag stands where a flag is expected.
    case unexpectedArgument(String)
    /// The last flag has no value, or another flag follows it.
    case missingValue(flag: String)
    /// The value of a flag or variable is not a whole number in `range`.
    case notInRange(source: String, value: String, range: ClosedRange<Int>)
    /// The value of a flag or variable is not what `expected` names.
    case notAllowed(source: String, value: String, expected: String)
}

extension ConfigurationError: CustomStringConvertible {
    /// The whole story in one line, for standard error.
    package var description: String {
        switch self {
        case .unknownFlag(let flag):
            "unknown flag \(OneLine.quoted(flag)); --help lists them all"
        case .unexpectedArgument(let argument):
            "unexpected argument \(OneLine.quoted(argument)); --help lists the flags"
        case .missingValue(let flag):
            "\(flag) needs a value; --help says which"
        case .notInRange(let source, let value, let range):
            "\(source) must be a whole number from \(range.lowerBound) to \(range.upperBound), "
                + "not \(OneLine.quoted(value))"
        case .notAllowed(let source, let value, let expected):
            "\(source) must be \(expected), not \(OneLine.quoted(value))"
        }
    }
}
