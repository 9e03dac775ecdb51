/// JSON read in the slow and obvious way, by the productions of RFC 8259.
///
/// For comparison only.
struct JSONReference {
    indirect enum Value: Equatable {
        case null
        case bool(Bool)
        case number(String)
        /// UTF-16 code units, so that lone surrogates can be told.
        case string([UInt16])
        case array([Value])
        case object([Member])
    }

    struct Member: Equatable {
        var key: [UInt16]
        var value: Value
    }

    struct Malformed: Error {}

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private let depthMax: Int

    /// The value of a whole text; nil if it is not JSON or nested deeper than `depthMax`.
    static func parse(_ bytes: [UInt8], depthMax: Int = 64) -> Value? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var parser = JSONReference(scalars: Array(text.unicodeScalars), depthMax: depthMax)
        do {
            parser.space()
            let value = try parser.value(depth: 1)
            parser.space()
            return parser.index == parser.scalars.count ? value : nil
        } catch {
            return nil
        }
    }

    private init(scalars: [Unicode.Scalar], depthMax: Int) {
        self.scalars = scalars
        self.depthMax = depthMax
    }

    private var next: Unicode.Scalar? { self.index < self.scalars.count ? self.scalars[self.index] : nil }

    private mutating func space() {
        while let scalar = self.next, " \t\n\r".unicodeScalars.contains(scalar) { self.index += 1 }
    }

    private mutating func take(_ text: String) throws {
        for scalar in text.unicodeScalars {
            guard self.next == scalar else { throw Malformed() }
            self.index += 1
        }
    }

    private mutating func value(depth: Int) throws -> Value {
        switch self.next {
        case "n":
            try self.take("null")
            return .null
        case "t":
            try self.take("true")
            return .bool(true)
        case "f":
            try self.take("false")
            return .bool(false)
        case "\"":
            return .string(try self.string())
        case "[":
            return try self.array(depth: depth)
        case "{":
            return try self.object(depth: depth)
        default:
            return .number(try self.number())
        }
    }

    private mutating func array(depth: Int) throws -> Value {
        guard depth <= self.depthMax else { throw Malformed() }
        try self.take("[")
        self.space()
        var elements: [Value] = []
        while self.next != "]" {
            if !elements.isEmpty {
                try self.take(",")
                self.space()
            }
            elements.append(try self.value(depth: depth + 1))
            self.space()
        }
        try self.take("]")
        return .array(elements)
    }

    private mutating func object(depth: Int) throws -> Value {
        guard depth <= self.depthMax else { throw Malformed() }
        try self.take("{")
        self.space()
        var members: [Member] = []
        while self.next != "}" {
            if !members.isEmpty {
                try self.take(",")
                self.space()
            }
            let key = try self.string()
            self.space()
            try self.take(":")
            self.space()
            members.append(Member(key: key, value: try self.value(depth: depth + 1)))
            self.space()
        }
        try self.take("}")
        return .object(members)
    }

    private mutating func string() throws -> [UInt16] {
        try self.take("\"")
        var units: [UInt16] = []
        while let scalar = self.next {
            self.index += 1
            switch scalar {
            case "\"": return units
            case "\\": units.append(try self.escape())
            case "\u{0}"..."\u{1F}": throw Malformed()
            default: units += Array(String(scalar).utf16)
            }
        }
        throw Malformed()
    }

    private mutating func escape() throws -> UInt16 {
        guard let scalar = self.next else { throw Malformed() }
        self.index += 1
        switch scalar {
        case "\"", "\\", "/": return UInt16(scalar.value)
        case "b": return 8
        case "f": return 12
        case "n": return 10
        case "r": return 13
        case "t": return 9
        case "u":
            guard self.index + 4 <= self.scalars.count else { throw Malformed() }
            var text = ""
            text.unicodeScalars.append(contentsOf: self.scalars[self.index..<(self.index + 4)])
            guard text.allSatisfy({ $0.isASCII && $0.isHexDigit }), let unit = UInt16(text, radix: 16) else {
                throw Malformed()
            }
            self.index += 4
            return unit
        default: throw Malformed()
        }
    }

    private mutating func number() throws -> String {
        let start = self.index
        if self.next == "-" { self.index += 1 }
        if self.next == "0" { self.index += 1 } else { try self.digits() }
        if self.next == "." {
            self.index += 1
            try self.digits()
        }
        if self.next == "e" || self.next == "E" {
            self.index += 1
            if self.next == "+" || self.next == "-" { self.index += 1 }
            try self.digits()
        }
        var text = ""
        text.unicodeScalars.append(contentsOf: self.scalars[start..<self.index])
        return text
    }

    private mutating func digits() throws {
        let start = self.index
        while let scalar = self.next, scalar >= "0", scalar <= "9" { self.index += 1 }
        guard self.index > start else { throw Malformed() }
    }
}

extension JSONReference.Value {
    /// Whether any object in it names a key twice.
    var hasDuplicates: Bool {
        switch self {
        case .array(let elements): elements.contains { $0.hasDuplicates }
        case .object(let members):
            Set(members.map(\.key)).count < members.count || members.contains { $0.value.hasDuplicates }
        default: false
        }
    }

    /// Whether a key, or also a string if `inStrings`, holds a surrogate without its other half.
    func hasLoneSurrogates(inStrings: Bool) -> Bool {
        switch self {
        case .string(let units): inStrings && Self.isLone(units)
        case .array(let elements): elements.contains { $0.hasLoneSurrogates(inStrings: inStrings) }
        case .object(let members):
            members.contains { Self.isLone($0.key) || $0.value.hasLoneSurrogates(inStrings: inStrings) }
        default: false
        }
    }

    private static func isLone(_ units: [UInt16]) -> Bool {
        String(validating: units, as: UTF16.self) == nil
    }
}
