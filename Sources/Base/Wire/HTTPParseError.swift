/// Why bytes are not an HTTP/1.1 message that we accept.
///
/// A closed set, so it is safe as a metric label.
///
/// After any of these the connection must be closed: where the next message begins is not known.
package enum HTTPParseError: String, Error, Sendable, Equatable, CaseIterable {
    /// The start line has another shape than its grammar.
    case badStartLine
    /// The method is not a token, is too long, or is CONNECT, which a gateway never serves.
    case badMethod
    /// The request target has a form or a byte that is not allowed, or its path is not in its one normal spelling.
    case badTarget
    /// The version is not exactly `HTTP/1.0` or `HTTP/1.1`.
    case badVersion
    /// The status code is not three digits in 100...599.
    case badStatus
    /// A field name is empty, is not a token, or is followed by white space.
    case badFieldName
    /// A field value holds a control character, or a `Connection` field lists something that is not a token.
    case badFieldValue
    /// A field line begins with white space: a folded line of old, or white space after the start line.
    case obsoleteFold
    /// A line ends in LF without CR.
    case bareLineFeed
    /// A CR is not followed by LF.
    case bareCarriageReturn
    /// An HTTP/1.1 request names no host.
    case missingHost
    /// A request names its host twice.
    case duplicateHost
    /// The host is empty, is not a host and port, or differs from the one in the request target.
    case badHost
    /// `Content-Length` is not 1 to 18 digits, is given twice, or stands where it must not.
    case badContentLength
    /// `Content-Length` and `Transfer-Encoding` are both given.
    case conflictingFraming
    /// `Transfer-Encoding` is not exactly one `chunked`, or stands where it must not.
    case badTransferEncoding
    /// The chunked coding is broken.
    case badChunk
    /// A chunk-size line, or all chunk extensions of a body together, are too long.
    case chunkLineTooLong
    /// The trailer section is not a list of fields, or holds one that would change framing or routing.
    case badTrailer
    /// The trailer section is too long.
    case trailerTooLarge
    /// The head is longer than `HTTPLimits.headBytesMax`.
    case headTooLarge
    /// There are more than `HTTPLimits.fieldCountMax` fields.
    case tooManyFields
    /// The start line is longer than `HTTPLimits.startLineBytesMax`.
    case startLineTooLong
    /// The connection ended before the message did.
    case unexpectedEnd

    /// Whether the message was refused for its size: the answer is 431 rather than 400 (row 4).
    package var isTooLarge: Bool {
        switch self {
        case .headTooLarge, .tooManyFields, .startLineTooLong, .trailerTooLarge: true
        default: false
        }
    }
}
