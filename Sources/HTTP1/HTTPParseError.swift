/// Why a request is refused; the connection cannot be used after it.
package enum HTTPParseError: Error, Equatable, Sendable, CaseIterable {
    /// Not `method SP request-target SP HTTP-version` (RFC 9112 §3).
    case malformedRequestLine
    /// A byte or a form that no request target has (RFC 9112 §3.2).
    case invalidTarget
    /// Neither HTTP/1.0 nor HTTP/1.1 (RFC 9110 §15.6.6).
    case unsupportedVersion
    /// A line feed without a carriage return before it (RFC 9112 §2.2).
    case bareLineFeed
    /// A field line without a colon (RFC 9112 §5).
    case malformedField
    /// A field name that is not a token (RFC 9110 §5.1).
    case invalidFieldName
    /// Whitespace between a field name and its colon (RFC 9112 §5.1).
    case whitespaceBeforeColon
    /// A field value continued on a second line (RFC 9112 §5.2, `obs-fold`).
    case lineFolding
    /// A control character, among them CR and NUL, in a field value (RFC 9110 §5.5).
    case invalidFieldValue
    /// No `Host` in an HTTP/1.1 request (RFC 9112 §3.2).
    case missingHost
    /// More than one `Host` (RFC 9112 §3.2).
    case duplicateHost
    /// A `Host` or an authority that is no host with an optional port (RFC 9112 §3.2).
    case invalidHost
    /// A `Content-Length` that is no decimal number (RFC 9112 §6.3).
    case invalidContentLength
    /// Two values of `Content-Length` that differ (RFC 9112 §6.3).
    case conflictingContentLength
    /// Both `Content-Length` and `Transfer-Encoding`: a smuggling form (RFC 9112 §6.1).
    case contentLengthWithTransferEncoding
    /// A `Transfer-Encoding` that is no list of codings, repeats `chunked`, or comes with HTTP/1.0.
    case invalidTransferEncoding
    /// A transfer coding other than `chunked` (RFC 9112 §6.1).
    case unsupportedTransferCoding
    /// A chunk size, an extension or a chunk's end that breaks RFC 9112 §7.1.
    case malformedChunk
    /// The body is longer than its limit.
    case bodyTooLarge
    /// The request target is longer than its limit.
    case targetTooLong
    /// The head is longer than its limit.
    case headTooLarge
    /// The head has more field lines than its limit.
    case tooManyFields
    /// The trailer section is longer than its limit.
    case trailersTooLarge

    /// The status code of the answer (RFC 9110 §15, RFC 6585 §5).
    package var status: Int {
        switch self {
        case .malformedRequestLine, .invalidTarget, .bareLineFeed, .malformedField,
            .invalidFieldName, .whitespaceBeforeColon, .lineFolding, .invalidFieldValue,
            .missingHost, .duplicateHost, .invalidHost, .invalidContentLength,
            .conflictingContentLength, .contentLengthWithTransferEncoding,
            .invalidTransferEncoding, .malformedChunk:
            400
        case .bodyTooLarge: 413
        case .targetTooLong: 414
        case .headTooLarge, .tooManyFields, .trailersTooLarge: 431
        case .unsupportedTransferCoding: 501
        case .unsupportedVersion: 505
        }
    }
}
