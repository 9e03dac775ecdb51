import Wire

/// A way in which our codec and llhttp may read the same bytes differently, and why ours is right to.
struct Difference: Sendable {
    /// What we refuse with.
    ///
    /// Nil where it is llhttp that refuses.
    var error: HTTPParseError?
    /// What llhttp says, where it is the one that refuses.
    var theirs: String?
    var reason: String
    /// Whether it is for requests or for responses only.
    var isRequest: Bool?
    /// Whether the bytes can be a case of it.
    ///
    /// In lower case and as `shown` shows them, from the refused message on.
    var explains: @Sendable (String) -> Bool

    /// Everything that is known and meant.
    ///
    /// What is not here fails the test.
    static let all: [Difference] = framing + routing + lines + chunks + laxer

    /// We refuse, llhttp accepts.
    private static func stricter(
        _ error: HTTPParseError,
        _ reason: String,
        isRequest: Bool? = nil,
        _ explains: @escaping @Sendable (String) -> Bool
    ) -> Difference {
        Difference(error: error, theirs: nil, reason: reason, isRequest: isRequest, explains: explains)
    }

    /// The start line of the refused message.
    private static func startLine(_ text: String) -> Substring {
        text.range(ofLineEnd: "\\r\\n").map { text[..<$0] } ?? text[...]
    }

    private static let framing: [Difference] = [
        stricter(.badTransferEncoding, "RFC 9112 §6.1: a coding in HTTP/1.0 is faulty framing") {
            startLine($0).contains("http/1.0") && $0.contains("transfer-encoding")
        },
        stricter(.badTransferEncoding, "RFC 9112 §6.1: no coding in 1xx and 204", isRequest: false) {
            $0.hasPrefix("http/1.1 1") || $0.hasPrefix("http/1.1 204")
        },
        stricter(.badTransferEncoding, "only `chunked` alone; others could end elsewhere") {
            $0.contains("transfer-encoding")
        },
        stricter(.badContentLength, "RFC 9110 §8.6: no length in 1xx and 204", isRequest: false) {
            $0.hasPrefix("http/1.1 1") || startLine($0).contains(" 204")
        },
        stricter(.badContentLength, "more than 18 digits") {
            $0.split { !$0.isNumber }.contains { $0.utf8.count > 18 }
        },
        stricter(.badFieldValue, "RFC 9110 §7.6.1: Connection lists tokens") { $0.contains("connection") },
    ]

    private static let routing: [Difference] = [
        stricter(.missingHost, "RFC 9112 §3.2: no Host in HTTP/1.1 is 400", isRequest: true) {
            startLine($0).hasSuffix("http/1.1")
        },
        stricter(.duplicateHost, "RFC 9112 §3.2: two Hosts are 400", isRequest: true) {
            $0.contains("host:")
        },
        stricter(.badHost, "RFC 9112 §3.2: what is no host, or another than the target's, is 400", isRequest: true) {
            $0.contains("host:") || startLine($0).contains("http://")
        },
        stricter(.badMethod, "CONNECT is never served", isRequest: true) { $0.hasPrefix("connect ") },
        stricter(.badTarget, "`#` and `\\` are in no target, `//` hides a host", isRequest: true) {
            startLine($0).contains("#") || startLine($0).contains("\\x5c") || startLine($0).contains(" //")
        },
        stricter(.badTarget, "`*` is for OPTIONS", isRequest: true) {
            startLine($0).contains(" *") && !$0.hasPrefix("options * ")
        },
        stricter(.badTarget, "a target begins with `/` or `http`", isRequest: true) {
            startLine($0).contains(" http/") && !startLine($0).contains(" /") && !startLine($0).contains(" http:")
        },
        stricter(.badTarget, "an absolute target has a path", isRequest: true) {
            startLine($0).contains(" http:")
        },
    ]

    private static let lines: [Difference] = [
        stricter(.badTarget, "a request line has a version; there is no HTTP/0.9", isRequest: true) {
            !startLine($0).contains(" http/")
        },
        stricter(.badVersion, "one space before the version", isRequest: true) { startLine($0).contains("  http") },
        stricter(.badVersion, "only HTTP/1.0 and HTTP/1.1") {
            startLine($0).contains("http/2.0") || startLine($0).contains("http/0.9")
        },
        stricter(.badStartLine, "one space before the target", isRequest: true) { startLine($0).contains("  ") },
        stricter(.badStartLine, "a reason phrase holds no control characters", isRequest: false) {
            startLine($0).contains("\\x")
        },
        stricter(.bareCarriageReturn, "a CR in a reason phrase ends it", isRequest: false) {
            startLine($0).contains("\\r")
        },
        stricter(.badStartLine, "no LF before a start line") { $0.hasPrefix("\\n") },
        stricter(.badStartLine, "no line end before a status line", isRequest: false) { $0.hasPrefix("\\r") },
        stricter(.bareCarriageReturn, "no CR alone before a start line", isRequest: true) { $0.hasPrefix("\\r") },
        stricter(.badMethod, "at most one CRLF before a start line", isRequest: true) {
            $0.hasPrefix("\\r\\n\\r") || $0.hasPrefix("\\r\\n\\n")
        },
        stricter(.badStatus, "RFC 9110 §15: a status is in 100...599", isRequest: false) { $0.hasPrefix("http/1.") },
    ]

    private static let chunks: [Difference] = [
        stricter(.badChunk, "more than 15 digits of size") {
            $0.contains("000000000000000") || $0.contains("ffffffffffffffff")
        },
        stricter(.badChunk, "RFC 9112 §7.1.1: a chunk extension is a token, or a token and a value") {
            $0.contains(";")
        },
        stricter(.badTrailer, "RFC 9110 §6.5.1: no framing and routing in trailers") {
            $0.contains("host:") || $0.contains("content-length:") || $0.contains("transfer-encoding:")
        },
    ]

    /// llhttp refuses, we accept or still wait.
    private static let laxer: [Difference] = [
        Difference(
            theirs: "invalid HTTP method",
            reason: "RFC 9110 §9.1: any token is a method",
            isRequest: true
        ) { _ in true },
        Difference(theirs: "invalid HTTP version", reason: "PRI is a method like others", isRequest: true) {
            $0.contains("pri ")
        },
        Difference(
            theirs: "data received after completed connection: close message",
            reason: "Proxy-Connection is no field of HTTP (RFC 9112 appendix C.2.2)"
        ) { $0.contains("proxy-connection") },
        Difference(
            theirs: "data received after completed connection: close message",
            reason: "RFC 9112 §9.6: the connection ends with the final response, not with an interim one",
            isRequest: false
        ) { $0.contains("http/1.1 1") },
        Difference(
            theirs: "invalid character in content-length header",
            reason: "RFC 9110 §5.5: a tab behind a value is white space"
        ) { $0.contains("\\x9\\r\\n") },
    ]
}

extension String {
    /// Where the first `lineEnd` begins that is not at the very start.
    fileprivate func range(ofLineEnd lineEnd: String) -> Index? {
        var index = self.hasPrefix(lineEnd) ? self.index(self.startIndex, offsetBy: lineEnd.count) : self.startIndex
        while index < self.endIndex {
            if self[index...].hasPrefix(lineEnd) { return index }
            index = self.index(after: index)
        }
        return nil
    }
}
