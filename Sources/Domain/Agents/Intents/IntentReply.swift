package import Core

/// What is answered when an intent's tool has run, with placeholders.
///
/// `Added {title}[ for {due}].`: `{name}` is an argument of the call, `{result}` what the tool said. What stands in
/// brackets is left out if one of its placeholders has nothing.
package struct IntentReply: Sendable, Equatable {
    private indirect enum Part: Sendable, Equatable {
        case text(String)
        case slot(String)
        case optional([Part])
    }

    /// As it was written.
    package let text: String
    private let parts: [Part]

    /// - Parameter known: The names that it may have besides `result`.
    init(_ text: String, knowing known: Set<String>, at path: String) throws(ValueFault) {
        self.text = text
        var rest = Substring(text)
        let parts = try Self.read(&rest, isInside: false, path)
        for name in Self.names(parts) where name != "result" && !known.contains(name) {
            let names = (known.sorted() + ["result"]).joined(separator: ", ")
            throw ValueFault(path, expected: "without {\(name)}, which no pattern has (known here: \(names))")
        }
        self.parts = parts
    }

    /// Whether it can name a placeholder: 1 to 64 letters, digits and `_`.
    static func isName(_ text: String) -> Bool {
        (1...IntentPattern.nameBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default:
                    false
                }
            }
    }

    private static func read(
        _ rest: inout Substring,
        isInside: Bool,
        _ path: String
    ) throws(ValueFault) -> [Part] {
        var parts: [Part] = []
        var plain = ""
        func flush() {
            if !plain.isEmpty { parts.append(.text(plain)) }
            plain = ""
        }
        while let character = rest.popFirst() {
            switch character {
            case "{":
                guard let close = rest.firstIndex(of: "}"), Self.isName(String(rest[..<close])) else {
                    throw ValueFault(path, expected: "a text whose braces hold names, such as {title}")
                }
                flush()
                parts.append(.slot(String(rest[..<close])))
                rest = rest[rest.index(after: close)...]
            case "[" where !isInside:
                flush()
                parts.append(.optional(try Self.read(&rest, isInside: true, path)))
            case "]" where isInside:
                flush()
                return parts
            default: plain.append(character)
            }
        }
        guard !isInside else { throw ValueFault(path, expected: "a text with a ']' for each '['") }
        flush()
        return parts
    }

    private static func names(_ parts: [Part]) -> [String] {
        parts.flatMap { part -> [String] in
            switch part {
            case .text: []
            case .slot(let name): [name]
            case .optional(let inner): Self.names(inner)
            }
        }
    }

    /// The reply for one call.
    ///
    /// - Parameters:
    ///   - arguments: What the tool was given.
    ///   - result: What it said.
    package func filled(_ arguments: [(String, JSONValue)], result: String) -> String {
        func value(_ name: String) -> String {
            if let found = arguments.last(where: { $0.0 == name })?.1 { return found.stringValue ?? found.text }
            return name == "result" ? result : ""
        }
        return self.parts.reduce(into: "") { text, part in
            switch part {
            case .text(let plain): text += plain
            case .slot(let name): text += value(name)
            case .optional(let inner):
                guard Self.names(inner).allSatisfy({ !value($0).isEmpty }) else { return }
                for part in inner {
                    switch part {
                    case .text(let plain): text += plain
                    case .slot(let name): text += value(name)
                    case .optional: break
                    }
                }
            }
        }
    }
}
