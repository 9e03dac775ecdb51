/// A regular expression of a schema, matched in linear time.
///
/// Takes what ECMA-262 (the dialect that JSON Schema asks for) and all others have in common: characters, classes,
/// groups, alternatives, repetitions, and the anchors `^`, `$`, `\b`, `\B`. What needs more than that (references back,
/// looking ahead and behind, properties of Unicode) is none for it.
struct SchemaPattern: Sendable {
    /// The most states: repetitions are written out.
    static let statesMax = 4_000

    enum State: Sendable {
        case match
        /// Takes a character of these ranges, or of all others.
        case take(ranges: [ClosedRange<UInt32>], isNegated: Bool, next: Int)
        case split(Int, Int)
        case check(Check, next: Int)
    }

    enum Check: Sendable { case start, end, boundary, noBoundary }

    let text: String
    private let states: [State]
    private let start: Int

    /// Nil if it is no regular expression, or needs more than this can do.
    init?(_ text: String) {
        var parser = PatternParser(Array(text.unicodeScalars.map(\.value)))
        guard let tree = parser.parse() else { return nil }
        var states: [State] = [.match]
        guard let start = tree.build(into: &states, next: 0) else { return nil }
        self.text = text
        self.states = states
        self.start = start
    }

    /// Whether it matches anywhere in a text.
    ///
    /// - Parameter steps: Goes down with each state looked at; nil comes back when it is used up.
    func matches(_ text: String, steps: inout Int) -> Bool? {
        let scalars = Array(text.unicodeScalars.map(\.value))
        var current: [Int] = []
        var marks = [Int](repeating: -1, count: self.states.count)
        for position in 0...scalars.count {
            // A match may begin at each place.
            if self.add(self.start, at: position, scalars, &current, &marks) { return true }
            guard position < scalars.count else { break }
            let scalar = scalars[position]
            var next: [Int] = []
            steps -= current.count + 1
            guard steps > 0 else { return nil }
            for state in current {
                guard case .take(let ranges, let isNegated, let target) = self.states[state],
                    ranges.contains(where: { $0.contains(scalar) }) != isNegated
                else { continue }
                if self.add(target, at: position + 1, scalars, &next, &marks) { return true }
            }
            current = next
        }
        return false
    }

    /// Adds a state and all that follow from it without a character.
    ///
    /// - Returns: Whether the end is among them.
    private func add(
        _ first: Int,
        at position: Int,
        _ scalars: [UInt32],
        _ list: inout [Int],
        _ marks: inout [Int]
    ) -> Bool {
        var stack = [first]
        while let state = stack.popLast() {
            guard marks[state] != position else { continue }
            marks[state] = position
            switch self.states[state] {
            case .match: return true
            case .take: list.append(state)
            case .split(let one, let other): stack += [other, one]
            case .check(let check, let next):
                if Self.holds(check, at: position, scalars) { stack.append(next) }
            }
        }
        return false
    }

    private static func holds(_ check: Check, at position: Int, _ scalars: [UInt32]) -> Bool {
        func isWord(_ index: Int) -> Bool {
            guard scalars.indices.contains(index) else { return false }
            return PatternParser.word.contains { $0.contains(scalars[index]) }
        }
        switch check {
        case .start: return position == 0
        case .end: return position == scalars.count
        case .boundary: return isWord(position - 1) != isWord(position)
        case .noBoundary: return isWord(position - 1) == isWord(position)
        }
    }
}

/// A regular expression as a tree.
indirect enum PatternTree {
    case empty
    case take([ClosedRange<UInt32>], isNegated: Bool)
    case check(SchemaPattern.Check)
    case sequence([PatternTree])
    case alternatives([PatternTree])
    case repeated(PatternTree, least: Int, most: Int?)

    /// Writes the states for it, in front of those that follow; nil if they become too many.
    func build(into states: inout [SchemaPattern.State], next: Int) -> Int? {
        guard states.count < SchemaPattern.statesMax else { return nil }
        switch self {
        case .empty:
            return next
        case .take(let ranges, let isNegated):
            states.append(.take(ranges: ranges, isNegated: isNegated, next: next))
        case .check(let check):
            states.append(.check(check, next: next))
        case .sequence(let parts):
            var next = next
            for part in parts.reversed() {
                guard let start = part.build(into: &states, next: next) else { return nil }
                next = start
            }
            return next
        case .alternatives(let parts):
            var starts: [Int] = []
            for part in parts {
                guard let start = part.build(into: &states, next: next) else { return nil }
                starts.append(start)
            }
            var start = starts.last ?? next
            for other in starts.dropLast().reversed() {
                states.append(.split(other, start))
                start = states.count - 1
            }
            return start
        case .repeated(let part, let least, let most):
            return Self.build(part, least, most, into: &states, next: next)
        }
        return states.count - 1
    }

    private static func build(
        _ part: PatternTree,
        _ least: Int,
        _ most: Int?,
        into states: inout [SchemaPattern.State],
        next: Int
    ) -> Int? {
        var start = next
        if let most {
            for _ in 0..<(most - least) {
                guard let inner = part.build(into: &states, next: start), states.count < SchemaPattern.statesMax else {
                    return nil
                }
                states.append(.split(inner, next))
                start = states.count - 1
            }
        } else {
            // A loop: its own place must be known before what stands in it.
            let loop = states.count
            states.append(.split(loop, next))
            guard let inner = part.build(into: &states, next: loop) else { return nil }
            states[loop] = .split(inner, next)
            start = loop
        }
        for _ in 0..<least {
            guard let inner = part.build(into: &states, next: start), states.count < SchemaPattern.statesMax else {
                return nil
            }
            // What takes nothing takes nothing however often.
            if inner == start { break }
            start = inner
        }
        return start
    }
}
