internal import Core

/// A pattern as states: every way through it, without writing each out.
///
/// A state leads only to states before it, so that one pass over them from the first to the last knows of each what
/// follows.
struct IntentProgram: Sendable {
    enum State: Sendable {
        /// The request must be over.
        case end
        case word(Int32, next: Int)
        case slot(String, IntentPattern.Kind, next: Int)
        /// Either way, the first if both are as good.
        case split([Int])
    }

    private(set) var states: [State] = [.end]

    /// - Parameter number: The number of a word.
    init(_ root: IntentPattern.Node, _ number: (String) -> Int32) {
        let start = self.add(root, before: 0, number)
        // The last state is where reading begins.
        if start != self.states.count - 1 { self.states.append(.split([start])) }
    }

    var count: Int { self.states.count }
    var start: Int { self.states.count - 1 }

    private mutating func add(_ node: IntentPattern.Node, before next: Int, _ number: (String) -> Int32) -> Int {
        switch node {
        case .word(let word): return self.append(.word(number(word), next: next))
        case .slot(let name, let kind): return self.append(.slot(name, kind, next: next))
        case .sequence(let nodes):
            return nodes.reversed().reduce(next) { self.add($1, before: $0, number) }
        case .choice(let nodes):
            return self.append(.split(nodes.map { self.add($0, before: next, number) }))
        }
    }

    private mutating func append(_ state: State) -> Int {
        self.states.append(state)
        return self.states.count - 1
    }
}

/// One request while it is held against patterns.
struct IntentReading {
    struct Found {
        var name: String
        var value: JSONValue
    }

    private let request: IntentWords
    private let numbers: [Int32]
    private let today: UnixTime?
    /// The best that can become of a state at a word, by state and then by word; `never` if nothing can.
    private var table: [Int] = []
    /// The same for a placeholder for any text that has a word already.
    private var inside: [Int] = []
    /// Days at each word: how many words they take, and what they are; read once for all patterns.
    private var days: [Int: [(count: Int, day: String)]] = [:]

    private static let never = Int.min / 2
    private static let wordScore = 1 << 40
    private static let typedScore = 1 << 20

    init(_ request: IntentWords, _ numbers: [Int32], today: UnixTime?) {
        self.request = request
        self.numbers = numbers
        self.today = today
    }

    private var count: Int { self.numbers.count }
    private func cell(_ state: Int, _ place: Int) -> Int { state * (self.count + 1) + place }

    /// How well a pattern fits; nil if it does not.
    mutating func score(of program: IntentProgram) -> Int? {
        let size = program.count * (self.count + 1)
        self.table = Array(repeating: Self.never, count: size)
        self.inside = Array(repeating: Self.never, count: size)
        for place in stride(from: self.count, through: 0, by: -1) {
            for (state, step) in program.states.enumerated() {
                self.table[self.cell(state, place)] = self.best(step, state, place)
            }
        }
        let score = self.table[self.cell(program.start, 0)]
        return score > Self.never / 2 ? score : nil
    }

    private mutating func best(_ step: IntentProgram.State, _ state: Int, _ place: Int) -> Int {
        switch step {
        case .end:
            return place == self.count ? 0 : Self.never
        case .word(let number, let next):
            guard place < self.count, self.numbers[place] == number else { return Self.never }
            return self.table[self.cell(next, place + 1)] + Self.wordScore
        case .split(let ways):
            return ways.map { self.table[self.cell($0, place)] }.max() ?? Self.never
        case .slot(_, .text, let next):
            let leave = self.table[self.cell(next, place)]
            let stay = place < self.count ? self.inside[self.cell(state, place + 1)] : Self.never
            self.inside[self.cell(state, place)] = max(leave, stay)
            return place < self.count ? stay - 1 : Self.never
        case .slot(_, .word, let next):
            return place < self.count ? self.table[self.cell(next, place + 1)] + Self.typedScore : Self.never
        case .slot(_, .int, let next):
            guard place < self.count, self.whole(at: place) != nil else { return Self.never }
            return self.table[self.cell(next, place + 1)] + 2 * Self.typedScore
        case .slot(_, .date, let next):
            let ends = self.days(at: place).map { self.table[self.cell(next, place + $0.count)] }
            return (ends.max() ?? Self.never) + 2 * Self.typedScore
        }
    }

    /// What the placeholders of a pattern found; after `score` of the same.
    mutating func slots(of program: IntentProgram) -> [Found] {
        var found: [Found] = []
        var (state, place) = (program.start, 0)
        while true {
            switch program.states[state] {
            case .end: return found
            case .word(_, let next): (state, place) = (next, place + 1)
            case .split(let ways):
                let best = self.table[self.cell(state, place)]
                guard let way = ways.first(where: { self.table[self.cell($0, place)] == best }) else { return found }
                state = way
            case .slot(let name, .text, let next):
                var end = place + 1
                // As long as it takes no less to go on, it goes on.
                while end < self.count,
                    self.inside[self.cell(state, end + 1)] >= self.table[self.cell(next, end)]
                { end += 1 }
                found.append(Found(name: name, value: .string(self.request.written(place..<end))))
                (state, place) = (next, end)
            case .slot(let name, .word, let next):
                found.append(Found(name: name, value: .string(self.request.written(place..<(place + 1)))))
                (state, place) = (next, place + 1)
            case .slot(let name, .int, let next):
                found.append(Found(name: name, value: .integer(self.whole(at: place) ?? 0)))
                (state, place) = (next, place + 1)
            case .slot(let name, .date, let next):
                let days = self.days(at: place)
                let start = place
                let best = days.map { self.table[self.cell(next, start + $0.count)] }.max()
                guard let day = days.first(where: { self.table[self.cell(next, start + $0.count)] == best }) else {
                    return found
                }
                found.append(Found(name: name, value: .string(day.day)))
                (state, place) = (next, place + day.count)
            }
        }
    }

    // MARK: - What words are

    /// A whole number in digits of any script, with a sign.
    private func whole(at place: Int) -> Int64? {
        var text = self.request.written(place..<(place + 1))[...]
        // A dash in front is taken for punctuation there.
        let range = self.request.words[place].range
        let raw = self.request.text[range]
        let isNegative = raw.first == "-" || raw.first == "−"
        if text.first == "#" { text.removeFirst() }
        guard (1...18).contains(text.count) else { return nil }
        var value: Int64 = 0
        for character in text {
            guard let digit = character.wholeNumberValue, (0...9).contains(digit),
                character.unicodeScalars.first?.properties.numericType == .decimal
            else { return nil }
            value = value * 10 + Int64(digit)
        }
        return isNegative ? -value : value
    }

    private mutating func days(at place: Int) -> [(count: Int, day: String)] {
        if let known = self.days[place] { return known }
        var found: [(count: Int, day: String)] = []
        for count in 1...IntentDate.wordsMax where place + count <= self.count {
            let range = place..<(place + count)
            let words = self.request.words[range].map(\.folded)
            if let day = IntentDate.read(words, written: self.request.written(range), today: self.today) {
                found.append((count, day))
            }
        }
        // The longest first: `next monday` rather than what `next` alone would be.
        self.days[place] = found.reversed()
        return found.reversed()
    }
}
