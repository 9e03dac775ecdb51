/// Reads a regular expression; nil for all that it does not know.
struct PatternParser {
    static let digit: [ClosedRange<UInt32>] = [48...57]
    static let word: [ClosedRange<UInt32>] = [48...57, 65...90, 95...95, 97...122]
    static let space: [ClosedRange<UInt32>] = [
        9...13, 32...32, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
        0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ]
    private static let lineEnds: [ClosedRange<UInt32>] = [10...10, 13...13, 0x2028...0x2029]
    private static let depthMax = 50
    private static let countMax = 1_000

    private let scalars: [UInt32]
    private var index = 0
    private var depth = 0

    init(_ scalars: [UInt32]) { self.scalars = scalars }

    private var next: UInt32? { self.index < self.scalars.count ? self.scalars[self.index] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard self.next == character.value else { return false }
        self.index += 1
        return true
    }

    mutating func parse() -> PatternTree? {
        guard let tree = self.alternatives(), self.index == self.scalars.count else { return nil }
        return tree
    }

    private mutating func alternatives() -> PatternTree? {
        self.depth += 1
        defer { self.depth -= 1 }
        guard self.depth <= Self.depthMax else { return nil }
        var parts: [PatternTree] = []
        repeat {
            guard let part = self.sequence() else { return nil }
            parts.append(part)
        } while self.take("|")
        return parts.count == 1 ? parts[0] : .alternatives(parts)
    }

    private mutating func sequence() -> PatternTree? {
        var parts: [PatternTree] = []
        while let next = self.next, next != 0x7C, next != 0x29 {
            guard let atom = self.atom(), let part = self.repetition(of: atom) else { return nil }
            parts.append(part)
        }
        return .sequence(parts)
    }

    private mutating func repetition(of atom: PatternTree) -> PatternTree? {
        var least = 1
        var most: Int? = 1
        if self.take("*") {
            (least, most) = (0, nil)
        } else if self.take("+") {
            (least, most) = (1, nil)
        } else if self.take("?") {
            (least, most) = (0, 1)
        } else if self.next == 0x7B {
            guard let counts = self.counts() else { return nil }
            (least, most) = counts
        } else {
            return atom
        }
        // Whether it takes as much or as little as it can makes no difference to whether it matches.
        _ = self.take("?")
        if let next = self.next, next == 0x2A || next == 0x2B || next == 0x3F || next == 0x7B { return nil }
        if case .check = atom { return nil }
        return .repeated(atom, least: least, most: most)
    }

    /// `{2}`, `{2,}` or `{2,3}`.
    private mutating func counts() -> (Int, Int?)? {
        guard self.take("{"), let least = self.number() else { return nil }
        var most: Int? = least
        if self.take(",") {
            most = nil
            if self.next != 0x7D {
                guard let written = self.number(), written >= least else { return nil }
                most = written
            }
        }
        return self.take("}") ? (least, most) : nil
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let next = self.next, (48...57).contains(next) {
            value = (value ?? 0) * 10 + Int(next - 48)
            guard value ?? 0 <= Self.countMax else { return nil }
            self.index += 1
        }
        return value
    }

    private mutating func atom() -> PatternTree? {
        guard let next = self.next else { return nil }
        self.index += 1
        switch Unicode.Scalar(next) {
        case "(":
            if self.take("?") {
                guard self.take(":") else { return nil }
            }
            guard let inner = self.alternatives(), self.take(")") else { return nil }
            return inner
        case "[": return self.characters()
        case ".": return .take(Self.lineEnds, isNegated: true)
        case "^": return .check(.start)
        case "$": return .check(.end)
        case "*", "+", "?", "{", "}", ")", "]": return nil
        case "\\": return self.escape()
        default: return .take([next...next], isNegated: false)
        }
    }

    private mutating func escape() -> PatternTree? {
        switch self.next.flatMap(Unicode.Scalar.init) {
        case "b":
            self.index += 1
            return .check(.boundary)
        case "B":
            self.index += 1
            return .check(.noBoundary)
        default: break
        }
        guard let item = self.escaped() else { return nil }
        return .take(item.ranges, isNegated: item.isNegated)
    }

    private struct Item {
        var ranges: [ClosedRange<UInt32>]
        var isNegated = false
        /// The character, if it is one.
        var single: UInt32?

        init(_ ranges: [ClosedRange<UInt32>], isNegated: Bool = false) {
            self.ranges = ranges
            self.isNegated = isNegated
        }

        init(_ character: UInt32) {
            self.ranges = [character...character]
            self.single = character
        }
    }

    /// What follows a backslash.
    private mutating func escaped() -> Item? {
        guard let next = self.next, let scalar = Unicode.Scalar(next) else { return nil }
        self.index += 1
        switch scalar {
        case "d": return Item(Self.digit)
        case "D": return Item(Self.digit, isNegated: true)
        case "w": return Item(Self.word)
        case "W": return Item(Self.word, isNegated: true)
        case "s": return Item(Self.space)
        case "S": return Item(Self.space, isNegated: true)
        case "n": return Item(10)
        case "r": return Item(13)
        case "t": return Item(9)
        case "f": return Item(12)
        case "v": return Item(11)
        case "0": return Item(0)
        case "x": return self.hex(2).map { Item($0) }
        case "u": return self.hex(4).map { Item($0) }
        default:
            // A letter or digit here means something else, and this does not know what.
            let isWord = Self.word.contains { $0.contains(next) }
            return isWord || next > 0x7F ? nil : Item(next)
        }
    }

    private mutating func hex(_ count: Int) -> UInt32? {
        guard self.index + count <= self.scalars.count else { return nil }
        var value: UInt32 = 0
        for scalar in self.scalars[self.index..<(self.index + count)] {
            guard let digit = Unicode.Scalar(scalar).flatMap({ Character($0).hexDigitValue }) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        self.index += count
        // Half of a pair is no character.
        return (0xD800...0xDFFF).contains(value) ? nil : value
    }

    /// A class, behind its opening bracket.
    private mutating func characters() -> PatternTree? {
        let isNegated = self.take("^")
        var ranges: [ClosedRange<UInt32>] = []
        while !self.take("]") {
            guard let first = self.classItem() else { return nil }
            let isRange =
                self.next == 0x2D && self.index + 1 < self.scalars.count && self.scalars[self.index + 1] != 0x5D
            guard isRange else {
                ranges += Self.ranges(of: first)
                continue
            }
            self.index += 1
            guard let last = self.classItem(), let from = first.single, let to = last.single, from <= to else {
                return nil
            }
            ranges.append(from...to)
        }
        return .take(ranges, isNegated: isNegated)
    }

    private mutating func classItem() -> Item? {
        guard let next = self.next else { return nil }
        self.index += 1
        guard next == 0x5C else { return Item(next) }
        if self.take("b") { return Item(8) }
        if self.take("-") { return Item(0x2D) }
        return self.escaped()
    }

    /// All of an item, what is not in it turned into what is.
    private static func ranges(of item: Item) -> [ClosedRange<UInt32>] {
        guard item.isNegated else { return item.ranges }
        var ranges: [ClosedRange<UInt32>] = []
        var start: UInt32 = 0
        for range in item.ranges {
            if range.lowerBound > start { ranges.append(start...(range.lowerBound - 1)) }
            start = range.upperBound + 1
        }
        ranges.append(start...0x10FFFF)
        return ranges
    }
}
