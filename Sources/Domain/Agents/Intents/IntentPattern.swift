internal import Core

/// What a request may look like, as an operator wrote it.
///
///     add (a|another) task {title}
///     remind me to {title} [on|by {due:date}]
///     <get rid of | delete> {id:int}
///     (show | what are) my task(s)
///
/// Words stand for themselves. `a|b` without space around the bar is one word or the other; with space around it, it
/// separates what stands before from all that stands behind, up to the brackets around. `( )` and `[ ]` may be left
/// out, `< >` may not. `{name}` takes one word or more, `{name:word}` one, `{name:int}` a whole number, `{name:date}` a
/// day. A bracket right behind a word is an ending of it: `task(s)`.
struct IntentPattern: Sendable {
    enum Kind: String, Sendable, CaseIterable { case text, word, int, date }

    indirect enum Node: Sendable {
        case word(String)
        case slot(String, Kind)
        case sequence([Node])
        case choice([Node])
    }

    let root: Node
    /// The names of its placeholders.
    let slots: Set<String>

    /// The longest name of a placeholder.
    static let nameBytesMax = 64
    /// How deep brackets may stand in each other.
    static let depthMax = 8

    /// - Throws: `ValueFault` that says what is wrong with it.
    init(_ text: String, at path: String) throws(ValueFault) {
        var parser = IntentPatternParser(text, path)
        self.root = try parser.parse()
        self.slots = Set(try Self.names(self.root, path))
        guard Self.leastWords(self.root) > 0 else {
            throw ValueFault(path, expected: "a pattern with a word that cannot be left out")
        }
    }

    /// The fewest words that a request has which fits.
    private static func leastWords(_ node: Node) -> Int {
        switch node {
        case .word: 1
        case .slot: 0
        case .sequence(let nodes): nodes.reduce(0) { $0 + Self.leastWords($1) }
        case .choice(let nodes): nodes.map(Self.leastWords).min() ?? 0
        }
    }

    /// The words that every request has which fits.
    static func demanded(_ node: Node) -> Set<String> {
        switch node {
        case .word(let word): return [word]
        case .slot: return []
        case .sequence(let nodes): return nodes.reduce(into: []) { $0.formUnion(Self.demanded($1)) }
        case .choice(let nodes):
            guard let first = nodes.first else { return [] }
            return nodes.dropFirst().reduce(Self.demanded(first)) { $0.intersection(Self.demanded($1)) }
        }
    }

    /// The names of placeholders; one way through a pattern names each once.
    private static func names(_ node: Node, _ path: String) throws(ValueFault) -> [String] {
        switch node {
        case .word: return []
        case .slot(let name, _): return [name]
        case .choice(let nodes):
            var names: [String] = []
            for node in nodes { names += try Self.names(node, path) }
            return names
        case .sequence(let nodes):
            var names: [String] = []
            for node in nodes {
                let more = try Self.names(node, path)
                if let twice = more.first(where: names.contains) {
                    throw ValueFault(path, expected: "a pattern that names {\(twice)} once")
                }
                names += more
            }
            return names
        }
    }
}

/// Reads one pattern.
///
/// Goes down no deeper than `IntentPattern.depthMax`.
private struct IntentPatternParser {
    private let characters: [Character]
    private let path: String
    private var index = 0

    init(_ text: String, _ path: String) {
        self.characters = Array(text)
        self.path = path
    }

    mutating func parse() throws(ValueFault) -> IntentPattern.Node {
        let root = try self.alternatives(until: nil, depth: 0)
        guard self.index == self.characters.count else {
            throw self.fault("without '\(self.characters[self.index])' alone")
        }
        return root
    }

    private func fault(_ expected: String) -> ValueFault {
        ValueFault(self.path, expected: "a pattern \(expected) (at character \(self.index + 1))")
    }

    private var current: Character? { self.index < self.characters.count ? self.characters[self.index] : nil }

    private func isSpace(at index: Int) -> Bool {
        !self.characters.indices.contains(index) || self.characters[index].isWhitespace
    }

