import Wire

/// A way in which our codec and llhttp may read the same bytes differently, and why ours is right to.
struct Difference: Sendable {
    /// What we refuse with. Nil where it is llhttp that refuses.
    var error: HTTPParseError?
    /// What llhttp says, where it is the one that refuses.
    var theirs: String?
    var reason: String
    /// Whether it is for requests or for responses only.
    var isRequest: Bool?
    /// Whether the bytes, in lower case and as `shown` shows them, can be a case of it.
    var explains: @Sendable (String) -> Bool

    /// Everything that is known and meant. What is not here fails the test.
    static let all: [Difference] = stricter + laxer

    /// We refuse, llhttp accepts.
    private static let stricter: [Difference] = [
        Difference(error: .missingHost, reason: "RFC 9112 §3.2: no Host in HTTP/1.1 is 400", isRequest: true) {
            _ in true
        },
        Difference(error: .duplicateHost, reason: "RFC 9112 §3.2: two Hosts are 400", isRequest: true) {
            $0.contains("host")
        },
        Difference(error: .badHost, reason: "RFC 9112 §3.2: what is no host is 400", isRequest: true) {
            $0.contains("host")
        },
        Difference(error: .badHost, reason: "RFC 9110 §4.2.4: no user information", isRequest: true) {
            $0.contains("http://u@")
        },
        Difference(error: .badTransferEncoding, reason: "RFC 9112 §6.1: a coding in HTTP/1.0 is faulty framing") {
            $0.contains("http/1.0") && $0.contains("transfer-encoding")
        },
        Difference(error: .badTransferEncoding, reason: "RFC 9112 §6.1: no coding in 1xx and 204", isRequest: false) {
            $0.contains("http/1.1 1") || $0.contains("http/1.1 204")
        },
        Difference(error: .badTransferEncoding, reason: "only `chunked` alone; others could end elsewhere") {
            $0.contains("transfer-encoding")
        },
        Difference(error: .badContentLength, reason: "RFC 9110 §8.6: no length in 1xx and 204", isRequest: false) {
            $0.contains(" 1") || $0.contains(" 204")
        },
        Difference(error: .badContentLength, reason: "more than 18 digits") {
            $0.split { !$0.isNumber }.contains { $0.utf8.count > 18 }
        },
        Difference(error: .badFieldValue, reason: "RFC 9110 §7.6.1: Connection lists tokens") {
            $0.contains("connection")
        },
        Difference(error: .badMethod, reason: "CONNECT is never served", isRequest: true) { $0.contains("connect ") },
        Difference(error: .badTarget, reason: "`#` and `\\` are in no target, `//` hides a host", isRequest: true) {
            $0.contains("#") || $0.contains("\\") || $0.contains("//")
        },
        Difference(error: .badTarget, reason: "`*` is for OPTIONS", isRequest: true) { $0.contains("*") },
        Difference(error: .badTarget, reason: "a target begins with `/` or `http`", isRequest: true) {
            $0.contains(":")
        },
        Difference(error: .badVersion, reason: "one space before the version", isRequest: true) {
            $0.contains("  http")
        },
        Difference(error: .badVersion, reason: "only HTTP/1.0 and HTTP/1.1") {
            $0.contains("http/2.0") || $0.contains("http/0.9")
        },
        Difference(error: .badStartLine, reason: "one space before the target", isRequest: true) { $0.contains("  ") },
        Difference(error: .badStartLine, reason: "a reason phrase holds no control characters", isRequest: false) {
            $0.contains("http/1.")
        },
        Difference(error: .badStartLine, reason: "no LF, and at most one CRLF, before a start line") {
            $0.contains("\\n")
        },
        Difference(error: .bareCarriageReturn, reason: "no CR alone before a start line", isRequest: true) {
            $0.contains("\\r")
        },
        Difference(error: .badMethod, reason: "at most one CRLF before a start line", isRequest: true) {
            $0.contains("\\r\\n\\r\\n")
        },
        Difference(error: .badStatus, reason: "RFC 9110 §15: a status is in 100...599", isRequest: false) {
            $0.contains("http/1.")
        },
        Difference(error: .badChunk, reason: "more than 15 digits of size") {
            $0.contains("000000000000000") || $0.contains("ffffffffffffffff")
        },
        Difference(error: .badChunk, reason: "RFC 9112 §7.1.1: a chunk extension is a token, or a token and a value") {
            $0.contains(";")
        },
        Difference(error: .badTrailer, reason: "RFC 9110 §6.5.1: no framing and routing in trailers") {
            $0.contains("host") || $0.contains("content-length") || $0.contains("transfer-encoding")
        },
    ]

    /// llhttp refuses, we accept or still wait.
    private static let laxer: [Difference] = [
        Difference(
            error: nil,
            theirs: "invalid HTTP method",
            reason: "RFC 9110 §9.1: any token is a method",
            isRequest: true
        ) { _ in true },
        Difference(
            error: nil,
            theirs: "invalid HTTP version",
            reason: "PRI is a method like others; its version rules",
            isRequest: true
        ) { $0.contains("pri ") },
        Difference(
            error: nil,
            theirs: "data received after completed connection: close message",
            reason: "Proxy-Connection is no field of HTTP (RFC 9112 appendix C.2.2)"
        ) { $0.contains("proxy-connection") },
        Difference(
            error: nil,
            theirs: "data received after completed connection: close message",
            reason: "RFC 9112 §9.6: the connection ends with the final response, not with an interim one",
            isRequest: false
        ) { $0.contains("http/1.1 1") },
        Difference(
            error: nil,
            theirs: "invalid character in content-length header",
            reason: "RFC 9110 §5.5: a tab behind a value is white space"
        ) { $0.contains("\\x9\\r\\n") },
    ]
}
