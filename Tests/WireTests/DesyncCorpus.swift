import Testing
import Wire

/// A request on which two HTTP parsers could disagree, and what ours must say of it (row 1).
struct DesyncShape: Sendable, CustomTestStringConvertible {
    var name: String
    /// The request and behind it a second one, which must never be read on its own.
    var bytes: [UInt8]
    var error: HTTPParseError

    var testDescription: String { self.name }
}

/// Text in which each character below U+0100 is one byte.
func latin1(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
}

enum DesyncCorpus {
    static let second = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n"

    static let all: [DesyncShape] = [
        codings, codingNames, lengths, lengthPairs, lineEnds, folds, startLines, hosts, targets, chunks, trailers,
        fieldNames,
    ].flatMap { $0 }

    private static func shape(
        _ family: String,
        _ head: String,
        _ body: String,
        _ error: HTTPParseError
    ) -> DesyncShape {
        let name = "\(family): \(shown(latin1(head)).prefix(90)) + \(shown(latin1(body)).prefix(40))"
        return DesyncShape(name: name, bytes: latin1(head + body + self.second), error: error)
    }

    private static func post(
        _ family: String,
        _ fields: String,
        _ body: String,
        _ error: HTTPParseError
    ) -> DesyncShape {
        self.shape(family, "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n", body, error)
    }

    // MARK: - Transfer-Encoding

    private static var codings: [DesyncShape] {
        let values = [
            "chunked, chunked", "x, chunked", "chunked, x", "identity", "gzip, chunked", "chunked, gzip", "xchunked",
            "chunkedx", "chunked;q=1", "chunked;", "\"chunked\"", "'chunked'", "chunked,", ",chunked", ", chunked",
            "chun ked", "chunked chunked", "identity, chunked", "chunked, identity", "", "chunk", "cow", "chunked/1",
            "chunked\u{A0}", "\u{A0}chunked", "ch\u{DC}nked", "trailers", "deflate", "0", "chunked\t,\tchunked",
        ]
        var shapes: [DesyncShape] = []
        for value in values {
            let field = "Transfer-Encoding: \(value)"
            let body = "5\r\nhello\r\n0\r\n\r\n"
            shapes.append(self.post("TE", field, body, .badTransferEncoding))
            shapes.append(self.post("CL TE", "Content-Length: 5\r\n\(field)", body, .badTransferEncoding))
            shapes.append(self.post("TE CL", "\(field)\r\nContent-Length: 5", body, .badTransferEncoding))
        }
        for value in ["chunked\u{0B}", "\u{0B}chunked", "chunked\0", "chu\u{1}nked", "chunked\u{7F}"] {
            shapes.append(self.post("TE", "Transfer-Encoding: \(value)", "0\r\n\r\n", .badFieldValue))
        }
        for pair in [("chunked", "chunked"), ("chunked", "identity"), ("identity", "chunked"), ("chunked", "x")] {
            let fields = "Transfer-Encoding: \(pair.0)\r\nTransfer-encoding: \(pair.1)"
            shapes.append(self.post("TE twice", fields, "0\r\n\r\n", .badTransferEncoding))
        }
        let old = "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
        shapes.append(self.shape("TE in 1.0", old, "0\r\n\r\n", .badTransferEncoding))
        return shapes
    }

    private static var codingNames: [DesyncShape] {
        let cases: [String] = [
            "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", "Transfer-Encoding\u{0B}: chunked",
            "Transfer-Encoding\0: chunked", "Transfer-\0Encoding: chunked", "Transfer\u{A0}-Encoding: chunked",
            "Transfer Encoding: chunked", "Transfer-Encoding", "Transfer-Encoding chunked",
            "\0Transfer-Encoding: chunked", "Foo: bar\r\n\u{0B}Transfer-Encoding: chunked",
            "(x)Transfer-Encoding: chunked", "Transfer-Encoding;: chunked",
            "\"Transfer-Encoding\": chunked", "Transfer-Encoding\u{85}: chunked", "Transfer-Encoding@: chunked",
        ]
        return cases.map { self.post("TE name", "\($0)\r\nContent-Length: 5", "hello", .badFieldName) }
    }

    // MARK: - Content-Length

