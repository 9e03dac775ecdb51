package import NIOCore

extension ByteBuffer {
    /// Writes a whole number in decimal digits, with `-` if it is negative.
    ///
    /// - Returns: How many bytes were written, 1 to 20.
    @discardableResult
    package mutating func writeDecimal(_ number: Int) -> Int {
        let magnitude = number.magnitude
        var digits = number < 0 ? 2 : 1
        var rest = magnitude / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        return self.writeWithUnsafeMutableBytes(minimumWritableBytes: digits) { bytes in
            var rest = magnitude
            var index = digits
            repeat {
                index -= 1
                bytes[index] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
                rest /= 10
            } while rest > 0
            if number < 0 { bytes[0] = 0x2D }
            return digits
        }
    }

    /// Writes a whole number in lower-case hexadecimal digits without leading zeros, such as the size of a chunk.
    ///
    /// - Parameter number: Not negative.
    package mutating func writeHex(_ number: Int) {
        precondition(number >= 0, "a size must not be negative, is \(number)")
        let digits = max(1, (Int.bitWidth - number.leadingZeroBitCount + 3) / 4)
        _ = self.writeWithUnsafeMutableBytes(minimumWritableBytes: digits) { bytes in
            for index in 0..<digits {
                let digit = UInt8(truncatingIfNeeded: (number >> ((digits - 1 - index) * 4)) & 0xF)
                bytes[index] = digit < 10 ? 0x30 + digit : 0x57 + digit
            }
            return digits
        }
    }

    /// Writes CR and LF.
    package mutating func writeCRLF() { self.writeInteger(UInt16(0x0D0A)) }

    /// Writes a field line with its CRLF.
    ///
    /// - Parameters:
    ///   - name: A field name as it should appear on the wire.
    ///   - value: The value. Tabs and bytes from 0x80 are allowed.
    /// - Throws: `HTTPParseError.badFieldValue` if the value holds CR, LF, NUL or another control character; then
    ///   nothing was written (row 2).
    package mutating func writeField(
        _ name: StaticString,
        _ value: some Collection<UInt8>
    ) throws(HTTPParseError) {
        let mark = self.writerIndex
        self.writeStaticString(name)
        self.writeInteger(UInt16(0x3A20))
        let start = self.writerIndex
        self.writeBytes(value)
        let isClean = self.withUnsafeReadableBytes { bytes in
            Self.isFieldText(bytes, from: start - self.readerIndex)
        }
        guard isClean else {
            self.moveWriterIndex(to: mark)
            throw .badFieldValue
        }
        self.writeCRLF()
    }

    /// Writes a field line whose value is known to be clean because it is ours.
    package mutating func writeField(_ name: StaticString, _ value: StaticString) {
        self.writeHead(atMost: name.utf8CodeUnitCount + value.utf8CodeUnitCount + 4) { head in
            head.write(name)
            head.write(": ")
            head.write(value)
            head.writeCRLF()
        }
    }

    /// Writes a field line with a whole number for its value.
    package mutating func writeField(_ name: StaticString, decimal number: Int) {
        self.writeHead(atMost: name.utf8CodeUnitCount + 24) { head in
            head.write(name)
            head.write(": ")
            head.writeDecimal(number)
            head.writeCRLF()
        }
    }

    /// Writes a status line of HTTP/1.1 with the standard reason phrase, or an empty one.
    ///
    /// - Parameter status: 100...599.
    package mutating func writeStatusLine(_ status: Int) {
        precondition(status >= 100 && status <= 599, "status must be in 100...599, is \(status)")
        let reason = HTTPReason.phrase(for: status)
        self.writeHead(atMost: 15 + reason.utf8CodeUnitCount) { head in
            head.write("HTTP/1.1 ")
            head.writeDecimal(status)
            head.write(" ")
            head.write(reason)
            head.writeCRLF()
        }
    }

    /// Writes a request line of HTTP/1.1.
    ///
    /// - Parameters:
    ///   - method: Any but `other` and CONNECT.
    ///   - target: The request target, complete and already escaped.
    /// - Throws: `HTTPParseError.badMethod` or `.badTarget`: a target of ours is in origin form, printable, without
    ///   space, `\` and `#`. Nothing was written then (row 2).
    package mutating func writeRequestLine(
        _ method: HTTPMethod,
        target: some Collection<UInt8>
    ) throws(HTTPParseError) {
        guard method != .other, method != .connect else { throw .badMethod }
        let mark = self.writerIndex
        self.writeStaticString(method.text)
        self.writeInteger(ByteClass.space)
        let start = self.writerIndex
        self.writeBytes(target)
        let isClean = self.withUnsafeReadableBytes { bytes in
            Self.isOriginForm(bytes, from: start - self.readerIndex)
        }
        guard isClean else {
            self.moveWriterIndex(to: mark)
            throw .badTarget
        }
        self.writeStaticString(" HTTP/1.1\r\n")
    }

    /// Writes the size line of a chunk.
    ///
    /// The payload and a CRLF follow.
    ///
    /// - Parameter count: At least 1; a chunk of size 0 would end the body.
    package mutating func writeChunkSize(_ count: Int) {
        precondition(count > 0, "a chunk must not be empty, is \(count)")
        self.writeHex(count)
        self.writeCRLF()
    }

    /// Writes the last chunk and an empty trailer section.
    package mutating func writeLastChunk() { self.writeStaticString("0\r\n\r\n") }

    private static func isFieldText(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
        return ByteClass.endOfFieldText(base, start, bytes.count) == bytes.count
    }

    private static func isOriginForm(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        guard start < bytes.count, bytes[start] == ByteClass.slash else { return false }
        for index in start..<bytes.count {
            let byte = bytes[index]
            guard byte > 0x20, byte < 0x7F, byte != 0x5C, byte != 0x23 else { return false }
        }
        return true
    }
}

/// The reason phrases of RFC 9110 §15 and the few others that are in use.
enum HTTPReason {
    static func phrase(for status: Int) -> StaticString {
        status < 400 ? self.ofSuccess(status) : self.ofFailure(status)
    }

    private static func ofSuccess(_ status: Int) -> StaticString {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 103: "Early Hints"
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
        default: ""
        }
    }

    private static func ofFailure(_ status: Int) -> StaticString {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
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
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 424: "Failed Dependency"
        case 425: "Too Early"
        case 426: "Upgrade Required"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 451: "Unavailable For Legal Reasons"
        case 499: "Client Closed Request"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 507: "Insufficient Storage"
        case 529: "Overloaded"
        default: ""
        }
    }
}
