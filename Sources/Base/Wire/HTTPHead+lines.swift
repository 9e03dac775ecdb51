extension HTTPHead {
    /// The longest method that is looked at.
    static let methodBytesMax = 32

    /// Parses the request line at `start`.
    ///
    /// - Returns: The index of the line after it, or nil if more bytes are needed.
    mutating func parseRequestLine(
        _ base: UnsafePointer<UInt8>,
        _ start: Int,
        _ end: Int,
        limits: HTTPLimits
    ) throws(HTTPParseError) -> Int? {
        let methodEnd = ByteClass.endOfToken(base, start, end)
        guard methodEnd - start <= Self.methodBytesMax else { throw .badMethod }
        guard methodEnd < end else { return nil }
        guard base[methodEnd] == ByteClass.space else {
            throw base[methodEnd] == ByteClass.lineFeed ? .bareLineFeed : .badMethod
        }
        guard methodEnd > start else { throw .badMethod }

        let targetStart = methodEnd + 1
        var targetEnd = targetStart
        while targetEnd < end, base[targetEnd] > 0x20, base[targetEnd] < 0x7F { targetEnd &+= 1 }
        guard targetEnd < end else { return nil }
        guard base[targetEnd] == ByteClass.space else { throw .badTarget }
        guard targetEnd > targetStart else { throw .badStartLine }

        let version = targetEnd + 1
        guard let lineEnd = try self.parseVersion(base, version, end) else { return nil }
        guard try Self.isLineEnd(base, lineEnd, end, otherwise: .badVersion) else { return nil }
        guard lineEnd + 2 - start <= limits.startLineBytesMax else { throw .startLineTooLong }
        self.method = HTTPMethod(base + start, methodEnd - start)
        self.methodRange = HTTPRange(start, methodEnd)
        self.targetRange = HTTPRange(targetStart, targetEnd)
        guard self.method != .connect else { throw .badMethod }
        return lineEnd + 2
    }

    /// Parses the status line.
    ///
    /// The space before an absent reason phrase may be missing, as many servers have it.
    ///
    /// - Returns: The index of the line after it, or nil if more bytes are needed.
    mutating func parseStatusLine(
        _ base: UnsafePointer<UInt8>,
        _ end: Int,
        limits: HTTPLimits
    ) throws(HTTPParseError) -> Int? {
        guard let versionEnd = try self.parseVersion(base, 0, end) else { return nil }
        guard versionEnd < end else { return nil }
        guard base[versionEnd] == ByteClass.space else { throw .badStartLine }
        var status = 0
        for index in (versionEnd + 1)...(versionEnd + 3) {
            guard index < end else { return nil }
            guard ByteClass.isDigit(base[index]) else { throw .badStatus }
            status = status &* 10 &+ Int(base[index] &- 0x30)
        }
        guard status >= 100, status <= 599 else { throw .badStatus }
        var reason = versionEnd + 4
        guard reason < end else { return nil }
        switch base[reason] {
        case ByteClass.space: reason += 1
        case ByteClass.carriageReturn: break
        case ByteClass.lineFeed: throw .bareLineFeed
        default: throw .badStatus
        }
        let reasonEnd = ByteClass.endOfFieldText(base, reason, end)
        guard try Self.isLineEnd(base, reasonEnd, end, otherwise: .badStartLine) else { return nil }
        guard reasonEnd + 2 <= limits.startLineBytesMax else { throw .startLineTooLong }
        self.status = status
        self.reasonRange = HTTPRange(reason, reasonEnd)
        return reasonEnd + 2
    }

    /// Parses one field line, or the blank line.
    ///
    /// - Returns: The index of the next line; `start` itself at the blank line; nil if more bytes are needed.
    @inline(__always)
    mutating func parseFieldLine(
        _ base: UnsafePointer<UInt8>,
        _ start: Int,
        _ end: Int,
        limits: HTTPLimits
    ) throws(HTTPParseError) -> Int? {
        let nameEnd = ByteClass.endOfToken(base, start, end)
        guard nameEnd < end else { return nil }
        guard nameEnd > start, base[nameEnd] == ByteClass.colon else {
            return try Self.blankLine(base, start, nameEnd, end)
        }
        var valueStart = nameEnd &+ 1
        while valueStart < end, ByteClass.isBlank(base[valueStart]) { valueStart &+= 1 }
        let valueStop = ByteClass.endOfFieldText(base, valueStart, end)
        guard try Self.isLineEnd(base, valueStop, end, otherwise: .badFieldValue) else { return nil }
        var valueEnd = valueStop
        while valueEnd > valueStart, ByteClass.isBlank(base[valueEnd &- 1]) { valueEnd &-= 1 }

        guard self.fields.count < limits.fieldCountMax else { throw .tooManyFields }
        let name = HTTPFieldName(base + start, nameEnd &- start)
        self.fields.append(
            HTTPField(
                nameStart: Int32(truncatingIfNeeded: start),
                nameEnd: Int32(truncatingIfNeeded: nameEnd),
                valueStart: Int32(truncatingIfNeeded: valueStart),
                valueEnd: Int32(truncatingIfNeeded: valueEnd),
                lineEnd: Int32(truncatingIfNeeded: valueStop &+ 2),
                name: name
            )
        )
        if name != .other {
            self.present.insert(name)
            try self.note(name, UnsafeBufferPointer(start: base + valueStart, count: valueEnd &- valueStart))
        }
        return valueStop &+ 2
    }

    /// Judges a line that does not begin with a name and a colon: it may only be the blank line.
    private static func blankLine(
        _ base: UnsafePointer<UInt8>,
        _ start: Int,
        _ nameEnd: Int,
        _ end: Int
    ) throws(HTTPParseError) -> Int? {
        guard nameEnd == start else {
            throw base[nameEnd] == ByteClass.lineFeed ? .bareLineFeed : .badFieldName
        }
        switch base[start] {
        case ByteClass.carriageReturn:
            guard start + 1 < end else { return nil }
            guard base[start + 1] == ByteClass.lineFeed else { throw .bareCarriageReturn }
            return start
        case ByteClass.lineFeed: throw .bareLineFeed
        case ByteClass.space, ByteClass.horizontalTab: throw .obsoleteFold
        default: throw .badFieldName
        }
    }

    /// Parses `HTTP/1.0` or `HTTP/1.1` at `start`; returns the index after it, or nil if more bytes are needed.
    private mutating func parseVersion(
        _ base: UnsafePointer<UInt8>,
        _ start: Int,
        _ end: Int
    ) throws(HTTPParseError) -> Int? {
        let prefix: StaticString = "HTTP/1."
        for offset in 0..<7 {
            guard start + offset < end else { return nil }
            guard base[start + offset] == prefix.utf8Start[offset] else { throw .badVersion }
        }
        guard start + 7 < end else { return nil }
        let digit = base[start + 7] &- 0x30
        guard digit < 2 else { throw .badVersion }
        self.minorVersion = digit
        return start + 8
    }

    /// Requires CRLF at `index`, where a scan for text has stopped; false if the bytes end there.
    ///
    /// A LF is judged as soon as it is here: `searched` promises that there is none in what was only looked at.
    @inline(__always)
    private static func isLineEnd(
        _ base: UnsafePointer<UInt8>,
        _ index: Int,
        _ end: Int,
        otherwise error: HTTPParseError
    ) throws(HTTPParseError) -> Bool {
        guard index < end else { return false }
        guard base[index] == ByteClass.carriageReturn else {
            throw base[index] == ByteClass.lineFeed ? .bareLineFeed : error
        }
        guard index &+ 1 < end else { return false }
        guard base[index &+ 1] == ByteClass.lineFeed else { throw .bareCarriageReturn }
        return true
    }
}
