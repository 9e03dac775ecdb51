import Testing
import Wire

/// Parses one request head.
func requestHead(_ text: String, limits: HTTPLimits = HTTPLimits()) throws(HTTPParseError) -> HTTPHead? {
    var head = HTTPHead()
    var text = text
    let result: Result<Bool, HTTPParseError> = text.withUTF8 { bytes in
        do throws(HTTPParseError) {
            return .success(try head.parseRequest(UnsafeRawBufferPointer(bytes), limits: limits))
        } catch {
            return .failure(error)
        }
    }
    return try result.get() ? head : nil
}

/// Parses one response head.
func responseHead(_ text: String, toHead: Bool = false) throws(HTTPParseError) -> HTTPHead? {
    var head = HTTPHead()
    var text = text
    let result: Result<Bool, HTTPParseError> = text.withUTF8 { bytes in
        do throws(HTTPParseError) {
            return .success(
                try head.parseResponse(UnsafeRawBufferPointer(bytes), toHead: toHead, limits: HTTPLimits())
            )
        } catch {
            return .failure(error)
        }
    }
    return try result.get() ? head : nil
}

@Suite struct HTTPHeadTests {
    @Test func `a usual request is taken apart by offsets`() throws {
        let text =
            "POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: a.example:8080\r\nContent-Length: 12\r\n"
            + "AUTHORIZATION:  Bearer tp_x \t\r\nX-Odd: \r\n\r\nrest"
        let head = try #require(try requestHead(text))
        let bytes = Array(text.utf8)
        func shown(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        #expect(head.method == .post)
        #expect(shown(head.methodRange.range) == "POST")
        #expect(shown(head.targetRange.range) == "/v1/chat/completions?x=1")
        #expect(head.minorVersion == 1)
        #expect(head.framing == .length(12))
        #expect(head.keepAlive)
        #expect(!head.expectsContinue)
        #expect(head.byteCount == text.utf8.count - 4)
        #expect(head.fields.map(\.name) == [.host, .contentLength, .authorization, .other])
        let key = try #require(head.first(.authorization))
        #expect(shown(key.value) == "Bearer tp_x")
        #expect(shown(key.nameRange) == "AUTHORIZATION")
        #expect(shown(key.line) == "AUTHORIZATION:  Bearer tp_x \t\r\n")
        #expect(shown(head.fields[3].value) == "")
        #expect(head.contains(.host))
        #expect(!head.contains(.cookie))
        #expect(head.first(.cookie) == nil)
    }

    @Test(arguments: HTTPFieldName.allCases.filter { $0 != .other })
    func `every known name is known in any case, and not with a byte more or less`(name: HTTPFieldName) throws {
        let text = "\(name.text)"
        // Fields that must have a certain value or may not stand beside others.
        let value =
            switch name {
            case .host: "a"
            case .contentLength: "0"
            case .transferEncoding: "chunked"
            default: "x"
            }
        let host = name == .host ? "" : "Host: a\r\n"
        for spelling in [text, text.uppercased(), text.prefix(1).uppercased() + text.dropFirst()] {
            let head = try #require(try requestHead("GET / HTTP/1.1\r\n\(host)\(spelling): \(value)\r\n\r\n"))
            #expect(head.fields.last?.name == name)
            #expect(head.count(of: name) == 1)
        }
        for other in [text + "x", String(text.dropLast()) + "~", "x" + text.dropFirst() + "q"] {
            let head = try #require(try requestHead("GET / HTTP/1.1\r\nHost: a\r\n\(other): x\r\n\r\n"))
            #expect(head.fields.last?.name == .other)
        }
    }

    @Test func `a name that differs in bit 5 only is another name`() throws {
        // 0x0D | 0x20 is `-`, 0x10 | 0x20 is `0`: neither is a token byte, and so the line is refused.
        #expect(throws: HTTPParseError.badFieldName) {
            try requestHead("GET / HTTP/1.1\r\nHost: a\r\ncontent\u{10}length: 5\r\n\r\n")
        }
        #expect(throws: HTTPParseError.badFieldName) {
            try requestHead("GET / HTTP/1.1\r\nHost: a\r\ncontent\rlength: 5\r\n\r\n")
        }
    }

    @Test func `token bytes are those of RFC 9110 and no others`() throws {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789".utf8)
            .union(UInt8(ascii: "a")...UInt8(ascii: "z"))
            .union(UInt8(ascii: "A")...UInt8(ascii: "Z"))
        for byte in UInt8.min...UInt8.max {
            var reader = ConnectionReader(isRequest: true)
            let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nx".utf8) + [byte] + Array("y: z\r\n\r\n".utf8)
            let reading = reader.read(bytes)
            // A colon in the place ends the name, and the rest is the value.
            let isAccepted = tokens.contains(byte) || byte == UInt8(ascii: ":")
            #expect((reading.error == nil) == isAccepted, "byte \(byte)")
        }
    }

    @Test func `values hold text, tabs and bytes from 0x80, and no control characters`() {
        for byte in UInt8.min...UInt8.max {
            var reader = ConnectionReader(isRequest: true)
            for padding in 0..<9 {
                let filler = [UInt8](repeating: 0x61, count: padding)
                let bytes =
                    Array("GET / HTTP/1.1\r\nHost: a\r\nx: ".utf8) + filler + [byte]
                    + Array("bcdefgh\r\n\r\n".utf8)
                let reading = reader.read(bytes)
                let isAccepted = byte >= 0x20 && byte != 0x7F || byte == 0x09
                #expect((reading.error == nil) == isAccepted, "byte \(byte) after \(padding)")
            }
        }
    }

    @Test(arguments: [
        ("Connection: close", false), ("Connection: keep-alive", true), ("Connection: Keep-Alive, Close", false),
        ("Connection: x-other", true), ("X: y", true), ("Connection: ,, close ,", false),
    ])
    func `an HTTP/1.1 connection stays open unless told otherwise`(field: String, expected: Bool) throws {
        let head = try #require(try requestHead("GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n"))
        #expect(head.keepAlive == expected)
    }

    @Test(arguments: [
        ("Connection: close", false), ("Connection: keep-alive", true), ("Connection: keep-alive, close", false),
        ("X: y", false),
    ])
    func `an HTTP/1.0 connection closes unless told otherwise`(field: String, expected: Bool) throws {
        let head = try #require(try requestHead("GET / HTTP/1.0\r\n\(field)\r\n\r\n"))
        #expect(head.keepAlive == expected)
        #expect(head.minorVersion == 0)
    }

    @Test func `an expectation counts in HTTP/1.1 only, and an unknown one is told apart (row 10)`() throws {
        let one = try #require(try requestHead("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n"))
        #expect(one.expectsContinue)
        #expect(!one.hasUnknownExpectation)
        let old = try #require(try requestHead("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"))
        #expect(!old.expectsContinue)
        let other = try #require(try requestHead("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n"))
        #expect(!other.expectsContinue)
        #expect(other.hasUnknownExpectation)
    }

    @Test func `fields of this connection and those that Connection names are hop by hop (row 15)`() throws {
        let text =
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Mine, close\r\nX-MINE: 1\r\nX-Mine-Too: 2\r\n"
            + "TE: trailers\r\nUpgrade: h2c\r\nProxy-Foo: 3\r\nKeep-Alive: 5\r\nTrailer: x\r\nAccept: */*\r\n\r\n"
        let head = try #require(try requestHead(text))
        let bytes = Array(text.utf8)
        let forwarded = bytes.withUnsafeBytes { bytes in
            head.fields.filter { !head.isHopByHop($0, in: bytes) }
                .map { String(decoding: bytes[$0.nameRange], as: UTF8.self) }
        }
        #expect(forwarded == ["Host", "X-Mine-Too", "Accept"])
        #expect(head.hasUpgrade)
        let named = bytes.withUnsafeBytes { head.first(named: "x-mine-too", in: $0) }
        #expect(named?.name == .other)
    }

    @Test func `one CRLF before a request is passed over, and not two`() throws {
        let head = try #require(try requestHead("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(head.byteCount == 29)
        #expect(head.targetRange.range == 6..<7)
        #expect(throws: HTTPParseError.self) { try requestHead("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") }
    }

    @Test func `policy can see that a credential is given twice`() throws {
        let head = try #require(
            try requestHead("GET / HTTP/1.1\r\nHost: a\r\nX-Api-Key: 1\r\nx-api-key: 2\r\n\r\n")
        )
        #expect(head.count(of: .xAPIKey) == 2)
        #expect(head.count(of: .apiKey) == 0)
    }

    @Test func `a head is used again without growing`() throws {
        var head = HTTPHead()
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n".utf8)
        let capacity = head.fields.capacity
        for _ in 0..<100 {
            let isComplete = try bytes.withUnsafeBytes { try head.parseRequest($0, limits: HTTPLimits()) }
            #expect(isComplete)
            #expect(head.fields.count == 2)
        }
        #expect(head.fields.capacity == capacity)
    }

    @Test func `bytes of another protocol are refused at the first of them`() {
        for first in [0x16, 0x00, 0x80, 0x20] as [UInt8] {
            var reader = ConnectionReader(isRequest: true)
            #expect(reader.read([first]).error == .badStartLine)
        }
        var reader = ConnectionReader(isRequest: false)
        #expect(reader.read(Array("S".utf8)).error == .badStartLine)
    }
}
