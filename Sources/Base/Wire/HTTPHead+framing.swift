extension HTTPHead {
    /// Takes in a field that decides framing, routing or the life of the connection.
    mutating func note(_ name: HTTPFieldName, _ value: UnsafeBufferPointer<UInt8>) throws(HTTPParseError) {
        switch name {
        case .contentLength:
            guard self.contentLength < 0 else { throw .badContentLength }
            self.contentLength = try Self.decimal(value)
        case .transferEncoding:
            // `present` cannot tell once from twice; framing is still `.none` before the first.
            guard self.framing == .none, Self.isWord(value, "chunked") else { throw .badTransferEncoding }
            self.framing = .chunked
        case .host:
            guard self.hostIndex < 0 else { throw .duplicateHost }
            self.hostIndex = self.fields.count - 1
        case .connection:
            try self.noteConnection(value)
        case .expect:
            if Self.isWord(value, "100-continue") {
                self.expectsContinue = true
            } else {
                self.hasUnknownExpectation = true
            }
        case .upgrade:
            self.hasUpgrade = true
        default:
            break
        }
    }

    /// Decides framing and connection of a complete request.
    mutating func finishRequest(_ bytes: UnsafeRawBufferPointer) throws(HTTPParseError) {
        try self.checkTransferCoding()
        if self.framing == .none, self.contentLength >= 0 {
            self.framing = .length(self.contentLength)
        }
        if self.minorVersion == 0 {
            self.expectsContinue = false
            self.hasUnknownExpectation = false
        }
        self.keepAlive = self.connectionAllowsMore
        try self.checkHost(bytes)
    }

    /// Decides framing and connection of a complete response (RFC 9112 §6.3).
    mutating func finishResponse(toHead: Bool) throws(HTTPParseError) {
        try self.checkTransferCoding()
        self.keepAlive = self.connectionAllowsMore && self.status != 101
        // HTTP/1.0 knows no interim responses; what would follow is read differently by different clients.
        guard self.status >= 200 || self.minorVersion == 1 else { throw .badStatus }
        if self.status < 200 || self.status == 204 {
            // A server must not frame what cannot have a body; one that does may mean to send one.
            guard self.framing == .none else { throw .badTransferEncoding }
            guard self.contentLength <= 0 else { throw .badContentLength }
            return
        }
        if toHead || self.status == 304 {
            self.framing = .none
        } else if self.framing == .none {
            self.framing = self.contentLength >= 0 ? .length(self.contentLength) : .untilClose
            if self.contentLength < 0 { self.keepAlive = false }
        }
    }

    private var connectionAllowsMore: Bool {
        if self.connectionClose { return false }
        return self.minorVersion == 1 || self.connectionKeepAlive
    }

    private func checkTransferCoding() throws(HTTPParseError) {
        guard self.framing == .chunked else { return }
        guard self.contentLength < 0 else { throw .conflictingFraming }
        guard self.minorVersion == 1 else { throw .badTransferEncoding }
    }

    /// Requires one host that is a host, and that a target in absolute form says the same (row 11).
    private func checkHost(_ bytes: UnsafeRawBufferPointer) throws(HTTPParseError) {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let target = UnsafeBufferPointer(start: base + Int(self.targetRange.start), count: self.targetRange.count)
        let authority = try HTTPTarget.authority(of: target, method: self.method)
        guard self.hostIndex >= 0 else {
            guard self.minorVersion == 0 else { throw .missingHost }
            return
        }
        let field = self.fields[self.hostIndex]
        let host = UnsafeBufferPointer(
            start: base + Int(field.valueStart),
            count: Int(field.valueEnd) - Int(field.valueStart)
        )
        guard HTTPTarget.isAuthority(host) else { throw .badHost }
        guard let authority else { return }
        guard authority.count == host.count else { throw .badHost }
        for offset in 0..<host.count {
            let other = target[authority.lowerBound + offset]
            guard Self.lowercased(host[offset]) == Self.lowercased(other) else { throw .badHost }
        }
    }

    private mutating func noteConnection(_ value: UnsafeBufferPointer<UInt8>) throws(HTTPParseError) {
        var tokens = HTTPTokens(value)
        while let token = try tokens.next() {
            if Self.isWord(token, "close") {
                self.connectionClose = true
            } else if Self.isWord(token, "keep-alive") {
                self.connectionKeepAlive = true
            } else {
                self.nominatesFields = true
            }
        }
    }

    /// 1 to 18 digits, nothing else.
    private static func decimal(_ value: UnsafeBufferPointer<UInt8>) throws(HTTPParseError) -> Int {
        guard value.count >= 1, value.count <= 18 else { throw .badContentLength }
        var result = 0
        for byte in value {
            guard ByteClass.isDigit(byte) else { throw .badContentLength }
            result = result &* 10 &+ Int(byte &- 0x30)
        }
        return result
    }

    static func isWord(_ value: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
        guard let base = value.baseAddress, value.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<value.count where self.lowercased(base[index]) != word.utf8Start[index] { return false }
        return true
    }

    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
}

/// Walks a comma-separated list of tokens, such as the value of `Connection`.
///
/// Empty elements are passed over.
struct HTTPTokens {
    private let value: UnsafeBufferPointer<UInt8>
    private var index = 0

    init(_ value: UnsafeBufferPointer<UInt8>) { self.value = value }

    /// The next token; nil at the end.
    ///
    /// - Throws: `HTTPParseError.badFieldValue` if an element is not a token.
    mutating func next() throws(HTTPParseError) -> UnsafeBufferPointer<UInt8>? {
        guard let base = self.value.baseAddress else { return nil }
        let end = self.value.count
        while self.index < end, ByteClass.isBlank(base[self.index]) || base[self.index] == ByteClass.comma {
            self.index += 1
        }
        guard self.index < end else { return nil }
        let start = self.index
        let stop = ByteClass.endOfToken(base, start, end)
        self.index = stop
        while self.index < end, ByteClass.isBlank(base[self.index]) { self.index += 1 }
        guard stop > start, self.index == end || base[self.index] == ByteClass.comma else { throw .badFieldValue }
        return UnsafeBufferPointer(start: base + start, count: stop - start)
    }
}