    private static var lengths: [DesyncShape] {
        let values = [
            "+5", "-5", "-0", "5 5", "5,5", "5, 5", "5, 6", "5,", ",5", "0x5", "0X5", "5.0", "5e0", "", "5;", "\"5\"",
            "1_0", "5a", "a", "5\u{A0}", "\u{A0}5", "\u{B2}", "18446744073709551621", "9223372036854775808",
            "99999999999999999999", "0000000000000000005", "5\t5", "5 ,5", "++5", "5+", "4294967301x", "null", "NaN",
        ]
        var shapes = values.map { self.post("CL", "Content-Length: \($0)", "hello", .badContentLength) }
        for value in ["5\0", "\u{0B}5", "5\u{0C}", "5\u{7F}"] {
            shapes.append(self.post("CL", "Content-Length: \(value)", "hello", .badFieldValue))
        }
        return shapes
    }

    private static var lengthPairs: [DesyncShape] {
        var shapes: [DesyncShape] = []
        for pair in [("5", "5"), ("5", "6"), ("0", "5"), ("5", "0"), ("05", "5"), ("5", "x")] {
            shapes.append(
                self.post("CL CL", "Content-Length: \(pair.0)\r\ncontent-length: \(pair.1)", "hello", .badContentLength)
            )
            shapes.append(
                self.post(
                    "CL X CL",
                    "CONTENT-LENGTH: \(pair.0)\r\nX: y\r\nContent-Length: \(pair.1)",
                    "hello",
                    .badContentLength
                )
            )
        }
        for length in ["0", "5", "3", "40", "1000"] {
            let chunked = "0\r\n\r\n"
            shapes.append(
                self.post(
                    "CL+TE",
                    "Content-Length: \(length)\r\nTransfer-Encoding: chunked",
                    chunked,
                    .conflictingFraming
                )
            )
            shapes.append(
                self.post(
                    "TE+CL",
                    "tRANSFER-eNCODING: CHUNKED\r\nContent-Length: \(length)",
                    chunked,
                    .conflictingFraming
                )
            )
        }
        return shapes
    }

    // MARK: - Lines

