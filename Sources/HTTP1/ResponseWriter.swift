package import Bytes

/// Writes responses (RFC 9112 §4–§6), each in one allocation.
///
/// Whatever an app gives leads to a well-formed response: control characters in a value become
/// spaces (no response splitting), a field whose name is no token is left out, and so are fields
/// that this writer sets itself (`Content-Length`, `Transfer-Encoding`, `Connection`, and `Date`
/// if one is given).
package enum ResponseWriter {
    /// Field names and values in their order.
    package typealias Fields = [(name: String, value: String)]

    /// What `Expect: 100-continue` is answered with (RFC 9110 §15.2.1).
    package static let continueResponse = SharedBytes("HTTP/1.1 100 Continue\r\n\r\n")

    /// Writes a complete response.
    ///
    /// - Parameters:
    ///   - status: 200…599; anything else becomes 500.
    ///   - fields: The fields besides those that this writer sets.
    ///   - body: Left out for `HEAD`, 204 and 304; `Content-Length` is sent for `HEAD`.
    ///   - isHead: Whether the method was `HEAD` (RFC 9110 §9.3.2).
    ///   - keepsAlive: What `Connection` says.
    ///   - date: The value of `Date`, see `HTTPDate`.
    /// - Returns: The bytes to send.
    package static func response(
        _ status: Int,
        fields: Fields = [],
        body: SharedBytes = SharedBytes(),
        isHead: Bool = false,
        keepsAlive: Bool,
        date: String? = nil
    ) -> SharedBytes {
        let status = finalStatus(status)
        let hasBody = !isHead && !isBodiless(status)
        let room = capacity(fields, date: date) + (hasBody ? body.count : 0)
        var buffer = ByteBuffer(capacity: room)
        writeHead(
            status,
            fields: fields,
            contentLength: body.count,
            keepsAlive: keepsAlive,
            date: date,
            into: &buffer
        )
        if hasBody { buffer.append(body) }
        return buffer.takeShared()
    }

    /// The reason phrase of a status (RFC 9110 §15, RFC 6585); empty for one without.
    package static func reason(_ status: Int) -> StaticString {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }

    private static func finalStatus(_ status: Int) -> Int {
        200...599 ~= status ? status : 500
    }

    /// Whether a response of that status never has a body (RFC 9112 §6.3, item 1).
    private static func isBodiless(_ status: Int) -> Bool { status == 204 || status == 304 }

    /// Enough for every line; the fixed ones and the longest reason take 128.
    private static func capacity(_ fields: Fields, date: String?) -> Int {
        var capacity = 128 + (date.map { $0.utf8.count + 8 } ?? 0)
        for field in fields { capacity += field.name.utf8.count + field.value.utf8.count + 4 }
        return capacity
    }

    private static func writeHead(
        _ status: Int,
        fields: Fields,
        contentLength: Int,
        keepsAlive: Bool,
        date: String?,
        into buffer: inout ByteBuffer
    ) {
        buffer.append("HTTP/1.1 ")
        buffer.append(decimal: UInt(status))
        buffer.append(ASCII.space)
        buffer.append(reason(status))
        buffer.append("\r\n")
        for field in fields where !isReserved(field.name, hasDate: date != nil) {
            write(field.name, field.value, into: &buffer)
        }
        if let date { write("Date", date, into: &buffer) }
        if !isBodiless(status) {
            buffer.append("Content-Length: ")
            buffer.append(decimal: UInt(max(0, contentLength)))
            buffer.append("\r\n")
        }
        buffer.append(
            keepsAlive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n"
        )
    }

    /// Whether anybody may write a field of that name: it is a token, and not about the message's
    /// length or the connection.
    package static func isFree(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy(Grammar.isToken) && !isReserved(name, hasDate: false)
    }

    /// Whether the writer alone decides about that field.
    private static func isReserved(_ name: String, hasDate: Bool) -> Bool {
        switch name.utf8.count {
        case 4: hasDate && name.lowercased() == "date"
        case 10: name.lowercased() == "connection"
        case 14: name.lowercased() == "content-length"
        case 17: name.lowercased() == "transfer-encoding"
        default: false
        }
    }

    private static func write(_ name: String, _ value: String, into buffer: inout ByteBuffer) {
        guard !name.isEmpty, name.utf8.allSatisfy(Grammar.isToken) else { return }
        buffer.append(text: name)
        buffer.append(": ")
        let start = buffer.count
        buffer.append(text: value)
        let range = start..<buffer.count
        if Grammar.firstInvalid(in: buffer.bytes, range) != nil {
            var bytes = buffer.mutableBytes
            for offset in range {
                let byte = bytes.bytes.byte(at: offset)
                if !Grammar.isFieldContent(byte) {
                    bytes.storeBytes(of: ASCII.space, toByteOffset: offset, as: UInt8.self)
                }
            }
        }
        buffer.append("\r\n")
    }
}
