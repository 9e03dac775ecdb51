/// Finds functions and how long they are: the lines between the braces of their bodies.
enum FunctionLength {
    struct Function: Equatable, Sendable {
        let name: String
        /// Line of the declaration, from 1.
        let line: Int
        /// Lines of the body, without those of the two braces.
        let bodyLines: Int
    }

    private static let introducers: Set<String> = ["func", "init", "deinit", "subscript"]

    /// Every `func`, `init`, `deinit` and `subscript` that has a body, nested ones included.
    static func functions(in source: SourceText) -> [Function] {
        var found: [Function] = []
        var open: [(name: String, line: Int, depth: Int, start: Int)] = []
        var pending: (name: String, line: Int, parentheses: Int)?
        var braces = 0
        var parentheses = 0
        for (index, line) in source.code.enumerated() {
            for token in Self.tokens(of: line) {
                switch token {
                case "(", "[": parentheses += 1
                case ")", "]": parentheses -= 1
                case "{":
                    braces += 1
                    if let function = pending, parentheses == function.parentheses {
                        open.append((function.name, function.line, braces, index))
                        pending = nil
                    }
                case "}":
                    if let function = open.last, function.depth == braces {
                        open.removeLast()
                        found.append(
                            Function(
                                name: function.name,
                                line: function.line,
                                bodyLines: max(0, index - function.start - 1)
                            )
                        )
                    }
                    braces -= 1
                    // A requirement of a protocol has no body; its end is the end of the protocol.
                    if let function = pending, parentheses == function.parentheses { pending = nil }
                default:
                    if Self.introducers.contains(token) {
                        pending = (token, index + 1, parentheses)
                    } else if let function = pending, function.name == "func" {
                        pending = (token, function.line, function.parentheses)
                    }
                }
            }
        }
        return found
    }

    /// Words, and the brackets between them.
    ///
    /// `self.init` and `.init` are calls, not declarations, and are left out.
    private static func tokens(of line: [UInt8]) -> [String] {
        var tokens: [String] = []
        var word: [UInt8] = []
        var wordFollowsDot = false
        var last = UInt8(ascii: " ")
        func finish() {
            if !word.isEmpty, !wordFollowsDot { tokens.append(String(decoding: word, as: UTF8.self)) }
            word.removeAll()
        }
        for byte in line {
            switch byte {
            case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
                UInt8(ascii: "}"):
                finish()
                tokens.append(String(UnicodeScalar(byte)))
            case UInt8(ascii: " "), UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "<"),
                UInt8(ascii: ">"),
                UInt8(ascii: "?"), UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: "&"):
                finish()
            default:
                if word.isEmpty { wordFollowsDot = last == UInt8(ascii: ".") }
                word.append(byte)
            }
            last = byte
        }
        finish()
        return tokens
    }
}
