internal import Core
internal import NIOCore

/// Writes a schema again as Anthropic takes it, from its first byte to its last, without ever going back.
///
/// The text must be valid JSON; its depth is bounded by whoever checked that.
struct AnthropicSchemaWalk {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0
    private(set) var text: ByteBuffer
    private(set) var isLossless = true
    /// How many bytes were looked at, for tests: never more than a small multiple of all.
    private(set) var looks = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        self.text = ByteBufferAllocator().buffer(capacity: bytes.count + 64)
    }

    private static let bounds = JSONNames(
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
        "contains",
        "minContains",
        "maxContains",
        "minProperties",
        "maxProperties",
        "patternProperties",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties"
    )

    /// What the value of a member is.
    private enum Value { case schema, schemasByName, schemas, other }

    /// Writes the schema that comes next; what is no object as it is.
    mutating func writeSchema() {
        guard self.next == UInt8(ascii: "{") else { return self.copy() }
        var isObject = false
        // An object of which nothing is said would have to be empty.
        var isClosed = false
        self.text.beginObject()
        self.members { walk, key in
            if Self.bounds.position(of: key) != nil {
                walk.isLossless = false
                return walk.skip()
            }
            // Written below, in the one form that the API takes.
            if key.equals("additionalProperties") {
                let value = walk.take()
                let scanner = JSONScanner(walk.bytes)
                if scanner.bool(value) == nil { walk.isLossless = false }
                if scanner.bool(value) == false { isClosed = true }
                isObject = true
                return
            }
            if key.equals("minItems") { return walk.writeLeastItems(key) }
            if key.equals("type") {
                let value = walk.take()
                if JSONScanner(walk.bytes).equals(value, "object") { isObject = true }
                walk.write(key)
                return walk.write(value)
            }
            if key.equals("properties") {
                isObject = true
                isClosed = true
            }
            // The API knows one word for both.
            if key.equals("oneOf") { walk.text.writeKey("anyOf") } else { walk.write(key) }
            walk.write(Self.value(of: key))
        }
        if isObject {
            self.text.writeMember("additionalProperties", false)
            if !isClosed { self.isLossless = false }
        }
        self.text.endObject()
    }

    private static func value(of key: JSONKey) -> Value {
        if key.equals("properties") || key.equals("$defs") || key.equals("definitions") { return .schemasByName }
        if key.equals("anyOf") || key.equals("oneOf") || key.equals("allOf") || key.equals("prefixItems") {
            return .schemas
        }
        return key.equals("items") ? .schema : .other
    }

    private mutating func write(_ value: Value) {
        switch (value, self.next) {
        case (.schema, _): self.writeSchema()
        case (.schemasByName, UInt8(ascii: "{")):
            self.text.beginObject()
            self.members { walk, name in
                walk.write(name)
                walk.writeSchema()
            }
            self.text.endObject()
        case (.schemas, UInt8(ascii: "[")):
            self.text.beginArray()
            self.elements { walk in
                walk.text.separate()
                walk.writeSchema()
            }
            self.text.endArray()
        default: self.copy()
        }
    }

    /// A bound only because of its value: the API takes 0 and 1.
    private mutating func writeLeastItems(_ key: JSONKey) {
        let value = self.take()
        if let count = JSONScanner(self.bytes).int(value), count > 1 {
            self.isLossless = false
            return
        }
        self.write(key)
        self.write(value)
    }

    // MARK: - Walking

    /// The byte that the next value begins with.
    private var next: UInt8 {
        mutating get {
            self.skipSpace()
            return self.at < self.bytes.count ? self.bytes[self.at] : 0
        }
    }

    private mutating func skipSpace() {
        while self.at < self.bytes.count, self.bytes[self.at] <= 0x20 { self.step() }
    }

    private mutating func step() {
        self.at += 1
        self.looks += 1
    }

    /// Calls `visit` with each key of the object that comes next, which has to take the value.
    private mutating func members(_ visit: (inout AnthropicSchemaWalk, JSONKey) -> Void) {
        self.step()
        while self.at < self.bytes.count, self.next != UInt8(ascii: "}") {
            if self.next == UInt8(ascii: ",") {
                self.step()
                continue
            }
            let name = self.take()
            guard let key = JSONKey(name, in: self.bytes) else { break }
            if self.next == UInt8(ascii: ":") { self.step() }
            visit(&self, key)
        }
        self.step()
    }

    /// Calls `visit` before each element of the list that comes next, which has to take it.
    private mutating func elements(_ visit: (inout AnthropicSchemaWalk) -> Void) {
        self.step()
        while self.at < self.bytes.count, self.next != UInt8(ascii: "]") {
            if self.next == UInt8(ascii: ",") { self.step() } else { visit(&self) }
        }
        self.step()
    }

    /// Goes behind the next value.
    private mutating func take() -> JSONSlice {
        self.skipSpace()
        let start = self.at
        var depth = 0
        repeat {
            guard self.at < self.bytes.count else { break }
            switch self.bytes[self.at] {
            case UInt8(ascii: "\""): self.skipString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                self.step()
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                self.step()
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0...0x20: self.step()
            default: self.skipWord()
            }
        } while depth > 0
        return JSONSlice(start: start, end: min(self.at, self.bytes.count))
    }

    private mutating func skipString() {
        self.step()
        while self.at < self.bytes.count, self.bytes[self.at] != UInt8(ascii: "\"") {
            if self.bytes[self.at] == UInt8(ascii: "\\") { self.step() }
            self.step()
        }
        self.step()
    }

    /// A number, or `true`, `false` or `null`.
    private mutating func skipWord() {
        while self.at < self.bytes.count {
            switch self.bytes[self.at] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ":"), 0...0x20: return
            default: self.step()
            }
        }
    }

    private mutating func skip() { _ = self.take() }

    private mutating func copy() { self.write(self.take()) }

    private mutating func write(_ slice: JSONSlice) {
        self.text.writeBytes(UnsafeRawBufferPointer(rebasing: self.bytes[slice.range]))
    }

    /// Writes a key as it stands, with its colon.
    private mutating func write(_ key: JSONKey) {
        self.text.separate()
        self.write(key.slice)
        self.text.writeStaticString(":")
    }
}
