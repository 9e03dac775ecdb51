import NIOCore
import Testing
import Wire

@Suite struct HTTPWritingTests {
    @Test func `numbers are written in all their sizes`() {
        for number in [0, 1, 9, 10, 99, 100, 65535, -1, -10, Int.max, Int.min] {
            var buffer = ByteBuffer()
            #expect(buffer.writeDecimal(number) == String(number).utf8.count)
            #expect(String(buffer: buffer) == String(number))
        }
        for number in [0, 1, 15, 16, 255, 256, 0xABCDEF, Int.max] {
            var buffer = ByteBuffer()
            buffer.writeHex(number)
            #expect(String(buffer: buffer) == String(number, radix: 16))
        }
    }

    @Test func `no byte of a value can begin another line, and a refused one leaves nothing (row 2)`() throws {
        for byte in UInt8.min...UInt8.max {
            for padding in [0, 7, 8, 20] {
                var buffer = ByteBuffer(string: "kept")
                buffer.moveReaderIndex(forwardBy: 2)
                let value = [UInt8](repeating: 0x61, count: padding) + [byte, 0x62]
                let isAccepted = byte >= 0x20 && byte != 0x7F || byte == 0x09
                if isAccepted {
                    try buffer.writeField("X-Name", value)
                    #expect(Array(buffer.readableBytesView) == latin1("ptX-Name: ") + value + latin1("\r\n"))
                } else {
                    #expect(throws: HTTPParseError.badFieldValue) { try buffer.writeField("X-Name", value) }
                    #expect(String(buffer: buffer) == "pt")
                }
            }
        }
    }

    @Test func `no byte of a target can end the request line (row 2)`() throws {
        for byte in UInt8.min...UInt8.max {
            var buffer = ByteBuffer()
            let target = [UInt8(ascii: "/"), byte]
            if byte > 0x20, byte < 0x7F, byte != 0x5C, byte != 0x23 {
                try buffer.writeRequestLine(.post, target: target)
                #expect(Array(buffer.readableBytesView) == latin1("POST ") + target + latin1(" HTTP/1.1\r\n"))
            } else {
                #expect(throws: HTTPParseError.badTarget) { try buffer.writeRequestLine(.post, target: target) }
                #expect(buffer.readableBytes == 0)
            }
        }
        var buffer = ByteBuffer()
        #expect(throws: HTTPParseError.badTarget) { try buffer.writeRequestLine(.get, target: "x".utf8) }
        #expect(throws: HTTPParseError.badTarget) { try buffer.writeRequestLine(.get, target: "".utf8) }
        #expect(throws: HTTPParseError.badMethod) { try buffer.writeRequestLine(.other, target: "/".utf8) }
        #expect(throws: HTTPParseError.badMethod) { try buffer.writeRequestLine(.connect, target: "/".utf8) }
    }

    @Test func `what is written is read back (rows 1, 2)`() throws {
        var request = ByteBuffer()
        try request.writeRequestLine(.post, target: "/v1/messages?x=%20".utf8)
        try request.writeField("Host", "api.example".utf8)
        try request.writeField("X-Empty", "".utf8)
        request.writeField("Accept", "*/*")
        request.writeField("Transfer-Encoding", "chunked")
        request.writeCRLF()
        for part in ["hello", String(repeating: "x", count: 300)] {
            request.writeChunkSize(part.utf8.count)
            request.writeString(part)
            request.writeCRLF()
        }
        request.writeLastChunk()
        var reader = ConnectionReader(isRequest: true)
        let reading = reader.read(Array(request.readableBytesView))
        #expect(reading.error == nil)
        #expect(reading.messages.first?.target == "/v1/messages?x=%20")
        #expect(reading.messages.first?.body.count == 305)

        for status in 100...599 {
            var response = ByteBuffer()
            response.writeStatusLine(status)
            if status >= 200, status != 204, status != 304 { response.writeField("Content-Length", decimal: 0) }
            response.writeCRLF()
            var reader = ConnectionReader(isRequest: false)
            #expect(reader.read(Array(response.readableBytesView)).messages.map(\.status) == [status])
        }
    }
}

@Suite struct HTTPDateTests {
    private func written(_ seconds: Int) -> String {
        var buffer = ByteBuffer()
        HTTPDate.write(unixSeconds: seconds, into: &buffer)
        return String(buffer: buffer)
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"), (-62_135_596_800, "Mon, 01 Jan 0001 00:00:00 GMT"),
    ])
    func `dates are written as RFC 9110 wants them and read back`(seconds: Int, text: String) {
        #expect(self.written(seconds) == text)
        #expect(text.utf8.count == HTTPDate.byteCount)
        #expect(HTTPDate.parse(text.utf8, now: 0) == seconds)
    }

    @Test func `every day of eight centuries is written and read back`() {
        for day in -146_097...146_097 where day % 3 == 0 {
            let seconds = day * 86_400 + 45_296
            #expect(HTTPDate.parse(self.written(seconds).utf8, now: 0) == seconds)
        }
    }

    @Test func `all three forms of a date mean the same`() {
        let now = 784_111_777
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        ] {
            #expect(HTTPDate.parse(text.utf8, now: now) == now)
        }
        #expect(HTTPDate.parse("Sun Nov 16 08:49:37 1994".utf8, now: now) == now + 864_000)
        // Two digits of a year mean the century that is nearest.
        let later = 1_800_000_000
        let year2027 = HTTPDate.parse("Friday, 15-Jan-27 08:00:00 GMT".utf8, now: later)
        #expect(year2027 == 1_800_000_000)
        #expect(HTTPDate.parse("Friday, 15-Jan-99 08:00:00 GMT".utf8, now: later).map { $0 < later } == true)
    }

    @Test(arguments: [
        "", "0", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 31 Nov 1994 08:00:00 GMT", "Wed, 29 Feb 2023 08:00:00 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Xun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Xov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMTx", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun; 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994 GMT",
    ])
    func `what is no date is not taken for one`(text: String) {
        #expect(HTTPDate.parse(text.utf8, now: 0) == nil)
    }
}