    private static var lineEnds: [DesyncShape] {
        let cases: [(String, HTTPParseError)] = [
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
            ("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", .bareLineFeed),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
            ("GET / HTTP/1.1\r\nHost: a\n\n", .bareLineFeed),
            ("GET / HTTP/1.1\r\nHost\n: a\r\n\r\n", .bareLineFeed),
            ("GET / HTTP/1.1\r\nX:\nHost: a\r\n\r\n", .bareLineFeed),
            ("GET /\nHTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
            ("GET\n/ HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
            ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badStartLine),
            ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
            ("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
            ("GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCarriageReturn),
            ("GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", .bareCarriageReturn),
            ("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", .bareCarriageReturn),
            ("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", .bareCarriageReturn),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", .bareCarriageReturn),
            ("GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n", .bareCarriageReturn),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \rTransfer-Encoding: chunked\r\n\r\n", .bareCarriageReturn),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n", .badFieldValue),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{1B}[2J\r\n\r\n", .badFieldValue),
        ]
        return cases.map { self.shape("line end", $0.0, "", $0.1) }
    }

    private static var folds: [DesyncShape] {
        let cases: [String] = [
            "Host: a\r\n X: y", "Host: a\r\n\tX: y", "Host: a\r\nX: y\r\n z", "Host: a\r\nX: y\r\n\tz",
            "Host: a\r\nContent-Length: 5\r\n 0", "Host: a\r\nX: y\r\n \r\nZ: 1", " Host: a", "\tHost: a",
            "Host: a\r\nX: y\r\n Transfer-Encoding: chunked",
            "Host: a\r\nX: y\r\n Content-Length: 5",
        ]
        let emptyValues: [DesyncShape] = [
            self.post("fold", "Transfer-Encoding:\r\n chunked", "0\r\n\r\n", .badTransferEncoding),
            self.post("fold", "Transfer-Encoding: \r\n\tchunked", "0\r\n\r\n", .badTransferEncoding),
            self.post("fold", "Content-Length:\r\n 5", "hello", .badContentLength),
        ]
        return emptyValues
            + cases.map { self.shape("fold", "POST / HTTP/1.1\r\n\($0)\r\n\r\n", "hello", .obsoleteFold) }
    }

    private static var startLines: [DesyncShape] {
        let cases: [(String, HTTPParseError)] = [
            ("GET  / HTTP/1.1", .badStartLine), ("GET /  HTTP/1.1", .badVersion), ("GET / HTTP/1.1 ", .badVersion),
            (" GET / HTTP/1.1", .badStartLine), ("GET\t/ HTTP/1.1", .badMethod), ("GET /\tHTTP/1.1", .badTarget),
            ("GET / HTTP/1.2", .badVersion), ("GET / HTTP/2.0", .badVersion), ("GET / HTTP/0.9", .badVersion),
            ("GET / HTTP/3", .badVersion), ("GET / http/1.1", .badVersion), ("GET / HTTP/1", .badVersion),
            ("GET / HTTP/1.10", .badVersion), ("GET / HTTP/01.1", .badVersion), ("GET / HTTP/1,1", .badVersion),
            ("GET / HTTP/1.1x", .badVersion), ("GET / HTTPS/1.1", .badVersion), ("GET / ICE/1.0", .badVersion),
            ("GET / RTSP/1.0", .badVersion), ("GET /", .badTarget), ("GET", .badMethod), ("GET ", .badTarget),
            ("GET HTTP/1.1", .badTarget), ("G:T / HTTP/1.1", .badMethod), ("G\0T / HTTP/1.1", .badMethod),
            ("G\u{C9}T / HTTP/1.1", .badMethod), ("(GET) / HTTP/1.1", .badStartLine), ("GET / a HTTP/1.1", .badVersion),
            ("GET /a b HTTP/1.1", .badVersion), ("GET /\u{0B} HTTP/1.1", .badTarget),
            ("GET /\u{7F} HTTP/1.1", .badTarget),
            ("GET /\0 HTTP/1.1", .badTarget), ("GET /\u{E9} HTTP/1.1", .badTarget), ("GET / HTTP /1.1", .badVersion),
            ("GET / HTTP/ 1.1", .badVersion), ("GET / HTTP/1. 1", .badVersion), ("HTTP/1.1 200 OK", .badMethod),
            ("GETGETGETGETGETGETGETGETGETGETGETG / HTTP/1.1", .badMethod), ("PRI * HTTP/2.0", .badVersion),
            ("GET / HTTP/1.1\t", .badVersion), ("GET / HTTP/1.1\u{0B}", .badVersion), ("GET / HTTP/1.-1", .badVersion),
        ]
        return cases.map { self.shape("start", "\($0.0)\r\nHost: a\r\n\r\n", "", $0.1) }
    }

    // MARK: - Routing

    private static var hosts: [DesyncShape] {
        var shapes = [
            self.shape("host", "GET / HTTP/1.1\r\n\r\n", "", .missingHost),
            self.shape("host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", "", .missingHost),
            self.shape("host", "GET http://a/ HTTP/1.1\r\n\r\n", "", .missingHost),
            self.shape("host", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "", .duplicateHost),
            self.shape("host", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: b\r\n\r\n", "", .duplicateHost),
            self.shape("host", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "", .duplicateHost),
            self.shape("host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "", .badHost),
            self.shape("host", "GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", "", .badHost),
            self.shape("host", "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", "", .badHost),
            self.shape("host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "", .badHost),
        ]
        let values = [
            "", "a b", "a,b", "a, b", "user@a", "u:p@a", "a/b", "/", "http://a", "a?b", "a#b", "a\\b", "a:80:80", "a:",
            "a:x", "a:+80", "a:65536", "a:999999", "[::1", "::1", "[]", "[::1]x", "[::1]:", "[::g]", "[v1.x]", "a%41",
            "a\"", "<a>", "a;b", "\u{E9}", "a\tb", "*", "a=b", "(a)", ":80", "[fe80::1%25eth0]",
        ]
        for value in values {
            shapes.append(self.shape("host", "GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n", "", .badHost))
        }
        return shapes
    }

    private static var targets: [DesyncShape] {
        let cases: [String] = [
            "//evil", "//evil/x", "///", "\\", "/a\\b", "/a#b", "#", "a", "a/b", "*", "*x", "ftp://a/", "http:a",
            "http:/a",
            "http://a", "http://a?x", "httpx://a/", "://a/", "?x", "a:443", "javascript:x", "/x#", "file:///etc/passwd",
        ]
        return cases.map { self.shape("target", "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n", "", .badTarget) } + [
            self.shape("target", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "", .badMethod),
            self.shape("target", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", "", .badMethod),
        ]
    }

    private static var fieldNames: [DesyncShape] {
        let cases = [
            ": x", "X", "X y: z", "X : y", "X\t: y", "X\u{A0}: y", "X(: y", "X,: y", "X;: y", "X/: y", "X@: y",
            "X[: y", "{X}: y", "\u{E9}: y", "X\u{7F}: y", "X=: y", "<X>: y", "X?: y", "X\\: y",
        ]
        return cases.map { self.post("name", $0, "", .badFieldName) }
    }

    // MARK: - Chunks

    private static var chunks: [DesyncShape] {
        let bad = [
            "\r\n", "g\r\n", "-5\r\nhello", "+5\r\nhello", "0x5\r\nhello", " 5\r\nhello", "5 \r\nhello", "5\t\r\nhello",
            "5\nhello\r\n", "5\r\rhello", "5\rhello", "5\r\nhello0\r\n", "5\r\nhelloX\r\n0",
            "5\r\nhelloX\n0\r\n\r\n", "5\r\nhello\n0\r\n",
            "5\r\nhello\r0\r\n", "5\r\nhello\r\n\r\n0\r\n", "1000000000000000\r\n", "10000000000000005\r\n",
            "FFFFFFFFFFFFFFFF\r\n", "FFFFFFFFFFFFFFFFFFFFFFFF\r\n", "0000000000000005\r\nhello\r\n", "5,5\r\nhello",
            "5 5\r\nhello", "5\u{0B}\r\n", "5\0\r\n", "0\n\r\n", "0\r\r\n", "0 \r\n\r\n", "00 0\r\n", "0,\r\n\r\n",
            "\u{665}\r\n", "5h\r\n", "5\u{A0}\r\nhello", "5.0\r\nhello", "5_\r\nhello", ";x\r\n", "=\r\n",
        ]
        let extensions = [
            ";", "; x", ";\t", ";x\n", ";x\r", "; ", ";=", ";=y", ";x=", ";x =y", ";x= y", ";x y", ";x=y z", ";\"x\"",
            ";x=\"y", ";x=\"y\"z", ";x=\"\n\"", ";x=\"\r\n\"", ";x=\"\\\n\"", ";x=\"\0\"", ";x\0", ";x\u{0B}", ";x;",
            ";;", ";x=y;", ";\nGET", ";x=(", ";x=\u{E9}", ";\u{E9}",
        ]
        let long = "5;" + String(repeating: "x", count: 300)
        var shapes = bad.map { self.post("chunk", "Transfer-Encoding: chunked", $0, .badChunk) }
        shapes += extensions.map {
            self.post("extension", "Transfer-Encoding: chunked", "5\($0)\r\nhello\r\n0\r\n\r\n", .badChunk)
        }
        shapes.append(self.post("extension", "Transfer-Encoding: chunked", long, .chunkLineTooLong))
        return shapes
    }

    private static var trailers: [DesyncShape] {
        let cases = [
            "X : y\r\n", " X: y\r\n", "X: y\r\n z\r\n", "X: y\n", "X\r\n", "X: y\rZ: 1\r\n", ": y\r\n", "X: \0\r\n",
            "\n", "X: y\r\n\n", "\rX", "Content-Length: 5\r\n", "transfer-encoding: chunked\r\n", "Host: b\r\n",
            "HOST:\r\n", "A: b\r\nContent-Length: 5\r\n", "\u{E9}: y\r\n", "X: \u{7F}\r\n", "GET / HTTP/1.1\r\n",
            "X y: z\r\n",
        ]
        return cases.map { self.post("trailer", "Transfer-Encoding: chunked", "0\r\n\($0)\r\n", .badTrailer) }
    }
}
