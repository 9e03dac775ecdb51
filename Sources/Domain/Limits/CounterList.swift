/// The counters that one call is counted under: four in place, since few calls are under more, and an array for the
/// rest, so that letting in a call allocates nothing.
struct CounterList: Sequence, Sendable {
    private var first = SIMD4<Int32>(repeating: -1)
    private var rest: [Int] = []
    private(set) var count = 0

    init() {}

    init(_ counters: [Int]) {
        self.count = counters.count
        for index in 0..<Swift.min(4, counters.count) { self.first[index] = Int32(truncatingIfNeeded: counters[index]) }
        if counters.count > 4 { self.rest = Array(counters[4...]) }
    }

    struct Iterator: IteratorProtocol {
        fileprivate let list: CounterList
        fileprivate var index = 0

        mutating func next() -> Int? {
            guard self.index < self.list.count else { return nil }
            defer { self.index += 1 }
            return self.index < 4 ? Int(self.list.first[self.index]) : self.list.rest[self.index - 4]
        }
    }

    func makeIterator() -> Iterator { Iterator(list: self) }
}