    /// Sequences with bars between them that have space around.
    private mutating func alternatives(until end: Character?, depth: Int) throws(ValueFault) -> IntentPattern.Node {
        var nodes = [try self.sequence(until: end, depth: depth)]
        while self.current == "|" {
            self.index += 1
            nodes.append(try self.sequence(until: end, depth: depth))
        }
        if nodes.count == 1 { return nodes[0] }
        guard !nodes.contains(where: Self.isEmpty) else { throw self.fault("with something on both sides of '|'") }
        return .choice(nodes)
    }

    private static func isEmpty(_ node: IntentPattern.Node) -> Bool {
        if case .sequence(let nodes) = node { nodes.isEmpty } else { false }
    }

    private mutating func sequence(until end: Character?, depth: Int) throws(ValueFault) -> IntentPattern.Node {
        var nodes: [IntentPattern.Node] = []
        while let character = self.current, character != end {
            if character.isWhitespace {
                self.index += 1
            } else if character == "|" {
                break
            } else {
                nodes.append(try self.item(depth))
            }
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    /// Atoms with bars between them that have no space around.
    private mutating func item(_ depth: Int) throws(ValueFault) -> IntentPattern.Node {
        var nodes = [try self.atom(depth)]
        while self.current == "|", !self.isSpace(at: self.index - 1), !self.isSpace(at: self.index + 1) {
            self.index += 1
            nodes.append(try self.atom(depth))
        }
        if nodes.count == 1 { return nodes[0] }
        guard !nodes.contains(where: Self.isEmpty) else { throw self.fault("with something on both sides of '|'") }
        return .choice(nodes)
    }

    private static let closers: [Character: Character] = ["(": ")", "[": "]", "<": ">"]
    private static let special: Set<Character> = ["(", ")", "[", "]", "<", ">", "{", "}", "|"]

    private mutating func atom(_ depth: Int) throws(ValueFault) -> IntentPattern.Node {
        guard let character = self.current else { throw self.fault("that does not end with '|'") }
        if character == "{" { return try self.slot() }
        if let closer = Self.closers[character] { return try self.group(closer, depth) }
        guard !Self.special.contains(character) else { throw self.fault("without '\(character)' alone") }
        let start = self.index
        while let next = self.current, !next.isWhitespace, !Self.special.contains(next) { self.index += 1 }
        let text = String(self.characters[start..<self.index])
        let words = IntentWords(text, wordsMax: IntentMatcher.wordsMax)?.words.map(\.folded) ?? []
        if words.count == 1, self.current == "(", let ending = self.ending() {
            return .choice([.word(words[0]), .word(words[0] + ending)])
        }
        return words.count == 1 ? .word(words[0]) : .sequence(words.map { .word($0) })
    }

    /// The `s` of `task(s)`; nil where the bracket holds more than an ending.
    private mutating func ending() -> String? {
        guard let close = self.characters[self.index...].firstIndex(of: ")") else { return nil }
        let inside = self.characters[(self.index + 1)..<close]
        guard !inside.isEmpty, inside.allSatisfy({ $0.isLetter }) else { return nil }
        self.index = close + 1
        return String(inside).lowercased()
    }

    private mutating func group(_ closer: Character, _ depth: Int) throws(ValueFault) -> IntentPattern.Node {
        guard depth < IntentPattern.depthMax else {
            throw self.fault("with at most \(IntentPattern.depthMax) brackets in each other")
        }
        self.index += 1
        let inside = try self.alternatives(until: closer, depth: depth + 1)
        guard self.current == closer else { throw self.fault("with a '\(closer)' for each bracket that is opened") }
        self.index += 1
        guard !Self.isEmpty(inside) else { throw self.fault("with something in every bracket") }
        return closer == ">" ? inside : .choice([inside, .sequence([])])
    }

    private mutating func slot() throws(ValueFault) -> IntentPattern.Node {
        guard let close = self.characters[self.index...].firstIndex(of: "}") else {
            throw self.fault("with a '}' for each '{'")
        }
        let inside = String(self.characters[(self.index + 1)..<close])
        let parts = inside.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let name = parts.first, IntentReply.isName(name) else {
            throw self.fault("whose placeholders have names of letters, digits and '_'")
        }
        guard let kind = IntentPattern.Kind(rawValue: parts.count > 1 ? parts[1] : "text") else {
            let kinds = IntentPattern.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw self.fault("whose placeholders are one of \(kinds)")
        }
        self.index = close + 1
        return .slot(name, kind)
    }
}
