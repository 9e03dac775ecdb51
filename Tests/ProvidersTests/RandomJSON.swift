import Core

/// Random JSON from a seed, in random spelling: white space, escapes, numbers of every form.
///
/// What it spells is known as
/// a tree, so that two readings can be compared.
struct RandomJSON {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func below(_ limit: Int) -> Int {
        self.state ^= self.state << 13
        self.state ^= self.state >> 7
        self.state ^= self.state << 17
        return Int(self.state % UInt64(limit))
    }

    mutating func space() -> String { ["", "", "", " ", "\n", "\t ", "\r\n"][self.below(7)] }

    mutating func string() -> String {
        let pieces = [
            "a", "model", "é", "\\u00e9", "\\n", "\\\"", "\\\\", "日本", "🙂", "\\ud83d\\ude42", "/", "\\/", "{", "}", ",",
            ":", "usage", "\u{2028}", " ",
        ]
        return "\"" + (0..<self.below(5)).map { _ in pieces[self.below(pieces.count)] }.joined() + "\""
    }

    mutating func value(depth: Int = 0) -> String {
        switch self.below(depth > 3 ? 5 : 8) {
        case 0: return ["null", "true", "false"][self.below(3)]
        case 1, 2:
            return ["0", "-0", "1.50", "1e400", "-12", "9223372036854775808", "0.1e-7", "1E+2", "100"][self.below(9)]
        case 3, 4: return self.string()
        case 5, 6:
            let members = (0..<self.below(4)).map { number in
                let name = "\(self.space())\"k\(number)\(self.below(10))\""
                return name + "\(self.space()):\(self.space())\(self.value(depth: depth + 1))"
            }
            return "{" + members.joined(separator: "\(self.space()),") + self.space() + "}"
        default:
            let elements = (0..<self.below(4)).map { _ in self.space() + self.value(depth: depth + 1) }
            return "[" + elements.joined(separator: ",") + self.space() + "]"
        }
    }

    /// An object with these members among random ones, in random order.
    mutating func object(with own: [(String, String)]) -> String {
        var members = own.map { "\"\($0.0)\"\(self.space()):\(self.space())\($0.1)" }
        for number in 0..<self.below(6) { members.append("\"x\(number)\":\(self.space())\(self.value())") }
        for index in members.indices { members.swapAt(index, self.below(members.count)) }
        return self.space() + "{" + self.space() + members.joined(separator: "\(self.space()),\(self.space())")
            + self.space() + "}" + self.space()
    }
}

extension JSONValue {
    /// The members without those of these names.
    func without(_ names: String...) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { !names.contains($0.0) })
    }

    /// Equal whatever the order of members at the top level.
    func hasSameMembers(as other: JSONValue) -> Bool {
        guard let left = self.objectValue, let right = other.objectValue, left.count == right.count else {
            return false
        }
        return left.allSatisfy { other[$0.0] == $0.1 }
    }
}
