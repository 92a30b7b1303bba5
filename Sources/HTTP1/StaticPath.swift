package import Bytes

/// Request paths that may name a file.
package enum StaticPath {
    /// The components of a request path below a directory, percent-decoded; nil if it is not safe.
    ///
    /// Refused are `.` and `..`, names that begin with a dot, empty components, bad escapes, what
    /// is not UTF-8, and encoded or plain slashes, backslashes and control characters in a name.
    /// A path that ends in `/` names the `index` there. Each component is a single file name;
    /// following symbolic links is the caller's decision.
    package static func components(
        of path: SharedBytes,
        index: String = "index.html"
    ) -> [String]? {
        let bytes = path.bytes
        guard !bytes.isEmpty, bytes.byte(at: 0) == ASCII.slash else { return nil }
        var components: [String] = []
        var start = 1
        while start < bytes.byteCount {
            let end = bytes.firstIndex(of: ASCII.slash, from: start) ?? bytes.byteCount
            guard let name = component(bytes.extracting(start..<end)) else { return nil }
            components.append(name)
            if end == bytes.byteCount { return components }
            start = end + 1
        }
        components.append(index)
        return components
    }

    private static func component(_ bytes: RawSpan) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.byteCount)
        var offset = 0
        while offset < bytes.byteCount {
            var byte = bytes.byte(at: offset)
            offset += 1
            if byte == ASCII.percent {
                guard let value = PercentCoding.escape(bytes, at: offset - 1) else { return nil }
                byte = value
                offset += 2
            }
            guard byte >= ASCII.space, byte != ASCII.delete, byte != ASCII.slash,
                byte != ASCII.backslash
            else { return nil }
            decoded.append(byte)
        }
        guard let first = decoded.first, first != ASCII.dot else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }
}
