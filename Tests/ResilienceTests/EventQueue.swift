import NIOCore

/// What happens next, the earliest first; of those at one time, the first that was added.
struct EventQueue<Event> {
    private var heap: [(time: NIODeadline, number: Int, event: Event)] = []
    private var added = 0

    mutating func add(_ event: Event, at time: NIODeadline) {
        self.heap.append((time, self.added, event))
        self.added += 1
        var child = self.heap.count - 1
        while child > 0, self.isBefore(child, (child - 1) / 2) {
            self.heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (NIODeadline, Event)? {
        guard let first = self.heap.first else { return nil }
        let last = self.heap.removeLast()
        if !self.heap.isEmpty {
            self.heap[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < self.heap.count {
                    if self.isBefore(child, least) { least = child }
                }
                guard least != parent else { break }
                self.heap.swapAt(parent, least)
                parent = least
            }
        }
        return (first.time, first.event)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (self.heap[left].time, self.heap[left].number) < (self.heap[right].time, self.heap[right].number)
    }
}
