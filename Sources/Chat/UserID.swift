/// Who says something, as the client put it: a JSON string or a JSON number.
package enum UserID: Equatable, Sendable {
    /// Text.
    case text(String)
    /// A whole number that fits 64 bits.
    case integer(Int64)
    /// Any other number.
    case number(Double)
}

extension UserID: Codable {
    /// Reads a string or a number.
    ///
    /// - Throws: `DecodingError` where there is something else.
    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        // A `try?` here asks "is it this type?"; the last question throws when none fits.
        if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else {
            self = .number(try value.decode(Double.self))
        }
    }

    /// Writes it as it came.
    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .text(let text): try value.encode(text)
        case .integer(let integer): try value.encode(integer)
        case .number(let number): try value.encode(number)
        }
    }
}

extension UserID: CustomStringConvertible {
    /// The text, or the number's digits, for a log line.
    package var description: String {
        switch self {
        case .text(let text): text
        case .integer(let integer): String(integer)
        case .number(let number): String(number)
        }
    }
}
