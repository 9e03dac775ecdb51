import Testing
import Wire

@Suite struct HTTPLimitTests {
    private func error(_ bytes: [UInt8], _ limits: HTTPLimits, cuts: [Int] = []) -> HTTPParseError? {
        var reader = ConnectionReader(isRequest: true, limits: limits)
        return reader.read(bytes, cuts: cuts).error
    }

    @Test func `a head of the limit is accepted and one byte more is not, however it is cut (row 4)`() {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nX: "
        for size in [199, 200, 201, 202, 260] {
            let filler = String(repeating: "x", count: size - text.utf8.count - 4)
            let bytes = latin1(text + filler + "\r\n\r\n")
            let expected: HTTPParseError? = size <= 200 ? nil : .headTooLarge
            let limits = HTTPLimits(headBytesMax: 200)
            #expect(self.error(bytes, limits) == expected)
            for cut in 1..<size { #expect(self.error(bytes, limits, cuts: [cut]) == expected) }
            #expect(self.error(bytes, limits, cuts: Array(1..<size)) == expected)
        }
    }

    @Test func `a hundred fields are accepted and one more is not (row 4)`() {
        for count in [99, 100, 101] {
            let fields = String(repeating: "X: y\r\n", count: count - 1)
            let bytes = latin1("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
            #expect(self.error(bytes, HTTPLimits()) == (count <= 100 ? nil : .tooManyFields))
        }
        // 200 000 small fields end at the first hundred.
        let flood = latin1("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "a:b\r\n", count: 200_000))
        #expect(self.error(flood, HTTPLimits()) == .tooManyFields)
        let long = latin1("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "y", count: 1 << 20))
        #expect(self.error(long, HTTPLimits()) == .headTooLarge)
    }

    @Test func `a start line of the limit is accepted and one byte more is not`() {
        for size in [99, 100, 101, 102, 300] {
            let target = "/" + String(repeating: "x", count: size - "GET / HTTP/1.1\r\n".utf8.count)
            let bytes = latin1("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
            let expected: HTTPParseError? = size <= 100 ? nil : .startLineTooLong
            let limits = HTTPLimits(startLineBytesMax: 100)
            #expect(self.error(bytes, limits) == expected)
            for cut in 1..<bytes.count { #expect(self.error(bytes, limits, cuts: [cut]) == expected) }
        }
        #expect(self.error(latin1("GET /" + String(repeating: "x", count: 9000)), HTTPLimits()) == .startLineTooLong)
    }

    @Test func `errors of size are told apart from errors of form (row 4)`() {
        for error in HTTPParseError.allCases {
            let isSize = [.headTooLarge, .tooManyFields, .startLineTooLong, .trailerTooLarge].contains(error)
            #expect(error.isTooLarge == isSize)
        }
    }

    @Test func `chunk lines, extensions and trailers have limits of their own`() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let limits = HTTPLimits(
            fieldCountMax: 5,
            chunkLineBytesMax: 20,
            chunkExtensionBytesMax: 40,
            trailerBytesMax: 50
        )
        func verdict(_ body: String) -> HTTPParseError? { self.error(latin1(head + body), limits) }
        // "1;" and the extension and CRLF: 20 bytes are 16 of extension name.
        #expect(verdict("1;" + String(repeating: "x", count: 16) + "\r\na\r\n0\r\n\r\n") == nil)
        #expect(verdict("1;" + String(repeating: "x", count: 17) + "\r\na\r\n0\r\n\r\n") == .chunkLineTooLong)
        let chunk = "1;xxxxxxxx\r\na\r\n"
        #expect(verdict(String(repeating: chunk, count: 4) + "0\r\n\r\n") == nil)
        #expect(verdict(String(repeating: chunk, count: 5) + "0\r\n\r\n") == .chunkLineTooLong)
        #expect(verdict("0\r\nX: " + String(repeating: "y", count: 43) + "\r\n\r\n") == nil)
        #expect(verdict("0\r\nX: " + String(repeating: "y", count: 44) + "\r\n\r\n") == .trailerTooLarge)
        #expect(verdict("0\r\n" + String(repeating: "a:b\r\n", count: 5) + "\r\n") == nil)
        #expect(verdict("0\r\n" + String(repeating: "a:b\r\n", count: 6) + "\r\n") == .tooManyFields)
    }

    @Test func `a head sent byte by byte is looked at once`() {
        // 32 KiB of one field, one byte a call: were each call to begin anew, this would take half a billion steps.
        var head = HTTPHead()
        let bytes = latin1("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "y", count: 32_000) + "\r\n\r\n")
        var isComplete = false
        bytes.withUnsafeBytes { raw in
            for count in 1...raw.count {
                isComplete =
                    (try? head.parseRequest(UnsafeRawBufferPointer(rebasing: raw[..<count]), limits: HTTPLimits()))
                    ?? false
            }
        }
        #expect(isComplete)
        #expect(head.byteCount == bytes.count)
    }
}
