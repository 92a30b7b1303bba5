package import Bytes

/// Long-polling by script elements, for pages without any other way (protocol.md §6, JSONP).
package enum JSONPayload {
    /// The script that hands `payload` to the page: `___eio[0]("…");`.
    ///
    /// - Parameters:
    ///   - payload: A text body.
    ///   - index: The digits of the page's `j`, which may be none.
    /// - Returns: JavaScript; U+2028 and U+2029, which end its lines, are escaped.
    package static func script(_ payload: RawSpan, index: RawSpan) -> SharedBytes {
        var script = ByteBuffer(capacity: payload.byteCount + index.byteCount + 32)
        script.append("___eio[")
        script.append(index)
        script.append("](")
        let opening = script.count
        script.append(jsonString: payload)
        if let escaped = escapedLineSeparators(script.bytes, from: opening) {
            script = escaped
        }
        script.append(");")
        return script.takeShared()
    }

    /// The digits of the `j` parameter, all else left out: they become part of a script.
    package static func index(parameter: String) -> SharedBytes {
        var digits = ByteBuffer()
        // As many as an index may sensibly have.
        for byte in parameter.utf8.lazy.filter(ASCII.isDigit).prefix(20) { digits.append(byte) }
        return digits.takeShared()
    }

    /// The payload in the form field `d`: `\n` is a line feed, and `\\n` is what `\n` was.
    ///
    /// Forms change line ends, so clients escape them.
    package static func payload(field: RawSpan) -> SharedBytes {
        var payload = ByteBuffer(capacity: field.byteCount)
        var start = 0
        while let backslash = field.firstIndex(of: ASCII.backslash, from: start) {
            payload.append(field.extracting(start..<backslash))
            let rest = field.extracting(backslash..<field.byteCount)
            if rest.hasPrefix("\\\\n") {
                payload.append("\\n")
                start = backslash + 3
            } else if rest.hasPrefix("\\n") {
                payload.append(ASCII.lineFeed)
                start = backslash + 2
            } else {
                payload.append(ASCII.backslash)
                start = backslash + 1
            }
        }
        payload.append(field.extracting(start..<field.byteCount))
        return payload.takeShared()
    }

    /// `script` with U+2028 (E2 80 A8) and U+2029 (E2 80 A9) escaped; nil if it has none.
    private static func escapedLineSeparators(
        _ script: RawSpan,
        from start: Int
    ) -> ByteBuffer? {
        guard var found = nextSeparator(in: script, from: start) else { return nil }
        var escaped = ByteBuffer(capacity: script.byteCount + 64)
        var copied = 0
        while true {
            escaped.append(script.extracting(copied..<found))
            escaped.append(script.byte(at: found + 2) == 0xA8 ? "\\u2028" : "\\u2029")
            copied = found + 3
            guard let next = nextSeparator(in: script, from: copied) else { break }
            found = next
        }
        escaped.append(script.extracting(copied..<script.byteCount))
        return escaped
    }

    private static func nextSeparator(in script: RawSpan, from start: Int) -> Int? {
        var start = start
        while let lead = script.firstIndex(of: 0xE2, from: start) {
            if lead + 2 < script.byteCount, script.byte(at: lead + 1) == 0x80,
                script.byte(at: lead + 2) & 0xFE == 0xA8
            {
                return lead
            }
            start = lead + 1
        }
        return nil
    }
}
