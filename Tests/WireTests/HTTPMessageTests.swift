import Testing
import Wire

@Suite struct HTTPMessageTests {
    private static let requests = latin1(
        "\r\nPOST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world"
            + "GET /?q=1 HTTP/1.1\r\nHost: [::1]:80\r\nX:\t \r\n\r\n"
            + "PUT /x HTTP/1.1\r\ntransfer-encoding: Chunked\r\nhost: b.example\r\n\r\n"
            + "5\r\nhello\r\n6;a=b;c=\"d\\\"e\";f\r\n world\r\n0\r\nX-Trailer: y\r\nZ:\r\n\r\n"
            + "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"
            + "DELETE http://a.example/x/y?z HTTP/1.1\r\nHOST: A.EXAMPLE\r\n\r\n"
            + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\nleft"
    )

    private static let responses = latin1(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nLink: </x>\r\n\r\n"
            + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
            + "HTTP/1.1 204 \r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
            + "HTTP/1.1 429 Too \u{E9}\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n00\r\n\r\n"
            + "HTTP/1.1 529 \r\nX: y\r\n\r\nup to the end\r\n\r\n"
    )

    @Test func `requests in a row are read the same wherever they are cut (row 9)`() {
        var reader = ConnectionReader(isRequest: true)
        let whole = reader.read(Self.requests)
        #expect(whole.error == nil)
        #expect(
            whole.messages.map(\.target) == [
                "/v1/chat/completions", "/?q=1", "/x", "*", "http://a.example/x/y?z", "/",
            ]
        )
        #expect(
            whole.messages.map { String(decoding: $0.body, as: UTF8.self) } == [
                "hello world", "", "hello world", "", "", "",
            ]
        )
        #expect(whole.isClosed)
        #expect(whole.rest == latin1("left"))
        for cut in 0...Self.requests.count { #expect(reader.read(Self.requests, cuts: [cut]) == whole) }
        #expect(reader.read(Self.requests, cuts: Array(1..<Self.requests.count)) == whole)
    }

    @Test func `every two cuts of a chunked request give the same message`() {
        let bytes = latin1(
            "PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: b\r\n\r\n3;x=\"y\"\r\nabc\r\n0\r\nT: v\r\n\r\n"
        )
        var reader = ConnectionReader(isRequest: true)
        let whole = reader.read(bytes)
        #expect(whole.messages.map(\.body) == [latin1("abc")])
        for first in 1..<bytes.count {
            for second in first..<bytes.count {
                guard reader.read(bytes, cuts: [first, second]) == whole else {
                    Issue.record("cut at \(first) and \(second)")
                    return
                }
            }
        }
    }

    @Test func `responses in a row are read the same wherever they are cut`() {
        var reader = ConnectionReader(isRequest: false)
        let whole = reader.read(Self.responses, closes: true)
        #expect(whole.error == nil)
        #expect(whole.messages.map(\.status) == [100, 103, 200, 204, 304, 429, 529])
        #expect(
            whole.messages.map { String(decoding: $0.body, as: UTF8.self) } == [
                "", "", "hello", "", "", "0123456789", "up to the end\r\n\r\n",
            ]
        )
        for cut in 0...Self.responses.count {
            #expect(reader.read(Self.responses, cuts: [cut], closes: true) == whole)
        }
        #expect(reader.read(Self.responses, cuts: Array(1..<Self.responses.count), closes: true) == whole)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTT",
    ])
    func `a body that is cut never passes for whole`(text: String) {
        var reader = ConnectionReader(isRequest: false)
        let reading = reader.read(latin1(text), closes: true)
        #expect(reading.error == .unexpectedEnd)
        #expect(reading.messages.isEmpty)
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .conflictingFraming),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", .badContentLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", .badContentLength),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .badTransferEncoding),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", .badTransferEncoding),
            ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .badTransferEncoding),
            ("HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .badTransferEncoding),
            ("HTTP/1.1 204 OK\r\nContent-Length: 5\r\n\r\n", .badContentLength),
            ("HTTP/1.1 100 OK\r\nContent-Length: 5\r\n\r\n", .badContentLength),
            ("HTTP/1.0 100 Continue\r\n\r\n", .badStatus), ("HTTP/1.1 099 OK\r\n\r\n", .badStatus),
            ("HTTP/1.1 600 OK\r\n\r\n", .badStatus), ("HTTP/1.1 20 OK\r\n\r\n", .badStatus),
            ("HTTP/1.1 2000 OK\r\n\r\n", .badStatus), ("HTTP/1.1 +20 OK\r\n\r\n", .badStatus),
            ("HTTP/1.1  200 OK\r\n\r\n", .badStatus), ("HTTP/1.1 200OK\r\n\r\n", .badStatus),
            ("HTTP/1.1 200\n\r\n", .bareLineFeed), ("HTTP/1.1 200 OK\n\r\n", .bareLineFeed),
            ("HTTP/1.1 200 O\rK\r\n\r\n", .bareCarriageReturn), ("HTTP/1.1 200 O\0K\r\n\r\n", .badStartLine),
            ("HTTP/2 200 OK\r\n\r\n", .badVersion), ("HTTP/1.2 200 OK\r\n\r\n", .badVersion),
            ("HTTP/1.1 200 OK\r\n X: y\r\n\r\n", .obsoleteFold),
            ("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", .obsoleteFold),
            ("HTTP/1.1 200 OK\r\nX : y\r\n\r\n", .badFieldName), ("HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n", .badFieldValue),
            ("HTTP/1.1\t200 OK\r\n\r\n", .badStartLine), ("\r\nHTTP/1.1 200 OK\r\n\r\n", .badStartLine),
        ] as [(String, HTTPParseError)]
    )
    func `a response that could be read in two ways is refused (rows 1, 16)`(text: String, error: HTTPParseError) {
        var reader = ConnectionReader(isRequest: false)
        #expect(reader.read(latin1(text)).error == error)
        #expect(reader.read(latin1(text), cuts: Array(1..<text.utf8.count)).error == error)
    }

    @Test func `the answer to HEAD has no body, and 101 is handed to the caller (row 16)`() throws {
        let head = try #require(try responseHead("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", toHead: true))
        #expect(head.framing == .none)
        #expect(head.keepAlive)
        let chunked = try #require(
            try responseHead("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", toHead: true)
        )
        #expect(chunked.framing == .none)
        let switching = try #require(try responseHead("HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"))
        #expect(switching.status == 101)
        #expect(!switching.keepAlive)
        #expect(switching.hasUpgrade)
        let open = try #require(try responseHead("HTTP/1.1 200 OK\r\n\r\n"))
        #expect(open.framing == .untilClose)
        #expect(!open.keepAlive)
        let old = try #require(
            try responseHead("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
        )
        #expect(old.keepAlive)
        #expect(old.framing == .length(0))
    }
}
