/// Reads one JSON text (RFC 8259).
///
/// Strict: no comments, no trailing commas, nothing after the value.
struct JSONParser {
    struct Failure: Error, Equatable {
        /// What is wrong and at which byte, in words for the person who sent it.
        var message: String
    }

    /// Deeper values are refused, so that a hostile text cannot exhaust the stack.
    static let depthLimit = 512

    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    private init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The value that `bytes` holds.
    ///
    /// - Throws: `Failure` if it is not exactly one JSON value.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> JSONValue {
        var parser = JSONParser(bytes)
        parser.skipSpace()
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.at == bytes.count else { throw parser.failure("there is more after the value") }
        return value
    }

    /// The value that `text` holds.
    ///
    /// - Throws: `Failure` if it is not exactly one JSON value.
    static func parse(_ text: String) throws(Failure) -> JSONValue {
        let copy = Array(text.utf8)
        let result: Result<JSONValue, Failure> = copy.withUnsafeBytes { bytes in
            do throws(Failure) { return .success(try Self.parse(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    // MARK: - Values

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        guard depth < Self.depthLimit else { throw self.failure("it is nested too deeply") }
        guard let first = self.peek else { throw self.failure("it ends too early") }
        switch first {
        case UInt8(ascii: "{"): return try self.object(depth: depth)
        case UInt8(ascii: "["): return try self.array(depth: depth)
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.literal("true", .bool(true))
        case UInt8(ascii: "f"): return try self.literal("false", .bool(false))
        case UInt8(ascii: "n"): return try self.literal("null", .null)
        default: return try self.number()
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONValue {
        self.at += 1
        var members: [JSONValue.Member] = []
        self.skipSpace()
        if self.take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            self.skipSpace()
            guard self.peek == UInt8(ascii: "\"") else { throw self.failure("a member name is missing") }
            let key = try self.string()
            self.skipSpace()
            guard self.take(UInt8(ascii: ":")) else { throw self.failure("a colon is missing") }
            self.skipSpace()
            members.append(.init(key, try self.value(depth: depth + 1)))
            self.skipSpace()
            if self.take(UInt8(ascii: "}")) { return .object(members) }
            guard self.take(UInt8(ascii: ",")) else { throw self.failure("a comma is missing") }
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> JSONValue {
        self.at += 1
        var elements: [JSONValue] = []
        self.skipSpace()
        if self.take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            self.skipSpace()
            elements.append(try self.value(depth: depth + 1))
            self.skipSpace()
            if self.take(UInt8(ascii: "]")) { return .array(elements) }
            guard self.take(UInt8(ascii: ",")) else { throw self.failure("a comma is missing") }
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        let end = self.at + word.utf8CodeUnitCount
        guard end <= self.bytes.count else { throw self.failure("it ends too early") }
        for offset in 0..<word.utf8CodeUnitCount where self.bytes[self.at + offset] != word.utf8Start[offset] {
            throw self.failure("this is not a value")
        }
        self.at = end
        return value
    }

    private mutating func number() throws(Failure) -> JSONValue {
        let start = self.at
        _ = self.take(UInt8(ascii: "-"))
        if !self.take(UInt8(ascii: "0")) {
            guard self.skipDigits() > 0 else { throw self.failure("this is not a value") }
        }
        var isWhole = true
        if self.take(UInt8(ascii: ".")) {
            isWhole = false
            guard self.skipDigits() > 0 else { throw self.failure("this is not a number") }
        }
        if self.take(UInt8(ascii: "e")) || self.take(UInt8(ascii: "E")) {
            isWhole = false
            if !self.take(UInt8(ascii: "+")) { _ = self.take(UInt8(ascii: "-")) }
            guard self.skipDigits() > 0 else { throw self.failure("this is not a number") }
        }
        let text = String(decoding: self.bytes[start..<self.at], as: UTF8.self)
        if isWhole, let count = Int(text) { return .integer(count) }
        guard let number = Double(text), number.isFinite else { throw self.failure("this number is too large") }
        return .number(number)
    }

    // MARK: - Strings

    private mutating func string() throws(Failure) -> String {
        self.at += 1
        let start = self.at
        while let byte = self.peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            self.at += 1
        }
        if self.peek == UInt8(ascii: "\"") {
            defer { self.at += 1 }
            return try self.checked(self.bytes[start..<self.at])
        }
        return try self.stringWithEscapes(Array(self.bytes[start..<self.at]))
    }

    private mutating func stringWithEscapes(_ beginning: [UInt8]) throws(Failure) -> String {
        var text = beginning
        while let byte = self.peek {
            self.at += 1
            switch byte {
            case UInt8(ascii: "\""): return try self.checked(text[...])
            case UInt8(ascii: "\\"): try self.appendEscape(to: &text)
            case 0..<0x20: throw self.failure("a control character stands in a string")
            default: text.append(byte)
            }
        }
        throw self.failure("a string does not end")
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws(Failure) {
        guard let letter = self.peek else { throw self.failure("a string does not end") }
        self.at += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(Character(try self.escapedScalar())).utf8)
        default: throw self.failure("this escape is unknown")
        }
    }

    /// A `\u` escape, or two that make one character.
    ///
    /// Half a pair becomes U+FFFD.
    private mutating func escapedScalar() throws(Failure) -> Unicode.Scalar {
        let first = try self.fourHexDigits()
        guard 0xD800..<0xDC00 ~= first, self.peek == UInt8(ascii: "\\"), self.at + 1 < self.bytes.count,
            self.bytes[self.at + 1] == UInt8(ascii: "u")
        else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
        let back = self.at
        self.at += 2
        let second = try self.fourHexDigits()
        guard 0xDC00..<0xE000 ~= second else {
            self.at = back
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func fourHexDigits() throws(Failure) -> UInt32 {
        guard self.at + 4 <= self.bytes.count else { throw self.failure("a string does not end") }
        var value: UInt32 = 0
        for byte in self.bytes[self.at..<self.at + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw self.failure("this escape is unknown")
            }
            value = value << 4 | UInt32(digit)
        }
        self.at += 4
        return value
    }

    private func checked(_ text: some Collection<UInt8>) throws(Failure) -> String {
        guard let string = String(validating: text, as: UTF8.self) else { throw self.failure("this is not UTF-8") }
        return string
    }

    // MARK: - Bytes

    private var peek: UInt8? { self.at < self.bytes.count ? self.bytes[self.at] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard self.peek == byte else { return false }
        self.at += 1
        return true
    }

    private mutating func skipDigits() -> Int {
        let start = self.at
        while let byte = self.peek, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { self.at += 1 }
        return self.at - start
    }

    private mutating func skipSpace() {
        while let byte = self.peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { self.at += 1 }
    }

    private func failure(_ what: String) -> Failure {
        Failure(message: "\(what) (byte \(self.at))")
    }
}
