package import NIOCore

extension JSONValue {
    /// Reads a whole text.
    ///
    /// As strict as `JSONScanner`, and stricter in two: no object at any depth may name a key twice, and no string may
    /// hold a lone surrogate.
    ///
    /// - Throws: `JSONError` for the first fault.
    package static func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
        try self.parse(bytes, mends: false)
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer, mends: Bool) throws(JSONError) -> JSONValue {
        var parser = JSONParser(lexer: JSONLexer(bytes, from: 0, to: bytes.count), mendsSurrogates: mends)
        parser.lexer.skipWhitespace()
        let value = try parser.value(depth: 1)
        parser.lexer.skipWhitespace()
        guard parser.lexer.index == parser.lexer.end else {
            throw .invalid(at: parser.lexer.index, expected: .end)
        }
        return value
    }

    /// Reads the readable bytes of a buffer, without moving its reader index.
    ///
    /// - Throws: `JSONError` for the first fault; offsets count from the first readable byte.
    package static func parse(_ buffer: ByteBuffer) throws(JSONError) -> JSONValue {
        let result: Result<JSONValue, JSONError> = buffer.withUnsafeReadableBytes { bytes in
            do throws(JSONError) { return .success(try self.parse(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Reads a text.
    ///
    /// - Throws: `JSONError` for the first fault; offsets count UTF-8 bytes.
    package static func parse(_ text: String) throws(JSONError) -> JSONValue {
        try self.parse(ByteBuffer(string: text))
    }

    /// Reads what somebody else wrote, where half of a surrogate pair is no reason to have nothing: it becomes U+FFFD.
    ///
    /// - Throws: `JSONError` for any other fault.
    package static func parse(mending buffer: ByteBuffer) throws(JSONError) -> JSONValue {
        let result: Result<JSONValue, JSONError> = buffer.withUnsafeReadableBytes { bytes in
            do throws(JSONError) {
                return .success(try self.parse(bytes, mends: true))
            } catch { return .failure(error) }
        }
        return try result.get()
    }
}

/// Builds the tree.
///
/// Recursion ends at `JSONScanner.depthMax`.
private struct JSONParser {
    var lexer: JSONLexer
    /// Whether a lone surrogate becomes U+FFFD, and is no fault.
    let mendsSurrogates: Bool

    mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        switch self.lexer.byte {
        case 0x7B:
            return try self.object(depth: depth)
        case 0x5B:
            return try self.array(depth: depth)
        case 0x22:
            return .string(try self.string())
        case 0x74:
            try self.lexer.skipLiteral("true")
            return .bool(true)
        case 0x66:
            try self.lexer.skipLiteral("false")
            return .bool(false)
        case 0x6E:
            try self.lexer.skipLiteral("null")
            return .null
        case 0x2D, 0x30...0x39:
            return try self.number()
        default:
            throw .invalid(at: self.lexer.index, expected: .value)
        }
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = self.lexer.index
        try self.lexer.skipNumber()
        let bytes = UnsafeBufferPointer(start: self.lexer.base + start, count: self.lexer.index - start)
        let text = String(decoding: bytes, as: UTF8.self)
        // `Int64("-0")` would lose the sign, and nothing else that it accepts and JSON's grammar does is not exact.
        if let integer = Int64(text), text != "-0" { return .integer(integer) }
        return .number(text)
    }

    private mutating func string() throws(JSONError) -> String {
        let start = self.lexer.index
        let traits = try self.lexer.skipString()
        guard self.mendsSurrogates || traits.loneSurrogate < 0 else { throw .loneSurrogate(at: traits.loneSurrogate) }
        let count = self.lexer.index - start - 2
        guard traits.hasEscapes else {
            let bytes = UnsafeBufferPointer(start: self.lexer.base + start + 1, count: count)
            return String(decoding: bytes, as: UTF8.self)
        }
        var reader = JSONUnescaper(self.lexer.base, JSONSlice(start: start, end: self.lexer.index))
        var plain: [UInt8] = []
        plain.reserveCapacity(count)
        while let byte = reader.next() { plain.append(byte) }
        return String(decoding: plain, as: UTF8.self)
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= JSONScanner.depthMax else { throw .tooDeep(at: self.lexer.index) }
        self.lexer.index += 1
        self.lexer.skipWhitespace()
        var elements: [JSONValue] = []
        guard self.lexer.byte != 0x5D else { return self.close(.array(elements)) }
        while true {
            elements.append(try self.value(depth: depth + 1))
            guard try self.nextFollows(closing: 0x5D) else { return self.close(.array(elements)) }
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= JSONScanner.depthMax else { throw .tooDeep(at: self.lexer.index) }
        self.lexer.index += 1
        self.lexer.skipWhitespace()
        var members: [(String, JSONValue)] = []
        var names: Set<[UInt8]> = []
        guard self.lexer.byte != 0x7D else { return self.close(.object(members)) }
        while true {
            let start = self.lexer.index
            guard self.lexer.byte == 0x22 else { throw .invalid(at: start, expected: .key) }
            let name = try self.string()
            guard names.insert(Array(name.utf8)).inserted else { throw .duplicateKey(at: start) }
            self.lexer.skipWhitespace()
            try self.lexer.expect(0x3A, .colon)
            self.lexer.skipWhitespace()
            members.append((name, try self.value(depth: depth + 1)))
            guard try self.nextFollows(closing: 0x7D) else { return self.close(.object(members)) }
        }
    }

    private mutating func nextFollows(closing: UInt8) throws(JSONError) -> Bool {
        self.lexer.skipWhitespace()
        if self.lexer.byte == 0x2C {
            self.lexer.index += 1
            self.lexer.skipWhitespace()
            return true
        }
        guard self.lexer.byte == closing else {
            throw .invalid(at: self.lexer.index, expected: .commaOrEnd)
        }
        return false
    }

    private mutating func close(_ value: JSONValue) -> JSONValue {
        self.lexer.index += 1
        return value
    }
}
