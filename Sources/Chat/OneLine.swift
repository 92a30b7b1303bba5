/// Text of unknown origin made fit for one line of a log or an error message.
///
/// Whatever could start a new line, move the cursor or reorder what a terminal shows is written
/// as an escape, so no user can forge a line or hide a part of one.
enum OneLine {
    /// Appends `text` in double quotes, cut after `limitInBytes` bytes of escaped text.
    static func appendQuoted(_ text: String, limitInBytes: Int, to line: inout String) {
        line.append("\"")
        append(text, limitInBytes: limitInBytes, to: &line)
        line.append("\"")
    }

    /// Appends `text` without quotes, cut after `limitInBytes` bytes of escaped text.
    static func append(_ text: String, limitInBytes: Int, to line: inout String) {
        var room = limitInBytes
        for scalar in text.unicodeScalars {
            let piece = escaped(scalar)
            room -= piece.utf8.count
            guard room >= 0 else {
                line.append("…")
                return
            }
            line.append(piece)
        }
    }

    /// `text` in double quotes, for an error message.
    static func quoted(_ text: String, limitInBytes: Int = 100) -> String {
        var line = ""
        appendQuoted(text, limitInBytes: limitInBytes, to: &line)
        return line
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: isPlain(scalar) ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
        }
    }

    /// Whether `scalar` stays inside its line and its place: no control (Cc), no line or paragraph
    /// separator (Zl, Zp), and none of the invisible formats (Cf) that reorder or hide text.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value < 0x7f { return scalar.value >= 0x20 }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return false
        default: return true
        }
    }
}
